"""Instrument a rewrite so that every block and both ways of every condition leave a mark.

A condition is a conditional jump, or an instruction that computes with the flags (setcc, cmovcc,
adc, sbb): code that is special about one value in 2^32 needs no branch for it.
`movl $secret, %gs:place` changes no flag and no register: the instrumented text does the same.
Each mark has a secret of its own, drawn after the rewrite was written: code that stores to the page
by itself cannot pretend to have been somewhere.
"""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmcc.sandbox.model import COVERAGE_BYTES, COVERAGE_OFFSET
from llmcc.x86.effects import CONDITIONS

# Labels below are the blob's own.
_FIRST_LABEL = 100
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
    """Put a mark behind every label and jump and on both sides of conditions; None: too many."""
    writer = _Writer()
    is_new_block = True
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped:
            continue
        if stripped.endswith(":"):
            writer.out += [stripped, writer.mark(f"block {stripped[:-1]}")]
            is_new_block = False
            continue
        if is_new_block:
            writer.out.append(writer.mark(f"block at `{stripped}`"))
            is_new_block = False
        words = stripped.split()
        if words[0] == "jmp":
            writer.out.append(line)
            is_new_block = True
        elif words[0].startswith("j"):
            writer.jump(words[0], words[1], what=stripped)
        else:
            if condition := _condition(words[0]):
                writer.compute(condition, what=stripped)
            writer.out.append(line)
    return writer.done()


class _Writer:
    """Collects the text, and behind it the taken sides of the conditions."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self._trampolines: list[str] = []
        self._marks: list[str] = []
        self._values: list[int] = []
        self._numbers = itertools.count(_FIRST_LABEL)

    def mark(self, what: str) -> str:
        """Make a mark's instruction."""
        place = COVERAGE_OFFSET + _MARK_BYTES * len(self._marks)
        self._marks.append(what)
        self._values.append(secrets.randbelow((1 << 31) - 1) + 1)
        return f"\tmovl\t${self._values[-1]}, %gs:{place}"

    def jump(self, name: str, target: str, *, what: str) -> None:
        """Write a conditional jump with a mark on either side."""
        label = self._label()
        self.out += [f"\t{name}\t{label}", self.mark(f"`{what}` not taken")]
        self._trampolines.append(f"{label}:\n{self.mark(f'`{what}` taken')}\n\tjmp\t{target}")

    def compute(self, condition: str, *, what: str) -> None:
        """Mark which way a condition is before an instruction computes with it."""
        back = self._label()
        self.jump(f"j{condition}", back, what=what)
        self.out.append(f"{back}:")

    def done(self) -> Instrumented | None:
        """Give the whole, unless the coverage page is too small for it."""
        if len(self._marks) * _MARK_BYTES > COVERAGE_BYTES:
            return None
        text = "\n".join([*self.out, *self._trampolines]) + "\n"
        return Instrumented(text, tuple(self._marks), np.array(self._values, np.uint32))

    def _label(self) -> str:
        return f".LT{next(self._numbers)}"


def _condition(name: str) -> str | None:
    """The condition that an instruction computes with, as jumps spell it."""
    if name[:3] in ("adc", "sbb"):
        return "c"
    for prefix in ("set", "cmov"):
        if name.startswith(prefix):
            rest = name.removeprefix(prefix)
            # "cmovl" is a condition, "cmovel" one with the suffix of its size
            return rest if rest in CONDITIONS else rest[:-1]
    return None
