"""What a loop takes out of memory besides its data: values carried over, and bounds.

A loop that loads an element at its end and tests it at its beginning enters with that element in a
register; gcc turns `while (*a && *a == *b)` into one. A bound that gcc could not keep in a register
is loaded anew in each iteration, from an address that does not move.
Does not cover: carried values that are computed from what was loaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmcc.asm.model import Line, LineKind
from llmcc.asm.operand import Memory, Register, parse_operand
from llmcc.asm.parse import parse_line
from llmcc.states.model import Block, Carried, MemoryBound, Recipe, Stream
from llmcc.x86.effects import effects
from llmcc.x86.registers import REGISTERS

Ints = NDArray[np.int64]

# Loads that overwrite all of a register: movl, movq, movzbl, movsbl, movslq, …
_WHOLE_LOAD = re.compile(r"mov(?P<extension>[zs])?(?P<size>[bwl]?)[lq]$")
_CARRIED_SHARE = 0.75  # of states: elsewhere what is carried has nothing to do with memory
_BOUND_SHARE = 0.5
_NEAR = (0, 0, 0, -1, 1)  # passes more than the trip count


@dataclass(frozen=True, slots=True)
class BoundDraw:
    """Which memory bounds of N states hold what; both arrays are (N, M), M bounds."""

    passes: Ints  # after which the induction reaches the bound; 0: memory is left as it is
    induction: Ints  # index into the recipe's inductions


def find_carried(
    text: str, accumulators: Sequence[str], blocks: Sequence[Block]
) -> tuple[Carried, ...]:
    """Find the registers whose last write, seen from the head, is the load of an element."""
    lines = _from_the_head(text)
    found: list[Carried] = []
    for family in accumulators:
        writers = [line for line in lines if _writes(line, family)]
        if writers:
            found += _carried(writers[-1], family, blocks)
    return tuple(found)


def _from_the_head(text: str) -> list[Line]:
    """Order the lines as an iteration runs through them, if it does not jump."""
    lines = [parse_line(raw) for raw in text.splitlines()]
    head = next(number for number, line in enumerate(lines) if line.text.startswith(".LH:"))
    return lines[head:] + lines[:head]


def _writes(line: Line, family: str) -> bool:
    known = effects(line) if line.kind is LineKind.INSTRUCTION else None
    return known is not None and family in known.writes


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


def find_memory_bounds(blocks: Sequence[Block]) -> tuple[MemoryBound, ...]:
    """Find what is loaded in each iteration from one address that nothing is stored to."""
    found: list[MemoryBound] = []
    for number, block in enumerate(blocks):
        for group in block.groups:
            stored = {(s.other, s.disp) for s in group.streams if s.is_store}
            found += [
                MemoryBound(number, group.register, stream)
                for stream in group.streams
                if not (stream.stride_bytes or stream.is_conditional or stream.is_store)
                and stream.size_bytes in (2, 4, 8)
                and (stream.other, stream.disp) not in stored
            ]
    return tuple(found)


def draw_carried(
    rng: np.random.Generator, recipe: Recipe, count: int, *, is_always: bool
) -> NDArray[np.bool_]:
    """Draw in which states the carried registers hold elements: (N,)."""
    if not recipe.carried:
        return np.zeros(count, np.bool_)
    return np.full(count, is_always) | (rng.random(count) < _CARRIED_SHARE)


def draw_bounds(
    rng: np.random.Generator, recipe: Recipe, trips: Ints, *, is_shared: bool
) -> BoundDraw:
    """Draw where loops end that their bounds in memory end; is_shared: the same in all states."""
    count, bounds = len(trips), len(recipe.memory_bounds)
    if not bounds:
        return BoundDraw(np.zeros((count, 0), np.int64), np.zeros((count, 0), np.int64))
    near = np.zeros((1, 1), np.int64) if is_shared else rng.choice(_NEAR, (count, bounds))
    rows = 1 if is_shared else count
    share = _CARRIED_SHARE if is_shared else _BOUND_SHARE
    is_set = rng.random((rows, 1)) < share
    passes = np.where(is_set, np.maximum(trips[:, None] + near, 1), 0)
    induction = rng.integers(0, len(recipe.inductions), (rows, bounds))
    shape = (count, bounds)
    return BoundDraw(
        np.broadcast_to(passes, shape).copy(), np.broadcast_to(induction, shape).copy()
    )


def bound_value(draw: BoundDraw, number: int, values: dict[str, Ints], recipe: Recipe) -> Ints:
    """Compute what memory bound `number` holds: (N,)."""
    passes = draw.passes[:, number]
    reached = np.stack([values[each.register] + passes * each.step for each in recipe.inductions])
    chosen: Ints = np.take_along_axis(reached, draw.induction[None, :, number], axis=0)[0]
    return chosen


def carried_value(carried: Carried, elements: NDArray[np.uint8]) -> Ints:
    """Compute what the register holds after loading elements, (N, size) bytes: (N,)."""
    size = carried.stream.size_bytes
    kind = "i" if carried.is_signed else "u"
    value = np.ascontiguousarray(elements).view(f"<{kind}{size}").reshape(-1).astype(np.int64)
    return value if carried.bits == 64 else value & 0xFFFFFFFF
