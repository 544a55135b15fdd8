"""What each register of a loop is for: inductions, address streams, counted exits.

Every register is followed through one iteration as "its value, or another's, at the head, plus a
constant"; where paths join with different values it is unknown. What survives to every back edge
with the same constant is an induction.
Does not cover: 32-bit indexes in addresses (their sign would have to be known), scaled copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmcc.asm.operand import Immediate, Memory, Operand, Register, parse_operand
from llmcc.outcome import Outcome, Refusal
from llmcc.regions.cfg import Graph, Instruction, Loop
from llmcc.regions.model import Access, Induction, Latch
from llmcc.x86.effects import FLAGS
from llmcc.x86.registers import GPR, REGISTERS

_NEGATED = {
    "e": "ne", "ne": "e", "a": "be", "be": "a", "b": "ae", "ae": "b",
    "g": "le", "le": "g", "l": "ge", "ge": "l",
}  # fmt: skip
_SWAPPED = {
    "e": "e", "ne": "ne", "a": "b", "b": "a", "ae": "be", "be": "ae",
    "g": "l", "l": "g", "ge": "le", "le": "ge",
}  # fmt: skip
_SPELLINGS = {
    "z": "e",
    "nz": "ne",
    "c": "b",
    "nc": "ae",
    "nae": "b",
    "nb": "ae",
    "nbe": "a",
    "na": "be",
}


@dataclass(frozen=True, slots=True)
class Linear:
    """The value `root` had at the head plus `offset`; `bits` is 32 when the sum was cut to 32."""

    root: str
    offset: int
    bits: int = 64


Values = dict[str, Linear | None]  # family -> value; None: unknown


@dataclass(frozen=True, slots=True)
class Roles:
    """The roles found in one loop."""

    inductions: tuple[Induction, ...]
    accesses: tuple[Access, ...]
    latches: tuple[Latch, ...]


def find_roles(graph: Graph, loop: Loop) -> Roles | Refusal:
    """Find the roles of a loop's registers, or say what cannot be followed."""
    order = _topological(graph, loop)
    if order is None:
        return Refusal(Outcome.NOT_INNERMOST, "a cycle in it is entered in several places")
    before, ends = _follow(graph, loop, order)
    inductions = _inductions(ends)
    if not inductions:
        return Refusal(Outcome.NO_INDUCTION)
    steps = {induction.register: induction for induction in inductions}
    written = {
        family
        for number in loop.blocks
        for instruction in graph.blocks[number].instructions
        for family in instruction.effects.writes
    }
    accesses = _accesses(graph, loop, before=before, steps=steps, written=written)
    if isinstance(accesses, Refusal):
        return accesses
    return Roles(
        inductions, accesses, _latches(graph, loop, before=before, steps=steps, written=written)
    )


def _follow(
    graph: Graph, loop: Loop, order: Sequence[int]
) -> tuple[dict[int, Values], list[Values]]:
    """Values before each instruction (by line), and at the end of each latch."""
    at_start: dict[int, Values] = {loop.head: {family: Linear(family, 0) for family in GPR}}
    before: dict[int, Values] = {}
    at_end: dict[int, Values] = {}
    for number in order:
        values = dict(at_start[number])
        for instruction in graph.blocks[number].instructions:
            before[instruction.line] = dict(values)
            _step(values, instruction)
        at_end[number] = values
        for successor in graph.blocks[number].successors:
            if successor in loop.blocks and successor != loop.head:
                _join(at_start, successor, values)
    return before, [at_end[number] for number in loop.latches]


def _topological(graph: Graph, loop: Loop) -> list[int] | None:
    """The loop's blocks, each after its predecessors.

    None when there is a cycle beside the loop's own. No natural loop is inside an innermost one,
    but a cycle without a block that dominates it may be.
    """
    done: list[int] = []
    waiting = set(loop.blocks)
    while waiting:
        ready = [
            number
            for number in sorted(waiting)
            if number == loop.head
            or not any(p in waiting for p in graph.blocks[number].predecessors if p in loop.blocks)
        ]
        if not ready:
            return None
        done.extend(ready)
        waiting.difference_update(ready)
    return done


