"""Judge proposals for regions with the product's gate, verification and timing, in one process.

"quick" is a few hundred states and a short paired timing, and some thousand more states for what
is faster; "full" is what the product itself asks for before it writes a rewrite into an object,
except for its second verification and proofs. Without timing, what is right ends as NOT_FASTER
with no ratio.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llmcc.decide import decide
from llmcc.gate.check import Gated, check
from llmcc.measure.machine import TimingBusy
from llmcc.measure.model import DECIDING_NAMES, Measured
from llmcc.measure.rounds import measure
from llmcc.outcome import Outcome, Refusal
from llmcc.propose import Proposal
from llmcc.regions.model import Region
from llmcc.sandbox.model import STUCK, Blob
from llmcc.sandbox.runner import Sandbox, TimedRunFailed
from llmcc.sandbox.zygote import SandboxDied
from llmcc.states.blob import baseline_blob, guarded_blob
from llmcc.states.buckets import timing_buckets
from llmcc.states.model import Bucket
from llmcc.toolchain import ToolTimedOut
from llmcc.training.judgement import Judgement
from llmcc.training.quick_timing import QuickTimer
from llmcc.verify.battery import Battery
from llmcc.verify.verify import verify

# A region with its 10,000 states and their ends can take 300 MB; tasks of one region come together.
_REGIONS_KEPT = 4
# What is accepted is learnt from: of 350 rewrites that some 600 states took, one was wrong.
_STATES_OF_FASTER = 3_000


@dataclass(frozen=True, slots=True)
class Thoroughness:
    """How hard to look."""

    battery: str  # "quick" or "full"
    timing: str  # "quick", "full" or "none"


@dataclass(slots=True)
class _Known:
    """What all rewrites of one region share; the timing parts are made when first needed."""

    region: Region
    battery: Battery | Refusal
    baseline: Blob
    buckets: tuple[Bucket, ...] | Refusal | None = None
    timer: QuickTimer | None = None


class RegionJudge:
    """Judges rewrites in one sandbox, and keeps what it learnt of the last regions."""

    def __init__(self, sandbox: Sandbox, *, seed: int, thoroughness: Thoroughness) -> None:
        self._sandbox = sandbox
        self._seed = seed
        self._how = thoroughness
        self._regions: OrderedDict[str, _Known] = OrderedDict()

    def judge(self, region: Region, isa: str, texts: Sequence[str]) -> list[Judgement]:
        """Judge texts for one region and ISA; a machine that fails is an ending too."""
        try:
            gated = check(region, [Proposal(text, isa, 0.0, "training") for text in texts])
        except ToolTimedOut as error:
            return [Judgement(Outcome.INTERNAL_ERROR, detail=str(error))] * len(texts)
        return [
            _refused(one, tests_passed=float(one.outcome is Outcome.IDENTICAL))
            if isinstance(one, Refusal)
            else self._one(region, one)
            for one in gated
        ]

    def _one(self, region: Region, gated: Gated) -> Judgement:
        try:
            known = self._know(region)
            if isinstance(known.battery, Refusal):
                return _refused(known.battery)
            return self._verify_and_time(known, known.battery, gated)
        except (SandboxDied, ToolTimedOut) as error:
            # Whatever was being learnt may be half done.
            self._regions.pop(region.text, None)
            return Judgement(Outcome.INTERNAL_ERROR, detail=str(error))

    def _know(self, region: Region) -> _Known:
        known = self._regions.get(region.text)
        if known is None or known.region != region:
            battery = Battery.build(region, sandbox=self._sandbox, seed=self._seed)
            known = _Known(region, battery, baseline_blob(region))
        self._regions[region.text] = known
        self._regions.move_to_end(region.text)
        if len(self._regions) > _REGIONS_KEPT:
            self._regions.popitem(last=False)
        return known

    def _verify_and_time(self, known: _Known, battery: Battery, gated: Gated) -> Judgement:
        verdict = verify(
            known.region,
            gated,
            sandbox=self._sandbox,
            seed=self._seed,
            quick=self._how.battery == "quick",
            battery=battery,
        )
        if isinstance(verdict, Refusal):
            return _refused(verdict, tests_passed=_share_passed(battery, gated))
        if self._how.timing == "none":
            return Judgement(Outcome.NOT_FASTER, 1.0, detail="not timed")
        if known.buckets is None:
            known.buckets = timing_buckets(known.region, seed=self._seed, sandbox=self._sandbox)
        if isinstance(known.buckets, Refusal):
            return _refused(known.buckets)
        guarded = guarded_blob(known.region, gated.text, gated.isa)
        if isinstance(guarded, Refusal):
            return _refused(guarded)
        if self._how.timing == "full":
            return self._measured(known, known.buckets, guarded)
        timed = self._timed(known, known.buckets, guarded)
        if timed.is_faster and self._how.battery == "quick":
            return self._looked_at_again(known, battery, gated) or timed
        return timed

    def _looked_at_again(self, known: _Known, battery: Battery, gated: Gated) -> Judgement | None:
        """Try more states; None when it is still right."""
        verdict = verify(
            known.region,
            gated,
            sandbox=self._sandbox,
            seed=self._seed,
            tests=_STATES_OF_FASTER,
            battery=battery,
            known_score=1.0,  # no mutants: they judge the tests, not the rewrite
        )
        if isinstance(verdict, Refusal):
            return _refused(verdict, tests_passed=_share_passed(battery, gated))
        return None

    def _timed(self, known: _Known, buckets: Sequence[Bucket], guarded: Blob) -> Judgement:
        if known.timer is None:
            known.timer = QuickTimer(
                known.baseline, buckets, sandbox=self._sandbox, seed=self._seed
            )
        try:
            timing = known.timer.time(guarded)
        except TimingBusy as busy:
            return Judgement(Outcome.MACHINE_TOO_NOISY, detail=str(busy))
        except TimedRunFailed as failed:
            outcome = Outcome.TIMED_OUT if failed.end == STUCK else Outcome.CRASHED
            return Judgement(outcome, tests_passed=1.0, detail=f"while timed: {failed}")
        outcome = Outcome.ACCEPTED if timing.is_faster else Outcome.NOT_FASTER
        if timing.slower_bucket is not None:
            outcome = Outcome.SLOWER_WHEN_SHORT
        return Judgement(
            outcome,
            1.0,
            timing.ratio,
            timing.low_ratio,
            timing.high_ratio,
            detail=timing.slower_bucket or "",
        )

    def _measured(self, known: _Known, buckets: Sequence[Bucket], guarded: Blob) -> Judgement:
        measured = measure(known.baseline, guarded, buckets, sandbox=self._sandbox, seed=self._seed)
        if isinstance(measured, Refusal):
            return _refused(measured, tests_passed=1.0)
        decision = decide(measured)
        ratio, low, high = deciding_ratios(measured)
        return Judgement(decision.outcome, 1.0, ratio, low, high, detail=decision.detail)


def _refused(refusal: Refusal, *, tests_passed: float = 0.0) -> Judgement:
    return Judgement(refusal.outcome, tests_passed=tests_passed, detail=refusal.detail)


def _share_passed(battery: Battery, gated: Gated) -> float:
    """The share of the first quick states from which a refused rewrite ends like gcc's loop."""
    chunk = next(battery.quick_chunks(), None)
    if chunk is None:
        return 0.0
    ends = battery.run(gated.blob, chunk.states, timeout_s=0.3)
    return 1.0 - float(np.mean(battery.comparison.wrong(chunk.expected, ends)))


def deciding_ratios(measured: Measured) -> tuple[float, float, float]:
    """Ratio and both ends of its interval: geometric means over the buckets that decide."""
    buckets = [bucket for bucket in measured.buckets if bucket.name in DECIDING_NAMES]
    rows = np.log(
        [(b.speedup_ratio, b.low_ratio, b.high_ratio) for b in buckets or measured.buckets]
    )
    ratio, low, high = (math.exp(mean) for mean in rows.mean(axis=0))
    return ratio, low, high
