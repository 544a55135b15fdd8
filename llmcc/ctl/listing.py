"""Loops as text for people: columns of assembly, names that cannot harm a terminal."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from time import localtime, strftime

import click

_GAP = "   "
_PLAIN = re.compile(r"[\n\t -~]*")


@dataclass(frozen=True, slots=True)
class Listing:
    """A titled text."""

    title: str
    lines: tuple[str, ...]

    @classmethod
    def of(cls, title: str, text: str) -> Listing:
        """Lay assembly out in columns."""
        lines = printable(text).rstrip("\n").split("\n") if text else []
        return cls(title, tuple(aligned(line) for line in lines))


def printable(text: str) -> str:
    r"""Escape what a terminal might obey: names come from projects; newlines and tabs stay.

    The text holds bytes as latin-1 or as `os.fsdecode` gives them; UTF-8 in it is shown as such.
    """
    if _PLAIN.fullmatch(text):
        return text
    try:
        data = text.encode("latin-1")
    except UnicodeEncodeError:
        data = text.encode("utf-8", "surrogateescape")
    decoded = data.decode("utf-8", "backslashreplace")
    return "".join(
        char if char.isprintable() or char in "\n\t" else repr(char)[1:-1] for char in decoded
    )


def aligned(line: str) -> str:
    """Put operands in one column; tabs do not, since AVX-512's names are longer than 7 letters."""
    if not line.startswith("\t"):
        return line
    name, _, operands = line.strip().partition("\t")
    return f"    {name:<12} {operands}".rstrip()


def side_by_side(left: Listing, right: Listing, *, width: int) -> list[str] | None:
    """Set two listings in columns; None when they need more than `width` characters."""
    left_width = max(map(len, (left.title, *left.lines)))
    right_width = max(map(len, (right.title, *right.lines)))
    if left_width + len(_GAP) + right_width > width:
        return None
    titles = f"{click.style(left.title.ljust(left_width), bold=True)}{_GAP}" + click.style(
        right.title, bold=True
    )
    rows = zip_longest(left.lines, right.lines, fillvalue="")
    return [titles, *(f"{a:<{left_width}}{_GAP}{b}".rstrip() for a, b in rows)]


def one_above_the_other(listings: Sequence[Listing]) -> list[str]:
    """Set listings below each other; empty ones are left out."""
    lines = []
    for listing in listings:
        if listing.lines:
            lines += [click.style(listing.title, bold=True), *(f"  {x}" for x in listing.lines)]
    return lines


def command_text(command: Sequence[str]) -> str:
    """Write a command as a shell would read it."""
    return printable(shlex.join(command))


def time_text(unix_s: float) -> str:
    """Write a time as the clock on the wall shows it."""
    return strftime("%Y-%m-%d %H:%M", localtime(unix_s))


def duration_text(seconds: float) -> str:
    """Write a duration as people say it."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def count_text(count: int, noun: str) -> str:
    """Write a number of things."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
