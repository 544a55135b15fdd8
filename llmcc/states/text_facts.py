"""What a loop's text tells about the values in it: constants, widths, floating point, alignment."""

from __future__ import annotations

import re

from llmcc.asm.model import Line, LineKind
from llmcc.asm.operand import Immediate, Memory, Operand, Register, parse_operand
from llmcc.asm.parse import parse_line
from llmcc.states.model import TextFacts
from llmcc.x86.effects import effects
from llmcc.x86.registers import REGISTERS

_DATA_BYTES = {".byte": 1, ".value": 2, ".long": 4, ".quad": 8}
_INTEGER_VECTOR = re.compile(r"v?p[a-z0-9]*?(b|w|d|q|bw|wd|dq|wb|dw)$")
_VECTOR_WIDTH = {"b": 1, "bw": 1, "w": 2, "wb": 2, "wd": 2, "d": 4, "dw": 4, "dq": 4, "q": 8}
_FLOAT_WIDTH = {"ss": 4, "ps": 4, "sd": 8, "pd": 8}
_MOVES = frozenset(("movups", "movupd", "movaps", "movapd", "movss", "movsd", "movlps", "movhps"))
_UNALIGNED = frozenset(
    "movups movupd movdqu lddqu movss movsd movd movq movlps movhps movlpd movhpd".split()
)
MAX_CONSTANTS = 24


def read_facts(text: str, constants: str = "") -> TextFacts:
    """Read the facts of canonical text and of its constant data."""
    values: dict[int, None] = {}
    widths: dict[int, bool] = {}  # width -> whether floating point works on it
    wide: set[str] = set()
    aligned: set[str] = set()
    for raw in text.splitlines():
        line = parse_line(raw)
        if line.kind is not LineKind.INSTRUCTION or line.name.startswith("j"):
            continue
        is_vector = any("mm" in operand for operand in line.operands)
        if is_vector:
            for width, is_float in _vector_width(line.name).items():
                widths[width] = is_float or widths.get(width, False)
        for spelled in line.operands:
            operand = parse_operand(spelled)
            wide |= _used_wide(operand)
            if isinstance(operand, Immediate):
                values[operand.value] = None
            elif isinstance(operand, Memory) and line.name.startswith("lea"):
                values[operand.disp] = None
            elif isinstance(operand, Memory) and is_vector and _needs_alignment(line.name):
                aligned.add(spelled.replace(" ", ""))
    values |= dict.fromkeys(_data(constants))
    return TextFacts(
        constants=tuple(values)[:MAX_CONSTANTS],
        element_bytes=tuple(sorted(widths)),
        is_float=any(widths.values()),
        wide_families=frozenset(wide),
        aligned_operands=frozenset(aligned),
    )


def writes(line: Line, family: str) -> bool:
    """Whether a line is an instruction that may write a register."""
    known = effects(line) if line.kind is LineKind.INSTRUCTION else None
    return known is not None and family in known.writes


def _vector_width(name: str) -> dict[int, bool]:
    if name.startswith("cvt"):  # also between integers and floats: rounds as MXCSR says
        return {4 if "ss" in name or "ps" in name else 8: True}
    if name[-2:] in _FLOAT_WIDTH and name not in _MOVES:
        return {_FLOAT_WIDTH[name[-2:]]: True}
    match = _INTEGER_VECTOR.match(name)
    return {_VECTOR_WIDTH[match[1]]: False} if match else {}


def _used_wide(operand: Operand | None) -> set[str]:
    """General registers that an operand uses at 64 bits."""
    match operand:
        case Register(name):
            names = [name]
        case Memory(base, index):
            names = [part for part in (base, index) if part]
        case _:
            names = []
    found = (REGISTERS[name] for name in names if name in REGISTERS)
    return {register.family for register in found if register.bits == 64}


def _needs_alignment(name: str) -> bool:
    return not (name in _UNALIGNED or name.startswith(("v", "cvt")) or name[-2:] in ("ss", "sd"))


def _data(constants: str) -> list[int]:
    values: list[int] = []
    for raw in constants.splitlines():
        words = raw.split(None, 1)
        if len(words) == 2 and words[0] in _DATA_BYTES:
            for part in words[1].split(","):
                try:
                    values.append(int(part.strip(), 0))
                except ValueError:
                    continue
    return values
