"""A region's time is noted, and no further rewrite is looked at once it has taken too long."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from llmcc.asm.parse import parse
from llmcc.config import read_config
from llmcc.outcome import Outcome
from llmcc.propose import Proposal, Request
from llmcc.regions.find import find_regions
from llmcc.regions.model import Region
from llmcc.rewrite_region import RegionRewriter
from llmcc.sandbox.runner import Sandbox
from tests.interception.conftest import SEARCH, Compiler

WRONG = "\taddq\t$4, %rdi\n" * 2 + "\tjmp\t.LH\n"


class Wrong:
    """Proposes wrong rewrites and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def propose(self, request: Request, n: int) -> list[Proposal]:
        self.asked.append(request.isa)
        return [Proposal("\tnop\n" * extra + WRONG, request.isa, 0.0, "wrong") for extra in (0, 1)]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("region-cache")) as running:
        yield running


@pytest.fixture
def region(compiler: Compiler) -> Region:
    (compiler.folder / "a.c").write_text(SEARCH)
    (found,) = find_regions(parse(compiler.unit(["-O3", "-c", "a.c"])))
    assert isinstance(found, Region)
    return found


@pytest.mark.parametrize(("tick_s", "isas_most"), [(0.0, 2), (10.0, 1)])
def test_a_late_region_is_not_tried_further(
    region: Region, sandbox: Sandbox, own_cache: Path, tick_s: float, isas_most: int
) -> None:
    seconds = count(0.0, tick_s)
    backend = Wrong()
    rewriter = RegionRewriter(
        read_config(), backend=backend, sandbox=sandbox, clock=lambda: next(seconds)
    )
    decision = rewriter.rewrite(region, "")
    isas = [isa for isa in ("avx512", "avx2") if isa in sandbox.features()]
    assert backend.asked == isas[:isas_most]
    assert decision.outcome not in (Outcome.ACCEPTED, Outcome.NO_PROPOSAL)
    assert (decision.evidence["seconds"] > 0) is (tick_s > 0)