def _join(at_start: dict[int, Values], number: int, values: Values) -> None:
    known = at_start.get(number)
    if known is None:
        at_start[number] = dict(values)
        return
    for family in GPR:
        if known[family] != values[family]:
            known[family] = None


def _step(values: Values, instruction: Instruction) -> None:
    result = _linear_result(values, instruction)
    for family in instruction.effects.writes:
        if family in values:
            values[family] = None
    if result is not None:
        family, value = result
        values[family] = value


def _linear_result(values: Values, instruction: Instruction) -> tuple[str, Linear] | None:
    operands = [parse_operand(text) for text in instruction.text.operands]
    if not operands or not isinstance(operands[-1], Register):
        return None
    target = REGISTERS.get(operands[-1].name)
    if target is None or target.bits not in (32, 64) or target.family not in values:
        return None
    source = _sum(values, instruction.text.name.rstrip("lq"), operands, target.family)
    if source is None:
        return None
    if target.bits == 64:
        return target.family, source
    return target.family, Linear(source.root, source.offset, 32)


def _sum(values: Values, name: str, operands: list[Operand | None], family: str) -> Linear | None:
    first = operands[0]
    own = values[family]
    match name, first:
        case (("add" | "sub"), Immediate(value)) if len(operands) == 2:
            return _plus(own, value if name == "add" else -value)
        case (("inc" | "dec"), _):
            return _plus(own, 1 if name == "inc" else -1)
        case "mov", Register(spelling) if spelling in REGISTERS:
            register = REGISTERS[spelling]
            return values.get(register.family) if register.bits >= 32 else None
        case "lea", Memory(str() as base, None, _, disp, "") if REGISTERS[base].bits == 64:
            return _plus(values.get(REGISTERS[base].family), disp)
    return None


def _plus(value: Linear | None, offset: int) -> Linear | None:
    return Linear(value.root, value.offset + offset, value.bits) if value else None


def _inductions(ends: list[Values]) -> tuple[Induction, ...]:
    found: list[Induction] = []
    for family in GPR:
        values = {values[family] for values in ends}
        value = values.pop()
        if values or value is None or value.root != family or value.offset == 0:
            continue
        found.append(Induction(family, value.offset, value.bits))
    return tuple(found)


def _accesses(
    graph: Graph,
    loop: Loop,
    *,
    before: dict[int, Values],
    steps: dict[str, Induction],
    written: set[str],
) -> tuple[Access, ...] | Refusal:
    found: list[Access] = []
    for number in sorted(loop.blocks):
        is_conditional = not all(graph.dominates(number, latch) for latch in loop.latches)
        for instruction in graph.blocks[number].instructions:
            use = instruction.effects.memory
            if use is None:
                continue
            if use.operand.symbol:
                if (
                    use.is_store
                    or not use.operand.symbol.startswith(".LC")
                    or use.operand.base != "rip"
                ):
                    return Refusal(Outcome.SYMBOLIC_MEMORY, instruction.text.text.strip())
                continue
            parts = _address(use.operand, before[instruction.line], steps=steps, written=written)
            if parts is None:
                return Refusal(Outcome.UNKNOWN_ROLE, instruction.text.text.strip())
            base, index, disp = parts
            scale = use.operand.scale
            stride = (steps[base].step if base in steps else 0) + (
                steps[index].step * scale if index in steps else 0
            )
            found.append(
                Access(
                    base,
                    index,
                    scale,
                    disp,
                    use.size_bytes,
                    use.is_load,
                    use.is_store,
                    stride,
                    is_conditional,
                )
            )
    return tuple(found)


def _address(
    operand: Memory, values: Values, *, steps: dict[str, Induction], written: set[str]
) -> tuple[str | None, str | None, int] | None:
    disp = operand.disp
    roots: list[str | None] = []
    for part, scale in ((operand.base, 1), (operand.index, operand.scale)):
        if part is None:
            roots.append(None)
            continue
        name = REGISTERS.get(part)
        value = values.get(name.family) if name and name.bits == 64 else None
        if (
            value is None
            or value.bits != 64
            or not _is_even(value.root, steps=steps, written=written)
        ):
            return None
        disp += value.offset * scale
        roots.append(value.root)
    return roots[0], roots[1], disp


