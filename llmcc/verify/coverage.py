"""Instrument a rewrite so that every block and both ways of every branch leave a mark.

`movl $secret, %gs:place` changes no flag and no register, so the instrumented text does the same.
Each mark has a secret of its own, drawn after the rewrite was written: code that stores to the page
by itself cannot pretend to have been somewhere.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmcc.sandbox.model import COVERAGE_BYTES, COVERAGE_OFFSET

# Labels of trampolines; those below are the blob's own.
_FIRST_TRAMPOLINE = 100
_MARK_BYTES = 4


@dataclass(frozen=True, slots=True)
class Instrumented:
    """The text with marks, and for each mark what it stands for."""

    text: str
    marks: tuple[str, ...]
    values: NDArray[np.uint32]  # (marks,): what each one stores

    def reached(self, coverage: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Tell for each mark whether it stands in the coverage page."""
        words: NDArray[np.uint32] = coverage.view("<u4")
        return np.equal(words[: len(self.marks)], self.values)


def instrument(text: str) -> Instrumented | None:
    """Put a mark behind every label and jump and on every taken edge; None when too many."""
    out: list[str] = []
    trampolines: list[str] = []
    marks: list[str] = []
    values: list[int] = []

    def mark(what: str) -> str:
        marks.append(what)
        values.append(secrets.randbelow((1 << 31) - 1) + 1)
        return f"\tmovl\t${values[-1]}, %gs:{COVERAGE_OFFSET + _MARK_BYTES * (len(marks) - 1)}"

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
    if len(marks) * _MARK_BYTES > COVERAGE_BYTES:
        return None
    text = "\n".join([*out, *trampolines]) + "\n"
    return Instrumented(text, tuple(marks), np.array(values, np.uint32))
