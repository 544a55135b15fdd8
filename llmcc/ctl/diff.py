"""`llmcc-ctl diff [FILE[:FUNCTION]]`: what llmcc put into gcc's assembly."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import click

from llmcc.asm.parse import parse
from llmcc.config import read_config
from llmcc.ctl.builds import last_build, source_of, units_of
from llmcc.ctl.listing import printable
from llmcc.ctl.stats import NOTHING_YET
from llmcc.ctl.target import Target, is_function, target_argument
from llmcc.splice import taken_out
from llmcc.store.unit_records import UnitRecord, UnitRecords
from llmcc.store.units import UnitStore

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@dataclass(frozen=True, slots=True)
class UnitDiff:
    """What llmcc changed in one unit."""

    source: str
    key: str  # of the unit
    added_lines: int
    removed_lines: int
    diff: str  # unified, of gcc's text and the one that was assembled; "" when they are the same


@click.command()
@target_argument(is_required=False)
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def diff(target: Target | None, *, is_json: bool) -> None:
    """Show what llmcc changed in gcc's assembly, as a unified diff.

    Without FILE: in all units of the last build. With FUNCTION, only its own text is compared, not
    the start-up code that every changed unit gets once. Nothing is compiled: both texts come from
    the store.
    """
    cache = read_config().cache
    records = UnitRecords(cache).all()
    units = units_of(target.file, records)[-1:] if target else last_build(records)
    if target and not units:
        raise click.ClickException(
            f"{target.file}: llmcc has not compiled it yet. Compile it with llmcc first."
        )
    store = UnitStore(cache)
    diffs = [unit_diff(unit, store, function=target.function if target else "") for unit in units]
    if is_json:
        click.echo(json.dumps([asdict(one) for one in diffs], indent=1))
        return
    for line in _lines(diffs):
        click.echo(line)


def unit_diff(unit: UnitRecord, store: UnitStore, *, function: str) -> UnitDiff:
    """Compare a unit's two texts, or a function's in them.

    Raises:
        click.ClickException: there is no such function, or the store has another text by now than
            the record tells of.
    """
    source = str(source_of(unit))
    entry = store.get(unit.key)
    if entry is None or entry.rewritten is None:
        return UnitDiff(source, unit.key, 0, 0, "")
    rewrites = {loop.head_label: loop.decision.rewrite for loop in unit.loops}
    baseline = taken_out(entry.rewritten, rewrites)
    if baseline is None:
        raise click.ClickException(
            f"{source}: the store has another text than is recorded. Compile it again with llmcc."
        )
    if function and not _lines_of(baseline, function):
        raise click.ClickException(f"{source}: gcc's text has no function {function!r}.")
    changes = list(
        difflib.unified_diff(
            _lines_of(baseline, function),
            _lines_of(entry.rewritten, function),
            fromfile=f"gcc: {source}",
            tofile=f"llmcc: {source}",
            lineterm="",
        )
    )
    body = changes[2:]
    added, removed = (sum(line.startswith(sign) for line in body) for sign in "+-")
    return UnitDiff(source, unit.key, added, removed, "\n".join(changes))


def _lines_of(text: str, function: str) -> list[str]:
    if not function:
        return text.removesuffix("\n").split("\n")
    unit = parse(text)
    return [
        line.text
        for found in unit.functions
        if is_function(found.name, function)
        for line in unit.lines[found.first : found.last]
    ]


def _lines(diffs: Sequence[UnitDiff]) -> list[str]:
    if not diffs:
        return [NOTHING_YET]
    changed = [one for one in diffs if one.diff]
    lines = [
        click.style(printable(line), fg=_COLOURS.get(line[:1]))
        for one in changed
        for line in one.diff.split("\n")
    ]
    if not changed:
        names = printable(", ".join(sorted({one.source for one in diffs})))
        lines.append(f"nothing was changed in {names}: the text that was assembled is gcc's.")
    return lines
