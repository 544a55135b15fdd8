"""What a decision rests on, in words: times for each range of trip counts, tests, the level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llmcc.store.records import RegionDecision

# Name of the evidence, and what it says; what is not named here is not for users.
_FACTS = (
    ("states", "machine states tested"),
    ("mutation_score", "share of one-instruction mutants the tests notice"),
    ("instructions", "instructions in the rewrite"),
    ("e_value", "e-value of the timing"),
    ("log_probability", "log-probability the model gave it"),
    ("seconds", "seconds it took"),
)
_RATIO = "_speedup_ratio"
# They hold the ranges of `states.buckets` (slow to load), for loops with and without memory.
_TRIPS = {"tiny": "1 to 5", "small": "6 to 40", "medium": "41 to 500", "large": "501 to 5,000"}


@dataclass(frozen=True, slots=True)
class BucketTime:
    """Times for one range of trip counts."""

    name: str
    trips: str  # the range in words; "" when it is not known
    baseline_ns: float  # one run of gcc's loop, with 5 to 10 ns of the harness
    speedup_ratio: float
    interval: str  # "2.90 to 3.10", 95 %; "" where it was not kept


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure of the evidence."""

    sentence: str
    value: str


def bucket_times(decision: RegionDecision) -> list[BucketTime]:
    """List the times of a decision, short trip counts first; none when it was not timed."""
    names = [key.removesuffix(_RATIO) for key in decision.evidence if key.endswith(_RATIO)]
    return [_bucket_time(name, decision.evidence) for name in names]


def _bucket_time(name: str, evidence: Mapping[str, float]) -> BucketTime:
    low, high = (evidence.get(f"{name}_{end}_ratio") for end in ("low", "high"))
    return BucketTime(
        name=name,
        trips=_TRIPS.get(name, ""),
        baseline_ns=evidence.get(f"{name}_baseline_ns", 0.0),
        speedup_ratio=evidence[name + _RATIO],
        interval=f"{low:.2f} to {high:.2f}" if low and high else "",
    )


def facts(decision: RegionDecision) -> list[Fact]:
    """List the other figures of a decision."""
    return [
        Fact(sentence, f"{decision.evidence[name]:,.6g}")
        for name, sentence in _FACTS
        if name in decision.evidence
    ]
