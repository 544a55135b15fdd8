"""What a loop's text tells about the values in it: constants, widths, floating point, alignment."""

from __future__ import annotations

import re

from llmcc.asm.model import LineKind
from llmcc.asm.operand import Immediate, Memory, Register, parse_operand
from llmcc.asm.parse import parse_line
from llmcc.states.model import TextFacts
from llmcc.x86.registers import REGISTERS

_DATA_BYTES = {".byte": 1, ".value": 2, ".long": 4, ".quad": 8}
_INTEGER_VECTOR = re.compile(r"v?p[a-z0-9]*?(b|w|d|q|bw|wd|dq|wb|dw)$")
_VECTOR_WIDTH = {"b": 1, "bw": 1, "w": 2, "wb": 2, "wd": 2, "d": 4, "dw": 4, "dq": 4, "q": 8}
_FLOAT_WIDTH = {"ss": 4, "ps": 4, "sd": 8, "pd": 8}
_MOVES = frozenset(("movups", "movupd", "movaps", "movapd", "movss", "movsd", "movlps", "movhps"))
_UNALIGNED = frozenset("movups movupd movdqu lddqu movss movsd movd movq movlps movhps movlpd movhpd".split())
MAX_CONSTANTS = 24


def read_facts(text: str, constants: str = "") -> TextFacts:
    """Read the facts of canonical text and of its constant data."""
    values: dict[int, None] = {}
    widths: set[int] = set()
    wide: set[str] = set()
    aligned: set[str] = set()
    is_float = False
    for raw in text.splitlines():
        line = parse_line(raw)
        if line.kind is not LineKind.INSTRUCTION or line.name.startswith("j"):
            continue
        suffix = line.name[-2:]
        is_vector = any("mm" in operand for operand in line.operands)
        if is_vector and suffix in _FLOAT_WIDTH and line.name not in _MOVES:
            is_float = True
            widths.add(_FLOAT_WIDTH[suffix])
        elif is_vector and (match := _INTEGER_VECTOR.match(line.name)):
            widths.add(_VECTOR_WIDTH[match[1]])
        for text_operand in line.operands:
            operand = parse_operand(text_operand)
            match operand:
                case Immediate(value):
                    values[value] = None
                case Register(name) if name in REGISTERS and REGISTERS[name].bits == 64:
                    wide.add(REGISTERS[name].family)
                case Memory():
                    parts = [p for p in (operand.base, operand.index) if p in REGISTERS]
                    wide.update(REGISTERS[p].family for p in parts if p)
                    if line.name.startswith("lea"):
                        values[operand.disp] = None
                    elif is_vector and _needs_alignment(line.name):
                        aligned.add(text_operand[text_operand.index("(") :])
    for value in _data(constants):
        values[value] = None
    return TextFacts(
        tuple(values)[:MAX_CONSTANTS], tuple(sorted(widths)), is_float, frozenset(wide), frozenset(aligned)
    )


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
