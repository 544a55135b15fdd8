"""Which registers and flags are live at the start of each block.

Families are bits of an int: sets of a large function stay cheap to join.
"""

from __future__ import annotations

from collections.abc import Iterable

from llmcc.regions.cfg import Graph, Instruction
from llmcc.x86.effects import FLAGS
from llmcc.x86.registers import GPR, XMM

_FAMILIES = (*GPR, *XMM, FLAGS)
_BIT = {family: 1 << position for position, family in enumerate(_FAMILIES)}
_ANY = sum(bit for family, bit in _BIT.items() if family != FLAGS)


def live_at_block_starts(graph: Graph) -> tuple[frozenset[str], ...]:
    """Compute live-in families per block by backward data flow to the least fixed point."""
    transfer = [_transfer(block.instructions) for block in graph.blocks]
    live = [0] * len(graph.blocks)
    is_changed = True
    while is_changed:
        is_changed = False
        for number in range(len(graph.blocks) - 1, -1, -1):
            # A tail call passes arguments on: whatever it is, every register may be one.
            out = _ANY if graph.blocks[number].leaves else 0
            for successor in graph.blocks[number].successors:
                out |= live[successor]
            generated, killed = transfer[number]
            new = generated | (out & ~killed)
            if new != live[number]:
                live[number] = new
                is_changed = True
    return tuple(_families(bits) for bits in live)


def _transfer(instructions: list[Instruction]) -> tuple[int, int]:
    generated = 0
    killed = 0
    for instruction in instructions:
        generated |= _bits(instruction.effects.reads) & ~killed
        killed |= _bits(instruction.effects.kills)
    return generated, killed


def _bits(families: Iterable[str]) -> int:
    total = 0
    for family in families:
        total |= _BIT.get(family, 0)
    return total


def _families(bits: int) -> frozenset[str]:
    return frozenset(family for family, bit in _BIT.items() if bits & bit)
