"""Bounds that no latch of the contract knows: in memory, or compared with a shifted induction.

A bound that gcc could not keep in a register is loaded anew in each iteration, from an address that
does not move; one that is compared with `lea -2(%rdx)` is a register that nothing writes. Whether
such a value is a bound is a guess, so some states keep what they would hold otherwise.
Does not cover: bounds in bytes, computed bounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmcc.asm.model import Line, LineKind
from llmcc.asm.operand import Memory, Register, parse_operand
from llmcc.asm.parse import parse_line
from llmcc.states.model import Block, LooseBounds, MemoryBound, Recipe
from llmcc.x86.effects import effects
from llmcc.x86.registers import REGISTERS

Ints = NDArray[np.int64]

_SHARE = 0.5  # of states in which the guess is followed
_SHARE_IN_TIMING = 0.75
_NEAR = (0, 0, 0, -1, 1)  # passes more than the trip count


@dataclass(frozen=True, slots=True)
class BoundDraw:
    """What the loose bounds of N states hold; all arrays are (N, M), memory bounds first."""

    passes: Ints  # after which the induction reaches the bound; 0: what it would hold otherwise
    induction: Ints  # index into the recipe's inductions
    offset: Ints  # added to what the induction reaches

    def rows(self, is_kept: NDArray[np.bool_]) -> BoundDraw:
        """Keep the draws of some states."""
        return BoundDraw(self.passes[is_kept], self.induction[is_kept], self.offset[is_kept])


def find_loose_bounds(
    text: str, blocks: Sequence[Block], *, free: Sequence[str], inductions: Sequence[str]
) -> LooseBounds:
    """Find what may bound a loop whose latches do not; free: registers that nothing writes."""
    lines = [
        line for raw in text.splitlines() if (line := parse_line(raw)).kind is LineKind.INSTRUCTION
    ]
    compared = [name for line in lines for name in _compared(line, lines, inductions)]
    return LooseBounds(
        memory=_in_memory(blocks),
        registers=tuple(name for name in free if name in compared),
        offsets=(0, *dict.fromkeys(_shifts(lines, inductions))),
    )


def _in_memory(blocks: Sequence[Block]) -> tuple[MemoryBound, ...]:
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


def _compared(line: Line, lines: Sequence[Line], inductions: Sequence[str]) -> Iterator[str]:
    """Yield registers that a comparison sets against an induction, or what `lea` makes of one."""
    if line.name not in ("cmpl", "cmpq"):
        return
    first, second = (parse_operand(text) for text in line.operands)
    if not isinstance(first, Register) or not isinstance(second, Register):
        return
    families = [REGISTERS[operand.name].family for operand in (first, second)]
    for bound, tested in (families, families[::-1]):
        if tested in inductions or _is_address(tested, lines):
            yield bound


def _is_address(family: str, lines: Sequence[Line]) -> bool:
    writers = [line for line in lines if (e := effects(line)) and family in e.writes]
    return bool(writers) and all(line.name.startswith("lea") for line in writers)


def _shifts(lines: Sequence[Line], inductions: Sequence[str]) -> Iterator[int]:
    """Yield the displacements with which `lea` copies inductions."""
    for line in lines:
        operand = parse_operand(line.operands[0]) if line.name.startswith("lea") else None
        if not isinstance(operand, Memory) or operand.base is None or operand.index:
            continue
        if REGISTERS[operand.base].family in inductions:
            yield operand.disp


def draw_bounds(
    rng: np.random.Generator, recipe: Recipe, trips: Ints, *, is_shared: bool
) -> BoundDraw:
    """Draw where loose bounds end the loop; is_shared: the same in all states."""
    loose = recipe.loose_bounds
    count, bounds = len(trips), len(loose.memory) + len(loose.registers)
    if not bounds:
        nothing = np.zeros((count, 0), np.int64)
        return BoundDraw(nothing, nothing, nothing)
    rows = 1 if is_shared else count
    is_set = rng.random((rows, 1)) < (_SHARE_IN_TIMING if is_shared else _SHARE)
    near = 0 if is_shared else rng.choice(_NEAR, (count, bounds))
    shape = (count, bounds)
    return BoundDraw(
        passes=np.where(is_set, np.broadcast_to(np.maximum(trips[:, None] + near, 1), shape), 0),
        induction=np.resize(rng.integers(0, len(recipe.inductions), (rows, bounds)), shape),
        offset=np.resize(rng.choice(loose.offsets, (rows, bounds)), shape),
    )


def bound_value(draw: BoundDraw, number: int, values: dict[str, Ints], recipe: Recipe) -> Ints:
    """Compute what loose bound `number` holds: (N,)."""
    passes = draw.passes[:, number]
    reached = np.stack([values[each.register] + passes * each.step for each in recipe.inductions])
    chosen: Ints = np.take_along_axis(reached, draw.induction[None, :, number], axis=0)[0]
    return chosen + draw.offset[:, number]
