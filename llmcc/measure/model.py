"""What is timed and what the times say."""

from __future__ import annotations

from dataclasses import dataclass

from llmcc.measure.eprocess import Verdict

# The buckets whose speed-up must be proved; the others must only not get worse.
DECIDING_NAMES = ("medium", "large")


@dataclass(frozen=True, slots=True)
class BucketTiming:
    """One bucket's paired times. A ratio over 1 means that the rewrite is faster."""

    name: str
    speedup_ratio: float  # median over placements of the median over rounds
    low_ratio: float  # 95 % bootstrap interval of speedup_ratio, over placements
    high_ratio: float
    geomean_ratio: float  # mean over placements
    baseline_ns: float  # one run, trampoline (5 to 10 ns) included
    rewrite_ns: float
    loss_ns: float  # median of rewrite minus baseline, paired; negative when the rewrite is faster
    placements: int

    @property
    def is_near_trampoline(self) -> bool:
        """Whether runs are so short (under 40 ns) that the harness's own time hides the ratio."""
        return min(self.baseline_ns, self.rewrite_ns) < 40.0


@dataclass(frozen=True, slots=True)
class Measured:
    """A rewrite's timing on this machine, from one seed."""

    buckets: tuple[BucketTiming, ...]  # in the order given; after a failed screen only its buckets
    verdict: Verdict  # of the confirming e-process; REJECT when the screen already failed
    e_value: float  # at the stop; 0.0 when the screen already failed
    low_ratio: float  # lower end of the 95 % interval of the deciding buckets' mean
    theta: float  # the speed-up that had to be exceeded
    seed: int
