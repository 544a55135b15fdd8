"""Instrument a rewrite so that every block and both ways of every branch leave a mark.

`movb $1, address` changes no flag and no register, so the instrumented text does the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmcc.sandbox.model import COVERAGE_BYTES, COVERAGE_PAGE

# Labels of trampolines; those below are the blob's own.
_FIRST_TRAMPOLINE = 100


@dataclass(frozen=True, slots=True)
class Instrumented:
    """The text with marks, and for each mark what it stands for."""

    text: str
    marks: tuple[str, ...]

    def missing(self, coverage: NDArray[np.uint8]) -> tuple[str, ...]:
        """Name the marks that were never reached."""
        return tuple(mark for n, mark in enumerate(self.marks) if not coverage[n])


def instrument(text: str) -> Instrumented | None:
    """Put a mark behind every label and jump and on every taken edge; None when too many."""
    out: list[str] = []
    trampolines: list[str] = []
    marks: list[str] = []

    def mark(what: str) -> str:
        marks.append(what)
        return f"\tmovb\t$1, {COVERAGE_PAGE + len(marks) - 1}"

    is_new_block = True
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped:
            continue
        if stripped.endswith(":"):
            out += [stripped, mark(f"block {stripped[:-1]}")]
            is_new_block = False
            continue
        if is_new_block:
            out.append(mark(f"block at `{stripped}`"))
            is_new_block = False
        words = stripped.split()
        if words[0] == "jmp":
            out.append(line)
            is_new_block = True
        elif words[0].startswith("j"):
            label = f".LT{_FIRST_TRAMPOLINE + len(trampolines)}"
            out += [f"\t{words[0]}\t{label}", mark(f"`{stripped}` not taken")]
            trampolines.append(f"{label}:\n{mark(f'`{stripped}` taken')}\n\tjmp\t{words[1]}")
        else:
            out.append(line)
    if len(marks) > COVERAGE_BYTES:
        return None
    return Instrumented("\n".join([*out, *trampolines]) + "\n", tuple(marks))
