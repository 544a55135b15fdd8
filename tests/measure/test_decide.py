"""The decision rule, on figures made up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmcc.decide import decide
from llmcc.measure.eprocess import Verdict
from llmcc.measure.model import BucketTiming, Measured
from llmcc.outcome import Outcome

BUCKET = BucketTiming(
    name="medium",
    speedup_ratio=1.5,
    low_ratio=1.4,
    high_ratio=1.6,
    geomean_ratio=1.5,
    baseline_ns=150.0,
    rewrite_ns=100.0,
    loss_ns=-50.0,
    placements=12,
)
MEASURED = Measured(
    buckets=(BUCKET,),
    verdict=Verdict.ACCEPT,
    e_value=245.0,
    low_ratio=1.45,
    theta=0.02,
    seed=1,
)


def test_proved_faster_and_nowhere_slower_is_accepted():
    decision = decide(MEASURED)
    assert decision.outcome is Outcome.ACCEPTED
    assert decision.low_ratio == 1.45


@pytest.mark.parametrize("verdict", [Verdict.REJECT, Verdict.CONTINUE])
def test_anything_but_an_accepting_e_process_is_not_faster(verdict):
    decision = decide(replace(MEASURED, verdict=verdict))
    assert decision.outcome is Outcome.NOT_FASTER


@pytest.mark.parametrize(
    ("name", "geomean", "loss_ns", "outcome"),
    [
        ("small", 0.97, 5.0, Outcome.ACCEPTED),
        ("small", 0.969, 0.1, Outcome.SLOWER_WHEN_SHORT),
        ("large", 0.9, 50.0, Outcome.SLOWER_WHEN_SHORT),
        ("tiny", 0.5, 2.0, Outcome.ACCEPTED),
        ("tiny", 0.99, 2.1, Outcome.SLOWER_WHEN_SHORT),
    ],
)
def test_no_bucket_may_lose_more_than_its_share(name, geomean, loss_ns, outcome):
    worse = replace(BUCKET, name=name, geomean_ratio=geomean, loss_ns=loss_ns)
    assert decide(replace(MEASURED, buckets=(worse, BUCKET))).outcome is outcome
