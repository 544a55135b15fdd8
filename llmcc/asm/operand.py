"""Operands of AT&T instructions as values."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MEMORY = re.compile(
    r"(?P<disp>[^()%]*)\((?:%(?P<base>[a-z0-9]+))?(?:,%(?P<index>[a-z0-9]+)(?:,(?P<scale>[1248]))?)?\)$"
)
_DECORATION = re.compile(r"\{[^}]*\}")


@dataclass(frozen=True, slots=True)
class Register:
    """A register operand by its spelling, without the percent sign."""

    name: str


@dataclass(frozen=True, slots=True)
class Immediate:
    """A numeric immediate."""

    value: int


@dataclass(frozen=True, slots=True)
class Memory:
    """disp(base, index, scale); `symbol` is the symbolic part of the displacement, or ""."""

    base: str | None
    index: str | None
    scale: int
    disp: int
    symbol: str


@dataclass(frozen=True, slots=True)
class Target:
    """A branch target or another bare symbol."""

    name: str


Operand = Register | Immediate | Memory | Target


def parse_operand(text: str) -> Operand | None:
    """Read one operand; None when it is none of the forms above (segments, `*%rax`, `$symbol`)."""
    text = _DECORATION.sub("", text).replace(" ", "").replace("\t", "")
    if text.startswith("%") and ":" not in text and "(" not in text:
        return Register(text[1:])
    if text.startswith("$"):
        return _immediate(text[1:])
    if match := _MEMORY.match(text):
        symbol, disp = _displacement(match["disp"])
        return Memory(match["base"], match["index"], int(match["scale"] or 1), disp, symbol)
    if re.fullmatch(r"[A-Za-z_.$][A-Za-z0-9_.$@]*", text):
        return Target(text)
    return None


def _immediate(text: str) -> Immediate | None:
    try:
        return Immediate(int(text, 0))
    except ValueError:
        return None


def _displacement(text: str) -> tuple[str, int]:
    if not text:
        return "", 0
    if re.fullmatch(r"-?(0x[0-9a-f]+|\d+)", text):
        return "", int(text, 0)
    match = re.fullmatch(r"(.*?)([+-]\d+)?", text)
    assert match is not None
    return match[1], int(match[2] or 0)
