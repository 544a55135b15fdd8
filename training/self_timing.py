"""The A/A row: gcc's loop timed against itself, as if it were a rewrite of it.

What this row shows as faster is false; what its intervals spread over is noise.
"""

from __future__ import annotations

from llmcc.decide import decide
from llmcc.measure.machine import TimingBusy
from llmcc.measure.rounds import measure
from llmcc.outcome import Outcome, Refusal
from llmcc.regions.model import Region
from llmcc.sandbox.runner import Sandbox, TimedRunFailed
from llmcc.sandbox.zygote import SandboxDied
from llmcc.states.blob import baseline_blob
from llmcc.states.buckets import timing_buckets
from llmcc.training.judgement import Judgement
from llmcc.training.quick_timing import QuickTimer
from llmcc.training.region_judge import deciding_ratios


def time_itself(region: Region, *, sandbox: Sandbox, timing: str, seed: int) -> Judgement:
    """Judge gcc's loop as a rewrite of itself, by timing alone.

    Args:
        region: any that can be tested.
        sandbox: open.
        timing: "quick" or "full", as for `judging.JudgePool`.
        seed: of places in memory and of states.
    """
    blob = baseline_blob(region)
    buckets = timing_buckets(region, seed=seed, sandbox=sandbox)
    if isinstance(buckets, Refusal):
        return Judgement(buckets.outcome, detail=buckets.detail)
    try:
        if timing == "full":
            measured = measure(blob, blob, buckets, sandbox=sandbox, seed=seed)
            if isinstance(measured, Refusal):
                return Judgement(measured.outcome, detail=measured.detail)
            decision = decide(measured)
            ratio, low, high = deciding_ratios(measured)
            return Judgement(decision.outcome, 1.0, ratio, low, high, decision.detail)
        quick = QuickTimer(blob, buckets, sandbox=sandbox, seed=seed).time(blob)
    except (TimingBusy, TimedRunFailed, SandboxDied) as error:
        return Judgement(Outcome.INTERNAL_ERROR, detail=str(error))
    is_accepted = quick.is_faster and quick.slower_bucket is None
    outcome = Outcome.ACCEPTED if is_accepted else Outcome.NOT_FASTER
    return Judgement(outcome, 1.0, quick.ratio, quick.low_ratio, quick.high_ratio)
