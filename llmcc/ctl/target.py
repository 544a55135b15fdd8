"""`FILE[:FUNCTION]`: what a command is asked about, and its completion in the shell."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from llmcc.config import read_config
from llmcc.ctl.builds import source_of, units_of
from llmcc.store.records import LoopRecord
from llmcc.store.unit_records import UnitRecord, UnitRecords

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Target:
    """What was asked about."""

    file: Path
    function: str  # "" for all

    def has(self, loop: LoopRecord) -> bool:
        """Tell whether a loop was asked about."""
        return not self.function or is_function(loop.function, self.function)

    def loops_of(self, loops: Sequence[LoopRecord]) -> list[LoopRecord]:
        """Keep the loops that were asked about.

        Raises:
            click.ClickException: the function has none.
        """
        kept = [loop for loop in loops if self.has(loop)]
        if self.function and not kept:
            names = sorted({loop.function for loop in loops})
            there = f"there are loops in {', '.join(names)}" if names else "no function has one"
            raise click.ClickException(
                f"{self.file}: no loop in {self.function!r}: {there}. "
                "A loop that gcc inlined belongs to the function it was inlined into."
            )
        return kept


def target_argument(*, is_required: bool) -> Callable[[_Command], _Command]:
    """Give a command the argument `target`: a Target, or None when it may be left out and is."""
    metavar = "FILE[:FUNCTION]" if is_required else "[FILE[:FUNCTION]]"
    return click.argument(
        "target",
        metavar=metavar,
        required=is_required,
        callback=_read_target,
        shell_complete=complete_target,
    )


def _read_target(ctx: click.Context, param: click.Parameter, value: str | None) -> Target | None:
    return None if value is None else split_target(value, UnitRecords(read_config().cache).all())


def complete_target(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete functions and compiled files out of the records, other files as the shell does."""
    records = UnitRecords(read_config().cache).all()
    file, colon, start = incomplete.rpartition(":")
    if colon and (units := units_of(Path(file), records)):
        names = function_names(units)
        return [CompletionItem(f"{file}:{name}") for name in names if name.startswith(start)]
    known = sorted({_shown(source_of(record)) for record in records})
    matching = [CompletionItem(name) for name in known if name.startswith(incomplete)]
    return matching or [CompletionItem(incomplete, type="file")]


def split_target(text: str, records: Iterable[UnitRecord]) -> Target:
    """Read what a command is asked about.

    Raises:
        click.BadParameter: there is no such file, and none was compiled.
    """
    known = list(records)
    at = len(text)
    while at > 0:
        file, function = Path(text[:at]), text[at + 1 :]
        if file.is_file() or units_of(file, known):
            return Target(file, function)
        at = text.rfind(":", 0, at)
    raise click.BadParameter(
        f"{text!r}: there is no such file, and llmcc has compiled none of that name."
    )


def is_function(symbol: str, name: str) -> bool:
    """Tell whether a symbol is a function's, one of gcc's clones or a C++ name of it included."""
    if symbol == name or symbol.startswith(f"{name}."):
        return True
    last = name.rpartition("::")[2]
    # The Itanium ABI writes names as length and text.
    pattern = rf"(?<!\d){len(last)}{re.escape(last)}"
    return symbol.startswith("_Z") and re.search(pattern, symbol) is not None


def function_names(units: Iterable[UnitRecord]) -> list[str]:
    """List the functions with loops."""
    return sorted({loop.function for unit in units for loop in unit.loops})


def _shown(path: Path) -> str:
    """Name a file as it would be typed here."""
    folder = Path.cwd()
    return os.path.relpath(path, folder) if path.is_relative_to(folder) else str(path)
