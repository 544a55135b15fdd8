"""Registers that carry an element from one iteration's load into the next.

A loop that loads an element at its end and tests it at its beginning enters with that element in a
register; gcc turns `while (*a && *a == *b)` into one.
Does not cover: carried values that are computed from what was loaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from llmcc.asm.model import Line
from llmcc.asm.operand import Memory, Register, parse_operand
from llmcc.asm.parse import parse_line
from llmcc.states.model import Block, Carried, Recipe, Stream
from llmcc.states.text_facts import writes
from llmcc.x86.effects import effects
from llmcc.x86.registers import REGISTERS

Ints = NDArray[np.int64]

# Loads that overwrite all of a register: movl, movq, movzbl, movsbl, movslq, …
_WHOLE_LOAD = re.compile(r"mov(?P<extension>[zs])?(?P<size>[bwl]?)[lq]$")
_SHARE = 0.75  # of states: elsewhere what is carried has nothing to do with memory


def find_carried(
    text: str, accumulators: Sequence[str], blocks: Sequence[Block]
) -> tuple[Carried, ...]:
    """Find the registers whose last write, seen from the head, is the load of an element."""
    lines = _from_the_head(text)
    found: list[Carried] = []
    for family in accumulators:
        writers = [line for line in lines if writes(line, family)]
        if writers:
            found += _carried(writers[-1], family, blocks)
    return tuple(found)


def _from_the_head(text: str) -> list[Line]:
    """Order the lines as an iteration runs through them, if it does not jump."""
    lines = [parse_line(raw) for raw in text.splitlines()]
    head = next(number for number, line in enumerate(lines) if line.text.startswith(".LH:"))
    return lines[head:] + lines[:head]


def _carried(line: Line, family: str, blocks: Sequence[Block]) -> Iterator[Carried]:
    match = _WHOLE_LOAD.match(line.name)
    known = effects(line)
    if match is None or known is None or known.memory is None:
        return
    target = parse_operand(line.operands[-1])
    if not isinstance(target, Register):
        return
    streams = [
        (number, group.register, stream)
        for number, block in enumerate(blocks)
        for group in block.groups
        for stream in group.streams
        if _is_of(stream, group.register, known.memory.operand)
        and stream.size_bytes == known.memory.size_bytes
    ]
    if len(streams) == 1:
        number, pointer, stream = streams[0]
        yield Carried(
            register=family,
            bits=REGISTERS[target.name].bits,
            is_signed=match["extension"] == "s",
            block=number,
            pointer=pointer,
            stream=stream,
        )


def _is_of(stream: Stream, pointer: str, operand: Memory) -> bool:
    named = {REGISTERS[name].family for name in (operand.base, operand.index) if name}
    is_same = named == {name for name in (pointer, stream.other) if name}
    moves = bool(stream.stride_bytes) and not stream.is_conditional
    return is_same and moves and not stream.is_store


def draw_carried(
    rng: np.random.Generator, recipe: Recipe, count: int, *, is_always: bool
) -> NDArray[np.bool_]:
    """Draw in which states the carried registers hold elements: (N,)."""
    if not recipe.carried:
        return np.zeros(count, np.bool_)
    return np.full(count, is_always) | (rng.random(count) < _SHARE)


def carried_value(carried: Carried, elements: NDArray[np.uint8]) -> Ints:
    """Compute what the register holds after loading elements, (N, size) bytes: (N,)."""
    size = carried.stream.size_bytes
    kind = "i" if carried.is_signed else "u"
    value = np.ascontiguousarray(elements).view(f"<{kind}{size}").reshape(-1).astype(np.int64)
    return value if carried.bits == 64 else value & 0xFFFFFFFF
