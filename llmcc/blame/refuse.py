"""Refuse blamed rewrites in the store, so that no later compile puts them in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from llmcc.blame.search import Culprit
from llmcc.outcome import Outcome
from llmcc.splice import without
from llmcc.store.outcomes import OutcomeLog
from llmcc.store.records import DecisionStore, LoopRecord, RegionDecision
from llmcc.store.units import UnitStore
from llmcc.switches.table import Name


@dataclass(frozen=True, slots=True)
class Refused:
    """A blamed fast path and what the store now says of its region."""

    name: Name
    decision: RegionDecision


def refuse(culprits: Sequence[Culprit], names: Sequence[Name], *, cache: Path) -> list[Refused]:
    """Make the decision on each culprit's region `FAILED_USER_TEST`, with the failure as detail.

    The rewrite stays in the decision. Units of the store that hold one get it switched off, and
    count as unfinished: a compile that may optimise makes them again without it.

    Args:
        culprits: the blamed.
        names: theirs, in the same order.
        cache: whose store.

    Raises:
        OSError: the store cannot be written.
    """
    decisions, refused = DecisionStore(cache), []
    for culprit, name in zip(culprits, names, strict=True):
        # The store may have lost it: the file was compiled long ago, or elsewhere.
        known = decisions.get(culprit.key) or RegionDecision(Outcome.FAILED_USER_TEST)
        decision = replace(known, outcome=Outcome.FAILED_USER_TEST, detail=culprit.failure)
        decisions.put(culprit.key, decision)
        OutcomeLog(cache).add(
            name.source, [LoopRecord(name.function, name.head_label, "", decision)]
        )
        refused.append(Refused(name, decision))
    keys = {culprit.key for culprit in culprits}
    UnitStore(cache).change_texts(lambda text: without(text, keys))
    return refused