def _is_even(root: str, *, steps: dict[str, Induction], written: set[str]) -> bool:
    """Whether a register advances by a constant of 64 bits in each iteration, 0 included."""
    if root in steps:
        return steps[root].bits == 64
    return root not in written


def _latches(
    graph: Graph,
    loop: Loop,
    *,
    before: dict[int, Values],
    steps: dict[str, Induction],
    written: set[str],
) -> tuple[Latch, ...]:
    found: list[Latch] = []
    for number in sorted(loop.blocks):
        block = graph.blocks[number]
        last = block.instructions[-1] if block.instructions else None
        if last is None or last.effects.jump != "if":
            continue
        inside = [successor in loop.blocks for successor in block.successors]
        if all(inside) or not any(inside):
            continue
        taken_stays = block.successors[0] in loop.blocks  # the jump's target comes first
        condition = last.text.name[1:]
        condition = _SPELLINGS.get(condition, condition)
        if condition not in _NEGATED:
            continue
        if not taken_stays:
            condition = _NEGATED[condition]
        latch = _latch(
            block.instructions[:-1], condition, before=before, steps=steps, written=written
        )
        if latch is not None:
            found.append(latch)
    return tuple(found)


def _latch(
    instructions: Sequence[Instruction],
    condition: str,
    *,
    before: dict[int, Values],
    steps: dict[str, Induction],
    written: set[str],
) -> Latch | None:
    setter = next((i for i in reversed(instructions) if FLAGS in i.effects.writes), None)
    if setter is None:
        return None
    values = before[setter.line]
    operands = [parse_operand(text) for text in setter.text.operands]
    name = setter.text.name.rstrip("lqwb")
    if name == "cmp" and len(operands) == 2:
        source, target = operands
        forward = _tested(target, values, steps)
        if forward and (bound := _bound(source, values, written=written)) is not None:
            return _make(forward, bound, condition, steps)
        backward = _tested(source, values, steps)
        if backward and (bound := _bound(target, values, written=written)) is not None:
            return _make(backward, bound, _SWAPPED[condition], steps)
        return None
    if condition not in ("e", "ne"):
        return None
    after = dict(values)
    _step(after, setter)
    is_self_test = name == "test" and len(operands) == 2 and operands[0] == operands[1]
    if is_self_test or name in ("add", "sub", "dec", "inc"):
        tested = _tested(operands[-1], after, steps)
        return _make(tested, (None, 0), condition, steps) if tested else None
    return None


def _tested(operand: Operand | None, values: Values, steps: dict[str, Induction]) -> Linear | None:
    """The induction a register operand holds, cut to the operand's width."""
    if not isinstance(operand, Register) or operand.name not in REGISTERS:
        return None
    name = REGISTERS[operand.name]
    value = values.get(name.family)
    if value is None or name.bits < 32 or value.root not in steps:
        return None
    if name.bits == 64 and value.bits == 32:
        return None
    return Linear(value.root, value.offset, name.bits)


def _bound(
    operand: Operand | None, values: Values, *, written: set[str]
) -> tuple[str | None, int] | None:
    match operand:
        case Immediate(number):
            return None, number
        case Register(spelling) if spelling in REGISTERS:
            value = values.get(REGISTERS[spelling].family)
            is_plain = value is not None and value.offset == 0 and value.bits == 64
            if value is not None and is_plain and value.root not in written:
                return value.root, 0
    return None


def _make(
    tested: Linear, bound: tuple[str | None, int], condition: str, steps: dict[str, Induction]
) -> Latch | None:
    if tested.offset not in (0, steps[tested.root].step):
        return None
    register, value = bound
    return Latch(
        tested.root,
        tested.bits,
        register,
        None if register else value,
        condition,
        is_advanced=tested.offset != 0,
    )
