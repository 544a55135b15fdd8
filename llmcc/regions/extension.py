"""Which registers certainly hold a zero-extended 32-bit value at a loop's head.

A forward must-analysis: a 32-bit write clears the upper half of its register, in every path, and
only such writes, copies of such registers and narrower writes keep it clear. States with a dirty
upper half there can never occur, and a rewrite need not keep what cannot be.
Source: Intel SDM vol. 1, section 3.4.1.1.
"""

from __future__ import annotations

from llmcc.asm.operand import Register, parse_operand
from llmcc.regions.cfg import Graph, Instruction
from llmcc.x86.registers import CALL_CLOBBERED_GPR, GPR, REGISTERS

_ALL = frozenset(GPR)


def zero_extended_at(graph: Graph, number: int) -> frozenset[str]:
    """Families whose upper 32 bits are zero whenever block `number` starts."""
    at_start = [_ALL] * len(graph.blocks)
    at_start[0] = frozenset()
    is_changed = True
    while is_changed:
        is_changed = False
        for position, block in enumerate(graph.blocks):
            if graph.immediate_dominator[position] is None:
                continue
            clear = at_start[position]
            for instruction in block.instructions:
                clear = _after(instruction, clear)
            for successor in block.successors:
                joined = at_start[successor] & clear
                if joined != at_start[successor]:
                    at_start[successor] = joined
                    is_changed = True
    return at_start[number]


def _after(instruction: Instruction, clear: frozenset[str]) -> frozenset[str]:
    if instruction.effects.jump == "call":
        return clear - CALL_CLOBBERED_GPR
    written = instruction.effects.writes & _ALL
    if not written:
        return clear
    operands = instruction.text.operands
    last = parse_operand(operands[-1]) if operands else None
    name = REGISTERS.get(last.name) if isinstance(last, Register) else None
    if name is None or written != {name.family}:
        return clear - written
    if name.bits == 32:
        return clear | written
    if name.bits < 32:
        return clear
    source = parse_operand(operands[0]) if instruction.text.name == "movq" else None
    copied = REGISTERS.get(source.name) if isinstance(source, Register) else None
    is_clear = copied is not None and copied.family in clear
    return clear | written if is_clear else clear - written
