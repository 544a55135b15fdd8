"""`llmcc-ctl revert FUNCTION`: take fast paths out again, for good."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import click

from llmcc.config import read_config
from llmcc.outcome import Outcome, Refusal
from llmcc.splice import without
from llmcc.store.generation import bump_generation
from llmcc.store.records import DecisionStore, LoopRecord, RegionDecision
from llmcc.store.refused import RefusedTexts
from llmcc.store.unit_records import UnitRecords
from llmcc.store.units import UnitStore
from llmcc.switches.table import Name

_NOTHING_FOUND = 1


@dataclass(frozen=True, slots=True)
class Reverted:
    """A loop whose fast path is out, or in again."""

    unit: str  # its source, as gcc's `.file` has it
    function: str
    head_label: str
    isa: str


@dataclass(frozen=True, slots=True)
class _Text:
    """A rewrite, wherever it is used."""

    isa: str
    rewrite: str


@click.command()
@click.argument("function", required=False, default="")
@click.option("--all", "is_all", is_flag=True, help="All functions.")
@click.option("--undo", "is_undo", is_flag=True, help="Allow what was reverted again.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def revert(function: str, *, is_all: bool, is_undo: bool, is_json: bool) -> None:
    """Take the fast paths of FUNCTION out; gcc's loops are what the next build assembles.

    FUNCTION is a symbol, as `llmcc-ctl explain` prints it; gcc's clones of it (`f.constprop.0`)
    count. The rewrites are refused for good, in every function that has the very same one. Objects
    that are already built stay as they are: touch their sources and build again. What --undo allows
    again comes back when its source is next compiled with LLMCC_MODE=sync.
    """
    if is_all == bool(function):
        raise click.UsageError("Give a function, or --all.")
    is_meant = _always if is_all else lambda name: function in (name, name.partition(".")[0])
    cache = read_config().cache
    try:
        found = undo(is_meant, cache=cache) if is_undo else take_out(is_meant, cache=cache)
        if found:
            bump_generation(cache)
    except OSError as error:
        raise click.ClickException(f"{cache}: {error.strerror}.") from None
    if is_json:
        fields = ("unit", "function", "head_label", "isa")
        rows = [{name: getattr(one, name) for name in fields} for one in found]
        click.echo(json.dumps({"allowed" if is_undo else "reverted": rows}, indent=1))
    else:
        for one in found:
            click.echo(f"{one.unit}: {one.function}, loop {one.head_label} ({one.isa})")
        click.echo(_summary(found, function, is_undo=is_undo))
    if not found:
        raise SystemExit(_NOTHING_FOUND)


def take_out(is_meant: Callable[[str], bool], *, cache: Path) -> list[Reverted]:
    """Refuse the accepted rewrites of some functions, by name.

    Raises:
        OSError: the store cannot be written.
    """
    records = UnitRecords(cache)
    accepted = [(record, loop) for record in records.all() for loop in record.loops if _is_in(loop)]
    refusals = {
        _text(loop.decision): _refusal(loop.function)
        for _, loop in accepted
        if is_meant(loop.function)
    }
    if not refusals:
        return []
    for text, refusal in refusals.items():
        RefusedTexts(cache).add(text.isa, text.rewrite, refusal)
    keys = _put(refusals, cache)
    # Decisions may be evicted before the units that hold their rewrites.
    loops = {
        (loop.function, loop.head_label) for _, loop in accepted if _text(loop.decision) in refusals
    }

    def is_out(name: Name) -> bool:
        return name.key in keys or (name.function, name.head_label) in loops

    UnitStore(cache).change_texts(lambda text: without(text, is_out))
    records.change_loops(lambda loop: _as_refused(loop, refusals))
    return [
        Reverted(record.name, loop.function, loop.head_label, loop.decision.isa)
        for record, loop in accepted
        if _text(loop.decision) in refusals
    ]


def undo(is_meant: Callable[[str], bool], *, cache: Path) -> list[Reverted]:
    """Accept again what was reverted; its units are forgotten, so that they are made anew.

    Raises:
        OSError: the store cannot be written.
    """

    def is_undone(decision: Refusal | RegionDecision) -> bool:
        name = decision.detail.rpartition(" ")[2].strip("`")
        return decision.outcome is Outcome.REVERTED_BY_USER and is_meant(name)

    RefusedTexts(cache).remove(is_undone)
    decisions, records, units = DecisionStore(cache), UnitRecords(cache), UnitStore(cache)
    for key, decision in decisions.all():
        if is_undone(decision):
            decisions.put(key, _accepted(decision))
    found = []
    for record in records.all():
        undone = [loop for loop in record.loops if is_undone(loop.decision)]
        if undone:
            units.remove(record.key)
        found += [
            Reverted(record.name, loop.function, loop.head_label, loop.decision.isa)
            for loop in undone
        ]
    records.change_loops(
        lambda loop: (
            replace(loop, decision=_accepted(loop.decision)) if is_undone(loop.decision) else loop
        )
    )
    return found


def _put(refusals: dict[_Text, Refusal], cache: Path) -> set[str]:
    """Refuse the decisions that accepted some texts; return their keys."""
    decisions, keys = DecisionStore(cache), set()
    for key, decision in list(decisions.all()):
        refusal = refusals.get(_text(decision))
        if refusal is not None and decision.outcome is Outcome.ACCEPTED:
            decisions.put(key, _refused(decision, refusal))
            keys.add(key)
    return keys


def _refusal(function: str) -> Refusal:
    # `undo` reads the name off the end.
    undo_with = f"`llmcc-ctl revert --undo {function}`"
    return Refusal(Outcome.REVERTED_BY_USER, f"undo it with {undo_with}")


def _as_refused(loop: LoopRecord, refusals: dict[_Text, Refusal]) -> LoopRecord:
    refusal = refusals.get(_text(loop.decision))
    if refusal is None or not _is_in(loop):
        return loop
    return replace(loop, decision=_refused(loop.decision, refusal))


def _refused(decision: RegionDecision, refusal: Refusal) -> RegionDecision:
    return replace(decision, outcome=refusal.outcome, detail=refusal.detail)


def _accepted(decision: RegionDecision) -> RegionDecision:
    return replace(decision, outcome=Outcome.ACCEPTED, detail="")


def _is_in(loop: LoopRecord) -> bool:
    return loop.decision.outcome is Outcome.ACCEPTED


def _text(decision: RegionDecision) -> _Text:
    return _Text(decision.isa, decision.rewrite)


def _always(function: str) -> bool:
    return True


def _summary(found: list[Reverted], function: str, *, is_undo: bool) -> str:
    if found:
        return f"{len(found)} fast paths {'allowed again' if is_undo else 'reverted'}"
    what = "reverted fast path" if is_undo else "fast path in the store"
    return f"no {what}{' of ' + function if function else ''}. `llmcc-ctl stats` counts them."
