"""What an ending is worth to the policy: the paper's two rewards and ours. Pure.

`cgs` and `so` are those of SuperCoder (arXiv:2505.11480), as its code publishes them
(``speedup_assembly_design1.py`` and ``…design2.py``); `lcb` is ours. An ending that says nothing
about the proposal (see `is_about_proposal`) has no reward; the caller leaves the sample out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from llmcc.outcome import Outcome, OutcomeClass
from llmcc.training.judgement import Judgement

_ABOUT_PROPOSAL = frozenset((OutcomeClass.ACCEPTED, OutcomeClass.REFUSED, OutcomeClass.NOT_WORTH))
NOT_BUILT = frozenset((Outcome.NO_PROPOSAL, *(o for o in Outcome if o.name.startswith("GATE_"))))
_DIED = frozenset((Outcome.CRASHED, Outcome.TIMED_OUT))
# lcb's rungs below "wrong output"; what the gate refuses but the assembler takes counts as a
# program that does not link.
_LCB_RUNGS = {
    **dict.fromkeys(NOT_BUILT, -0.7),
    **dict.fromkeys((Outcome.NO_PROPOSAL, Outcome.GATE_BAD_TEXT), -1.0),
    Outcome.GATE_DOES_NOT_ASSEMBLE: -0.8,
    **dict.fromkeys(_DIED, -0.6),
}
_LCB_WRONG = (-0.5, -0.2)  # no test passed, all tests passed
_LCB_SLOWEST = -0.2
_LCB_FASTER = 0.3
_LCB_SLOPE = 2.0
_LCB_LOG_MOST = math.log(3.0)


def is_about_proposal(judgement: Judgement) -> bool:
    """Tell whether an ending is the proposal's doing, not the machine's or the region's."""
    return judgement.outcome.kind in _ABOUT_PROPOSAL


def cgs(judgement: Judgement) -> float:
    """Give the paper's correctness-guided speedup: -1, -0.5, 0..1, or 1 + 10 s.

    -1 when it cannot be built (for a region: when the gate refuses it), -0.5 when a run died, else
    the share of tests passed; when all pass, 1 + 10 s for a speed-up s over 1, else 1. A copy is 1.
    Their s is a mean of ratios of means, with no test of significance; here it is `ratio`.
    """
    if judgement.outcome in NOT_BUILT:
        return -1.0
    if judgement.outcome in _DIED:
        return -0.5
    if not judgement.is_right:
        return judgement.tests_passed
    speedup = _published_speedup(judgement)
    return 1.0 if speedup is None else 1.0 + 10.0 * speedup


def so(judgement: Judgement) -> float:
    """Give the paper's speedup-only reward: s when all tests pass and s > 1, else 0."""
    return _published_speedup(judgement) or 0.0


def lcb(judgement: Judgement) -> float:
    """Give the clipped log of the speed-up's lower confidence bound, on top of a ladder: -1..2.5.

    Below a right rewrite the rungs say how far it came. A no-op is worth 0, so that copying pays
    nothing, and what is right but not shown to be faster neither; only when the whole interval is
    below 1 the loss counts, down to -0.2. Faster: 0.3 + 2 clip(log(low), 0, log 3); the step makes
    a small proven gain beat any chance of one, the bound instead of the median makes noise
    worthless.
    """
    if judgement.outcome in _LCB_RUNGS:
        return _LCB_RUNGS[judgement.outcome]
    if not judgement.is_right:
        least, most = _LCB_WRONG
        return least + (most - least) * judgement.tests_passed
    if judgement.is_faster:
        low_ratio = judgement.low_ratio or 1.0
        return _LCB_FASTER + _LCB_SLOPE * min(max(math.log(low_ratio), 0.0), _LCB_LOG_MOST)
    is_slower = judgement.high_ratio is not None and judgement.high_ratio < 1.0
    if is_slower and judgement.ratio:
        return max(min(math.log(judgement.ratio), 0.0), _LCB_SLOWEST)
    return 0.0


def _published_speedup(judgement: Judgement) -> float | None:
    """The speed-up that the paper would pay for; None when it pays for none."""
    if not judgement.is_right_rewrite or judgement.ratio is None or judgement.ratio <= 1.0:
        return None
    return judgement.ratio


REWARDS: Mapping[str, Callable[[Judgement], float]] = {"lcb": lcb, "cgs": cgs, "so": so}
