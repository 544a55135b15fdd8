"""A unit of GNU assembly as lines; the text itself is kept, so rendering is exact."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class LineKind(Enum):
    """What one line of assembly is."""

    BLANK = "blank"  # nothing or only a comment
    LABEL = "label"
    DIRECTIVE = "directive"
    INSTRUCTION = "instruction"
    OTHER = "other"  # several statements, assignments: kept, never interpreted


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its newline."""

    text: str  # exactly as gcc wrote it (bytes as latin-1)
    kind: LineKind
    name: str = ""  # label, directive (with its dot) or mnemonic (prefixes included: "rep stosq")
    operands: tuple[str, ...] = ()  # of an instruction: split at top-level commas, stripped
    argument: str = ""  # of a directive: the rest of the line


@dataclass(frozen=True, slots=True)
class Function:
    """A function's lines: the half-open range [first, last) of Unit.lines."""

    name: str
    first: int  # the label's line
    last: int  # one past the `.size` line


@dataclass(frozen=True, slots=True)
class Unit:
    """One assembler input."""

    lines: tuple[Line, ...]
    functions: tuple[Function, ...]
    ends_with_newline: bool
