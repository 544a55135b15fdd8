"""How far a loop came on its way to a fast path, told from its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from llmcc.outcome import Outcome, OutcomeClass


class Stage(Enum):
    """What a loop has behind it; each stage holds all loops of the next."""

    FOUND = "loops found"
    ELIGIBLE = "may be rewritten"
    TRIED = "tried: the model was asked"
    PROPOSED = "got a rewrite"
    GATED = "of allowed instructions"
    TESTED = "same as gcc's loop in all tests"
    FASTER = "measured faster"
    ACCEPTED = "got a fast path"


# The last stage a loop reached that ended so.
_REACHED: Mapping[Outcome, Stage] = MappingProxyType(
    {
        **{outcome: Stage.FOUND for outcome in Outcome if outcome.kind is OutcomeClass.INELIGIBLE},
        Outcome.BUDGET_SPENT: Stage.ELIGIBLE,
        Outcome.SANDBOX_UNSAFE: Stage.ELIGIBLE,
        Outcome.CPU_WITHOUT_ISA: Stage.ELIGIBLE,
        Outcome.INTERNAL_ERROR: Stage.ELIGIBLE,
        Outcome.NO_PROPOSAL: Stage.TRIED,
        Outcome.IDENTICAL: Stage.PROPOSED,
        **{outcome: Stage.PROPOSED for outcome in Outcome if outcome.name.startswith("GATE_")},
        Outcome.WRONG_OUTPUT: Stage.GATED,
        Outcome.WRONG_EXIT: Stage.GATED,
        Outcome.WRONG_FP_FLAGS: Stage.GATED,
        Outcome.READS_BEYOND: Stage.GATED,
        Outcome.WRITES_BEYOND: Stage.GATED,
        Outcome.CRASHED: Stage.GATED,
        Outcome.TIMED_OUT: Stage.GATED,
        Outcome.NOT_DETERMINISTIC: Stage.GATED,
        Outcome.NOT_COVERED: Stage.GATED,
        Outcome.NOT_FASTER: Stage.TESTED,
        Outcome.SLOWER_WHEN_SHORT: Stage.TESTED,
        Outcome.MACHINE_TOO_NOISY: Stage.TESTED,
        Outcome.DISPROVED: Stage.FASTER,
        Outcome.LEVEL_NOT_REACHED: Stage.FASTER,
        Outcome.FAILED_USER_TEST: Stage.FASTER,
        Outcome.REVERTED_BY_USER: Stage.FASTER,
        Outcome.ACCEPTED: Stage.ACCEPTED,
    }
)
_RANK: Mapping[Stage, int] = MappingProxyType({stage: at for at, stage in enumerate(Stage)})


def has_reached(outcome: Outcome, stage: Stage) -> bool:
    """Tell whether a loop that ended so came as far as a stage."""
    return _RANK[_REACHED[outcome]] >= _RANK[stage]
