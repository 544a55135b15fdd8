"""The teachers' rewrites pass llmcc's own battery, and the corpus keeps shapes apart."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from llmcc.asm.parse import parse
from llmcc.gate.check import Gated, check
from llmcc.propose import Proposal
from llmcc.regions.find import find_regions
from llmcc.regions.model import Region
from llmcc.sandbox.runner import Sandbox
from llmcc.training.corpus import corpus, shape_key, split_of
from llmcc.training.dataset import read_pairs
from llmcc.training.experts import expert_rewrites, is_packed
from llmcc.training.families.spec import FAMILIES, c_function, draw
from llmcc.verify.battery import Battery
from llmcc.verify.verify import Verified, verify


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One sandbox for all tests of the module."""
    with Sandbox() as opened:
        yield opened


@pytest.mark.parametrize("isa", ["avx512", "avx2"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_rewrite_of_every_family_is_verified(
    tmp_path: Path, sandbox: Sandbox, family: str, isa: str
) -> None:
    if isa not in sandbox.features():
        pytest.skip(f"this CPU has no {isa}")
    rng = random.Random(11)
    specs = [draw(family, rng) for _ in range(24)]
    functions = [c_function(spec, f"f{number}") for number, spec in enumerate(specs)]
    text = "#include <stddef.h>\n#include <stdint.h>\n" + "".join(functions)
    (tmp_path / "unit.c").write_text(text)
    subprocess.run(["gcc", "-w", "-O2", "-S", "unit.c"], check=True, cwd=tmp_path)
    verified = 0
    for region in find_regions(parse((tmp_path / "unit.s").read_text())):
        if isinstance(region, Region):
            spec = specs[int(region.function.removeprefix("f"))]
            verified += _is_verified(region, expert_rewrites(region, spec, isa), isa, sandbox)
    assert verified >= 2


def _is_verified(region: Region, texts: tuple[str, ...], isa: str, sandbox: Sandbox) -> bool:
    battery = Battery.build(region, sandbox=sandbox, seed=3)
    if not isinstance(battery, Battery):
        return False
    for gated in check(region, [Proposal(text, isa, 0.0, "teacher") for text in texts]):
        if isinstance(gated, Gated) and isinstance(
            verify(region, gated, sandbox=sandbox, seed=3, quick=True, battery=battery), Verified
        ):
            return True
    return False


def test_corpus_goes_on_where_it_stopped_and_writes_distinct_pairs(tmp_path: Path) -> None:
    arguments = ["--out", str(tmp_path), "--shards", "1", "--loops", "6", "--jobs", "1"]
    first = CliRunner().invoke(corpus, arguments, catch_exceptions=False)
    assert first.exit_code == 0
    records = list(read_pairs(tmp_path / "pairs.jsonl", with_regions=True))
    assert records
    assert len({record.prompt for record in records}) == len(records)
    second = CliRunner().invoke(corpus, arguments, catch_exceptions=False)
    assert f"{len(records)} distinct records" in second.output
    assert "shard" not in second.output


def test_loops_that_differ_in_registers_only_share_a_shape_and_a_split() -> None:
    first = ".LH:\n\taddl\t(%rdi), %eax\n\taddq\t$4, %rdi\n\tcmpq\t%rdi, %rdx\n\tjne\t.LH\n"
    second = first.replace("%rdi", "%r9").replace("%rdx", "%rsi")
    assert shape_key(first) == shape_key(second)
    assert shape_key(first) != shape_key(first.replace("$4", "$8"))
    assert split_of(shape_key(first)) == split_of(shape_key(second))


def test_packed_loops_are_told_from_scalar_ones(tmp_path: Path) -> None:
    source = "int f(int *a, int n) { int s = 0; for (int i = 0; i < n; i++) s += a[i]; return s; }"
    (tmp_path / "unit.c").write_text(source)
    for level, expected in (("-O3", True), ("-O2", False)):
        subprocess.run(["gcc", level, "-S", "unit.c"], check=True, cwd=tmp_path)
        found = find_regions(parse((tmp_path / "unit.s").read_text()))
        assert [is_packed(r) for r in found if isinstance(r, Region)] == [expected]
