"""The parts of `make timing-evidence` that do not read the clock."""

from __future__ import annotations

import pytest

from llmcc.sandbox.runner import Sandbox
from llmcc.states.buckets import timing_buckets
from tests.evidence.binomial import clopper_pearson
from tests.evidence.chains import Chain, chains
from tests.evidence.timing_report import summary


def test_bounds_are_those_of_clopper_and_pearson() -> None:
    assert clopper_pearson(0, 2000).high == pytest.approx(1 - 0.025 ** (1 / 2000))
    half = clopper_pearson(5, 10)
    assert (half.low, half.high) == pytest.approx((0.18709, 0.81291), abs=1e-5)
    assert clopper_pearson(10, 10).high == 1.0


@pytest.mark.parametrize("chain", chains(27, 25), ids=lambda chain: chain.shape)
def test_a_chain_is_a_region_with_all_timing_buckets(chain: Chain) -> None:
    with Sandbox() as sandbox:
        buckets = timing_buckets(chain.region, seed=1, sandbox=sandbox)
    assert isinstance(buckets, tuple), buckets
    assert [bucket.name for bucket in buckets] == ["tiny", "small", "medium", "large"]
    dependent = [line for line in chain.region.text.split("\n") if line.endswith(", %rax")]
    assert len(dependent) == 27
    assert chain.speedup_ratio == pytest.approx(1.08)


def test_a_trial_without_a_decision_is_not_counted() -> None:
    row = {"series": "faster", "loop": "a", "outcome": "ACCEPTED", "is_decided": True, "seconds": 1}
    noisy = {**row, "outcome": "MACHINE_TOO_NOISY", "is_decided": False}
    found = summary([row, noisy], 1 / 500)["faster"]
    assert (found["trials"], found["accepted"], found["is_met"]) == (1, 1, True)
    assert summary([row], 1)["faster"]["is_met"] is False
