"""Constants that a compiler keeps in memory, made in registers instead.

A rewrite has no data of its own. Covers: one element in all lanes, vectors whose lanes are small
numbers, and 16 bytes repeated. Does not cover: other patterns, and constants of general registers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from llmcc.training.families.vector import NotExpressible
from llmcc.training.lift.assembly import Compiled, constant_in
from llmcc.training.lift.c_text import ENTRY
from llmcc.x86.registers import REGISTERS, spelled

# A general register that compiled text never holds; the renaming gives it a real one.
_TEMPORARY = "rsp"
_ELEMENT = {"b": 1, "w": 2, "d": 4, "q": 8}
_BROADCAST = re.compile(r"vp?broadcast(?P<kind>[bwdq]|s[sd]|[if]\d+x?\d*)$")
_EXTENDING = re.compile(r"vpmov[sz]x(?P<narrow>[bwd])(?P<wide>[wdq])$")
_WHOLE_MOVES = frozenset(
    "vmovdqa vmovdqu vmovdqa32 vmovdqa64 vmovdqu8 vmovdqu16 vmovdqu32 vmovdqu64"
    " vmovaps vmovups vmovapd vmovupd".split()
)
_VECTOR = re.compile(r"%([xyz]mm\d+)")


def without_data(unit: Compiled, vectors: Sequence[str]) -> list[str]:
    """Give the lines with every constant in a register.

    A constant that is only loaded is made where it was loaded; one that is an operand is made at
    the entry, in a register of `vectors` (families) that the lines do not name.

    Raises:
        NotExpressible: a constant of another pattern, or no register left.
    """
    named = {REGISTERS[name].family for line in unit.lines for name in _VECTOR.findall(line)}
    free = [family for family in vectors if family not in named]
    made: dict[bytes, str] = {}  # operand's bytes -> family
    lines: list[str] = []
    start: list[str] = []
    for line in unit.lines:
        found = constant_in(line)
        if found is None:
            lines.append(line)
            continue
        label, offset, text = found
        data = unit.data.get(label, b"")[offset:]
        name, operands = line.split("\t")[1], line.split("\t")[2]
        target = operands.rpartition("%")[2].partition("{")[0]
        if "{%k" in line or target not in REGISTERS:
            raise NotExpressible(f"a constant in {line}")
        whole = REGISTERS[target].bits // 8
        if loaded := _loaded(name, data, whole):
            lines += _made(loaded, REGISTERS[target].family)
            continue
        size_bytes, shown = _operand(line, name, whole)
        value = data[:size_bytes] * (whole // size_bytes)
        if len(value) != whole or not target.endswith(tuple("0123456789")) or "mm" not in target:
            raise NotExpressible(f"a constant in {line}")
        if value not in made:
            if not free:
                raise NotExpressible("no vector register for a constant")
            made[value] = free.pop(0)
            start += _made(value, made[value])
        lines.append(line.replace(text + shown, "%" + spelled(made[value], whole * 8)))
    entry = next(n for n, line in enumerate(lines) if line.startswith(f"\t{ENTRY}\t"))
    return [*lines[: entry + 1], *start, *lines[entry + 1 :]]


def _loaded(name: str, data: bytes, whole: int) -> bytes | None:
    """The bytes that a load of `data` leaves in a register of `whole` bytes; None: not a load."""
    if name in _WHOLE_MOVES:
        return _exactly(data[:whole], whole)
    if match := _BROADCAST.match(name):
        kind = match["kind"]
        digits = re.findall(r"\d+", kind)
        size = _ELEMENT.get(kind[-1], 0)
        if kind[0] == "s":
            size = 4 if kind[1] == "s" else 8
        if digits:
            size = int(digits[0]) * int(digits[1]) // 8 if len(digits) > 1 else int(digits[0]) // 8
        return _exactly(data[:size] * (whole // size), whole)
    if match := _EXTENDING.match(name):
        narrow, wide = _ELEMENT[match["narrow"]], _ELEMENT[match["wide"]]
        is_signed = name[5] == "s"
        lanes = [data[n : n + narrow] for n in range(0, whole * narrow // wide, narrow)]
        values = (int.from_bytes(lane, "little", signed=is_signed) for lane in lanes)
        extended = (value.to_bytes(wide, "little", signed=is_signed) for value in values)
        return _exactly(b"".join(extended), whole)
    if name in ("vmovd", "vmovq", "vmovss", "vmovsd"):
        size = 4 if name in ("vmovd", "vmovss") else 8
        return _exactly(data[:size] + bytes(16 - size), 16)
    return None


def _exactly(data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise NotExpressible("a constant that is not known")
    return data


def _operand(line: str, name: str, whole: int) -> tuple[int, str]:
    """Bytes that a memory operand reads, and its {1toN}."""
    if match := re.search(r"\{1to(\d+)\}", line):
        return whole // int(match[1]), match[0]
    if name.startswith(("vinsert", "vpinsr", "vpermt2", "vpermi2")) or name[-2:] in ("ss", "sd"):
        raise NotExpressible(f"a constant in {line}")
    return whole, ""


def _made(value: bytes, family: str) -> list[str]:
    """Make a value in a vector register; only the temporary is changed besides."""
    bits = len(value) * 8
    target = f"%{spelled(family, bits)}"
    lowest = f"%{spelled(family, 128)}"
    if not any(value):
        return [f"\tvpxor\t{lowest}, {lowest}, {lowest}"]
    if set(value) == {255}:
        if bits == 512:
            return [f"\tvpternlogd\t$255, {target}, {target}, {target}"]
        return [f"\tvpcmpeqd\t{target}, {target}, {target}"]
    for size, letter in ((1, "b"), (2, "w"), (4, "d"), (8, "q")):
        if value == value[:size] * (len(value) // size):
            return [*_low(value[:size], lowest), f"\tvpbroadcast{letter}\t{lowest}, {target}"]
    return next(_patterns(value, target, lowest), None) or _refused()


def _patterns(value: bytes, target: str, lowest: str) -> Iterator[list[str]]:
    if not any(value[8:]):
        yield _low(value[:8], lowest)
    for size, letter in ((8, "q"), (4, "d"), (2, "w")):
        lanes = [value[n : n + size] for n in range(0, len(value), size)]
        numbers = [int.from_bytes(lane, "little", signed=True) for lane in lanes]
        if len(lanes) <= 16 and all(-128 <= number < 128 for number in numbers):
            narrow = bytes(number % 256 for number in numbers)
            yield [*_low(narrow, lowest), f"\tvpmovsxb{letter}\t{lowest}, {target}"]
    if value == value[:16] * (len(value) // 16):
        spread = {
            16: [],
            32: [f"\tvinserti128\t$1, {lowest}, {target}, {target}"],
            64: [f"\tvshufi64x2\t$0, {target}, {target}, {target}"],
        }
        yield [*_low(value[:16], lowest), *spread[len(value)]]


def _low(value: bytes, lowest: str) -> list[str]:
    """Put up to 16 bytes into the low bytes of a register; the others up to 128 bits are zero."""
    if len(value) <= 4:
        number = int.from_bytes(value, "little")
        return [
            f"\tmovl\t${number}, %{spelled(_TEMPORARY, 32)}",
            f"\tvmovd\t%{spelled(_TEMPORARY, 32)}, {lowest}",
        ]
    first = f"\tmovabsq\t${int.from_bytes(value[:8], 'little', signed=True)}, %{_TEMPORARY}"
    lines = [first, f"\tvmovq\t%{_TEMPORARY}, {lowest}"]
    if any(value[8:]):
        second = int.from_bytes(value[8:16], "little", signed=True)
        lines.append(f"\tmovabsq\t${second}, %{_TEMPORARY}")
        lines.append(f"\tvpinsrq\t$1, %{_TEMPORARY}, {lowest}, {lowest}")
    return lines


def _refused() -> list[str]:
    raise NotExpressible("a constant of many different elements")
