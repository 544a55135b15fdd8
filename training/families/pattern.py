"""Rewrite rules as text: a loop as gcc writes it, with holes for registers, and its replacement.

A hole ``{x.32}`` is a register of family x at that width and ``{#k}`` a number or symbol of one
word; a hole that occurs twice must hold the same. In a rule written with ``~`` for the operand
suffix and ``.w`` for the width, both stand for 32 and for 64 bits, and so do
``<w>``, one less, ``<top>``, and its logarithm, ``<log>``. A comparison whose operands are
joined by ``<>`` matches either way round. A rewrite may also use ``{s0.32}``…, the scratch
registers in the contract's order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmcc.regions.model import Region
from llmcc.x86.registers import REGISTERS, spelled

_HOLE = re.compile(r"\{(#?)(\w+)(?:\.(\d+))?\}")
_SWAPPED = re.compile(r"(\S+) <> (\S+)")


@dataclass(frozen=True, slots=True)
class Rule:
    """One form of a loop and what to write in front of it."""

    loop: str
    """Lines of canonical text; the closing jump to .LX0 is implied."""
    rewrite: str


def rewrites(region: Region, rules: Sequence[Rule]) -> Iterator[str]:
    """Yield the replacement of every rule whose loop is `region`'s, in the order of the rules."""
    for rule in rules:
        for loop, rewrite in _at_each_width(rule):
            bound = _matched(region.text, loop)
            if bound is not None and (text := _filled(rewrite, bound, region)) is not None:
                yield text


def _at_each_width(rule: Rule) -> Iterator[tuple[str, str]]:
    both = rule.loop + "\0" + rule.rewrite
    is_open = "~" in both or ".w}" in both
    for suffix, bits in (("l", "32"), ("q", "64")) if is_open else (("", ""),):
        fixed = both.replace("~", suffix).replace(".w}", f".{bits}}}")
        fixed = fixed.replace("<w>", bits).replace("<top>", str(int(bits or 64) - 1))
        fixed = fixed.replace("<log>", "6" if bits == "64" else "5")
        loop, rewrite = fixed.split("\0")
        yield _SWAPPED.sub(r"\1, \2", loop), rewrite
        if "<>" in loop:
            yield _SWAPPED.sub(r"\2, \1", loop), rewrite


def _matched(text: str, loop: str) -> dict[str, str] | None:
    expected = [line.strip() for line in loop.strip().split("\n")]
    if not any(".LX0" in line for line in expected):
        expected.append("jmp .LX0")
    actual = [line.strip().replace("\t", " ") for line in text.strip().split("\n")]
    if len(expected) != len(actual):
        return None
    bound: dict[str, str] = {}
    for pattern, line in zip(expected, actual, strict=True):
        if not _line_matches(pattern, line, bound):
            return None
    registers = [family for name, family in bound.items() if not name.startswith("#")]
    return bound if len(set(registers)) == len(registers) else None


def _line_matches(pattern: str, line: str, bound: dict[str, str]) -> bool:
    """Match one line; new holes go into `bound`."""
    holes = list(_HOLE.finditer(pattern))
    pieces = _HOLE.sub("\0", pattern).split("\0")
    found = re.fullmatch("(%?[-.a-zA-Z0-9]+)".join(map(re.escape, pieces)), line)
    if found is None:
        return False
    for hole, word in zip(holes, found.groups(), strict=True):
        is_number, name, bits = hole.groups()
        value = word
        if not is_number:
            register = REGISTERS.get(word.removeprefix("%")) if word.startswith("%") else None
            if register is None or register.bits != int(bits or 64) or register.is_high_byte:
                return False
            value = register.family
        if bound.setdefault(is_number + name, value) != value:
            return False
    return True


def _filled(rewrite: str, bound: dict[str, str], region: Region) -> str | None:
    """The replacement with its holes filled; None when there are too few scratch registers."""
    names = dict(bound)
    for number, family in enumerate(region.contract.scratch):
        names[f"s{number}"] = family

    def fill(hole: re.Match[str]) -> str:
        is_number, name, bits = hole.groups()
        value = names[is_number + name]
        return value if is_number else "%" + spelled(value, int(bits or 64))

    try:
        body = _HOLE.sub(fill, rewrite)
    except KeyError:
        return None
    lines = [line.strip() for line in body.strip().split("\n")]
    return "".join(
        f"{line}\n" if line.endswith(":") else "\t" + line.replace(" ", "\t", 1) + "\n"
        for line in lines
    )
