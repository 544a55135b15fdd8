"""Bounds that no latch of the contract knows: in memory, or compared with a shifted induction.

A bound that gcc could not keep in a register is loaded anew in each iteration, from an address that
does not move; one that `lea -2(%rdx)` is compared with is a register that nothing writes. Whether
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
from llmcc.states.model import Block, LooseBounds, MemoryBound, Recipe, RegisterBound
from llmcc.states.text_facts import writes
from llmcc.x86.registers import REGISTERS

Ints = NDArray[np.int64]

_SHARE = 0.5  # of states in which the guess is followed
_SHARE_IN_TIMING = 0.75
_NEAR = (0, 0, 0, -1, 1)  # passes more than the trip count


@dataclass(frozen=True, slots=True)
class BoundDraw:
    """What the loose bounds of N states hold; both arrays are (N, M), memory bounds first."""

    passes: Ints  # after which the induction reaches the bound; 0: what it would hold otherwise
    induction: Ints  # index into the recipe's inductions

    def rows(self, is_kept: NDArray[np.bool_]) -> BoundDraw:
        """Keep the draws of some states."""
        return BoundDraw(self.passes[is_kept], self.induction[is_kept])


def find_loose_bounds(
    text: str, blocks: Sequence[Block], *, free: Sequence[str], inductions: Sequence[str]
) -> LooseBounds:
    """Find what may bound a loop whose latches do not; free: registers that nothing writes."""
    lines = [parse_line(raw) for raw in text.splitlines()]
    pairs = [pair for number in range(len(lines)) for pair in _compared(lines, number, inductions)]
    return LooseBounds(
        memory=_in_memory(blocks),
        registers=tuple(dict.fromkeys(pair for pair in pairs if pair.register in free)),
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


def _compared(
    lines: Sequence[Line], number: int, inductions: Sequence[str]
) -> Iterator[RegisterBound]:
    """Yield what the comparison in a line sets against an induction or its copy by `lea`."""
    line = lines[number]
    if line.kind is not LineKind.INSTRUCTION or line.name not in ("cmpl", "cmpq"):
        return
    first, second = (parse_operand(text) for text in line.operands)
    if not isinstance(first, Register) or not isinstance(second, Register):
        return
    families = [REGISTERS[operand.name].family for operand in (first, second)]
    for bound, tested in (families, families[::-1]):
        base, offset = _shifted(tested, lines[:number])
        if base in inductions:
            yield RegisterBound(bound, list(inductions).index(base), offset)


def _shifted(family: str, before: Sequence[Line]) -> tuple[str, int]:
    """Look up what register plus what a register holds: itself and 0, or what `lea` took."""
    line = next((line for line in reversed(before) if writes(line, family)), None)
    operand = parse_operand(line.operands[0]) if line and line.name.startswith("lea") else None
    if isinstance(operand, Memory) and operand.base and operand.index is None:
        return REGISTERS[operand.base].family, operand.disp
    return family, 0


def draw_bounds(
    rng: np.random.Generator, recipe: Recipe, trips: Ints, *, is_shared: bool
) -> BoundDraw:
    """Draw where loose bounds end the loop; is_shared: the same in all states."""
    loose = recipe.loose_bounds
    count, bounds = len(trips), len(loose.memory) + len(loose.registers)
    if not bounds:
        return BoundDraw(np.zeros((count, 0), np.int64), np.zeros((count, 0), np.int64))
    rows = 1 if is_shared else count
    is_set = rng.random((rows, 1)) < (_SHARE_IN_TIMING if is_shared else _SHARE)
    near = 0 if is_shared else rng.choice(_NEAR, (count, bounds))
    passes = np.maximum(np.repeat(trips[:, None], bounds, axis=1) + near, 1)
    induction = np.zeros((count, bounds), np.int64)
    induction += rng.integers(0, len(recipe.inductions), (rows, bounds))
    induction[:, len(loose.memory) :] = [bound.induction for bound in loose.registers]
    return BoundDraw(np.where(is_set, passes, 0), induction)


def bound_value(draw: BoundDraw, number: int, values: dict[str, Ints], recipe: Recipe) -> Ints:
    """Compute what the induction of loose bound `number` reaches: (N,)."""
    passes = draw.passes[:, number]
    reached = np.stack([values[each.register] + passes * each.step for each in recipe.inductions])
    chosen: Ints = np.take_along_axis(reached, draw.induction[None, :, number], axis=0)[0]
    return chosen
