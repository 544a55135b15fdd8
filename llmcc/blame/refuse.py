"""Refuse blamed rewrites in the store, so that no later compile puts them in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from llmcc.blame.search import Culprit
from llmcc.outcome import Outcome, Refusal
from llmcc.splice import without
from llmcc.store.generation import bump_generation
from llmcc.store.records import DecisionStore, LoopRecord, RegionDecision
from llmcc.store.refused import RefusedTexts
from llmcc.store.unit_records import UnitRecords
from llmcc.store.units import UnitStore
from llmcc.switches.table import Name


@dataclass(frozen=True, slots=True)
class Refused:
    """A blamed fast path and what the store now says of its region."""

    name: Name
    decision: RegionDecision


def with_same_text(key: str, cache: Path) -> list[str]:
    """List a key and those of all other regions that got the very same rewrite.

    One inline function has another key in each unit that sees it in other surroundings.
    """
    decisions = DecisionStore(cache)
    known = decisions.get(key)
    same = decisions.keys_with(known.isa, known.rewrite) if known and known.rewrite else []
    return list(dict.fromkeys([key, *same]))


def refuse(culprits: Sequence[Culprit], names: Sequence[Name], *, cache: Path) -> list[Refused]:
    """Make the decision on each culprit's region `FAILED_USER_TEST`, with the failure as detail.

    The rewrite stays in the decision, and its text is refused for good, for every region that has
    it. Units of the store that hold one get it switched off, and count as unfinished: a compile
    that may optimise makes them again without it.

    Args:
        culprits: the blamed.
        names: theirs, in the same order.
        cache: whose store.

    Raises:
        OSError: the store cannot be written.
    """
    refused, keys = [], set[str]()
    for culprit, name in zip(culprits, names, strict=True):
        same = with_same_text(culprit.key, cache)
        decision = _put(same, culprit.failure, cache)
        refused.append(Refused(name, decision))
        keys |= set(same)
    UnitStore(cache).change_texts(lambda text: without(text, lambda name: name.key in keys))
    UnitRecords(cache).change_loops(lambda loop: _as_refused(loop, refused))
    if refused:
        bump_generation(cache)
    return refused


def _as_refused(loop: LoopRecord, refused: Sequence[Refused]) -> LoopRecord:
    """Return a loop's record with the new decision, if its fast path is one of the refused."""
    for decision in (one.decision for one in refused):
        same = (decision.isa, decision.rewrite) == (loop.decision.isa, loop.decision.rewrite)
        if same and loop.decision.outcome is Outcome.ACCEPTED:
            outcome, detail = decision.outcome, decision.detail
            return replace(loop, decision=replace(loop.decision, outcome=outcome, detail=detail))
    return loop


def _put(keys: Iterable[str], failure: str, cache: Path) -> RegionDecision:
    """Refuse the text of some decisions; return the first of them as it now is."""
    decisions, first = DecisionStore(cache), None
    for key in keys:
        # The store may have lost it: the file was compiled long ago, or elsewhere.
        known = decisions.get(key) or RegionDecision(Outcome.FAILED_USER_TEST)
        decision = replace(known, outcome=Outcome.FAILED_USER_TEST, detail=failure)
        decisions.put(key, decision)
        if decision.rewrite:
            refusal = Refusal(Outcome.FAILED_USER_TEST, failure)
            RefusedTexts(cache).add(decision.isa, decision.rewrite, refusal)
        first = first or decision
    assert first is not None
    return first
