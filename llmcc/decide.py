"""The last word on a verified rewrite: do its times make it worth having? Pure."""

from __future__ import annotations

from dataclasses import dataclass

from llmcc.measure.eprocess import Verdict
from llmcc.measure.model import BucketTiming, Measured
from llmcc.outcome import Outcome

_LEAST_RATIO = 0.97
_TINY_LOSS_MOST_NS = 2.0


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether the rewrite is taken, and what it is worth."""

    outcome: Outcome  # ACCEPTED, NOT_FASTER or SLOWER_WHEN_SHORT
    low_ratio: float  # lower 95 % bound of the speed-up where it counts
    detail: str  # the figures that decided


def decide(measured: Measured) -> Decision:
    """Accept a rewrite that is proved faster where it counts and nowhere worse.

    The e-process over the deciding buckets must have accepted; no bucket may be slower than 0.97
    (geometric mean over placements), "tiny" not by more than 2 ns a run, because a ratio of so
    short runs is mostly the harness.
    """
    if measured.verdict is not Verdict.ACCEPT:
        detail = f"e-value {measured.e_value:.3g} for a speed-up over {measured.theta:.0%}"
        return Decision(Outcome.NOT_FASTER, measured.low_ratio, detail)
    for bucket in measured.buckets:
        if _is_slower(bucket):
            detail = (
                f"{bucket.name}: {bucket.baseline_ns:.1f} ns before, {bucket.rewrite_ns:.1f} ns now"
            )
            return Decision(Outcome.SLOWER_WHEN_SHORT, measured.low_ratio, detail)
    detail = ", ".join(f"{bucket.name} {bucket.speedup_ratio:.2f}x" for bucket in measured.buckets)
    return Decision(Outcome.ACCEPTED, measured.low_ratio, detail)


def _is_slower(bucket: BucketTiming) -> bool:
    if bucket.name == "tiny":
        return bucket.loss_ns > _TINY_LOSS_MOST_NS
    return bucket.geomean_ratio < _LEAST_RATIO
