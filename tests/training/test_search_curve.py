"""Ranking proposals: the static cost model, and the curve that tells whether it pays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from llmcc.outcome import Outcome
from llmcc.propose import Proposal
from llmcc.regions.model import Contract, Induction
from llmcc.training.dataset import PairRecord
from llmcc.training.judgement import Judgement
from llmcc.training.search_curve import _Search, markdown, points_of
from llmcc.training.static_cost import cost_per_iteration

Records = Callable[..., list[PairRecord]]


@pytest.fixture
def contract(make_records: Records) -> Contract:
    region = make_records(1)[0].region
    assert region is not None
    return replace(region.contract, inductions=(Induction("rax", 4),))


def loop(*body: str, step: int) -> str:
    lines = [".LR0:", *(f"\t{line}" for line in body), f"\taddq\t${step}, %rax", "\tjne\t.LR0"]
    return "\n".join([*lines, "\tjmp\t.LH"]) + "\n"


def test_wider_steps_cost_less_an_iteration(contract: Contract) -> None:
    body = ("vpaddd\t(%rax), %zmm16, %zmm16",)
    narrow, wide = (cost_per_iteration(loop(*body, step=step), contract) for step in (32, 64))
    assert narrow == pytest.approx(3 / 8)
    assert wide == pytest.approx(3 / 16)


def test_a_division_costs_more_than_additions(contract: Contract) -> None:
    cheap = cost_per_iteration(loop("addl\t%ecx, %edx", "addl\t%ecx, %edx", step=4), contract)
    assert cost_per_iteration(loop("divl\t%ecx", step=4), contract) > 5 * cheap


def test_a_text_without_a_loop_that_moves_is_the_last_choice(contract: Contract) -> None:
    assert cost_per_iteration("\tjmp\t.LH\n", contract) == float("inf")
    assert cost_per_iteration(".LR0:\n\tincl\t%ecx\n\tjne\t.LR0\n", contract) == float("inf")


def test_only_the_innermost_loop_counts(contract: Contract) -> None:
    inner = loop("vpaddd\t(%rax), %zmm16, %zmm16", step=64)
    outer = ".LR5:\n\tdivl\t%ecx\n" + inner.replace("\tjmp\t.LH\n", "\tjne\t.LR5\n")
    assert cost_per_iteration(outer, contract) == cost_per_iteration(inner, contract)


def test_the_curve_tells_a_ranking_that_pays_from_one_that_does_not() -> None:
    proposals = tuple(Proposal(str(n), "avx2", -float(n), "known") for n in range(3))
    search = _Search(proposals, 0.5, (3.0, 2.0, 1.0))
    faster = Judgement(Outcome.ACCEPTED, 1.0, 4.0, 3.9, 4.1)
    judged = [Judgement(Outcome.CRASHED), Judgement(Outcome.NOT_FASTER, 1.0, 1.0), faster]
    points = points_of([search], [judged], ["shape"], n=4, temperature=0.8, seed=0)
    gains = {(point.ranking, point.tried): point.gain.value for point in points}
    assert gains["probability", 1] == 1.0
    assert gains["static cost", 1] == pytest.approx(4.0)
    assert gains["both", 1] == 1.0
    assert gains["probability", 4] == pytest.approx(4.0)
    assert "| 4 | 0.8 | static cost | 1 | 4.000 [4.000, 4.000] | 0.50 | 3.0 |" in markdown(points)
