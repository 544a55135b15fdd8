"""The control-flow graph of one function, its dominators and its natural loops.

Source: Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm" (2001).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from llmcc.asm.model import Function, Line, LineKind, Unit
from llmcc.outcome import Outcome, Refusal
from llmcc.x86.effects import Effects, effects


@dataclass(frozen=True, slots=True)
class Instruction:
    """An instruction in its place."""

    line: int  # index into Unit.lines
    text: Line
    effects: Effects


@dataclass(slots=True)
class Block:
    """A basic block; `successors` and `predecessors` are indexes into Graph.blocks."""

    labels: tuple[str, ...]
    instructions: list[Instruction] = field(default_factory=list)
    successors: list[int] = field(default_factory=list)
    predecessors: list[int] = field(default_factory=list)
    falls_to: int | None = None  # successor reached without a jump
    leaves: bool = False  # may jump out of the function: a tail call


@dataclass(frozen=True, slots=True)
class Graph:
    """A function's blocks in text order; block 0 is the entry."""

    blocks: tuple[Block, ...]
    immediate_dominator: tuple[int | None, ...]  # None: unreachable

    def dominates(self, above: int, below: int) -> bool:
        """Whether every path to block `below` passes block `above`."""
        at: int | None = below
        while at is not None and at != above:
            at = self.immediate_dominator[at] if at else None
        return at == above


@dataclass(frozen=True, slots=True)
class Loop:
    """A natural loop: its head and all its blocks, by index."""

    head: int
    blocks: frozenset[int]
    latches: tuple[int, ...]  # sources of back edges


def build_graph(unit: Unit, function: Function) -> Graph | Refusal:
    """Build the graph of `function`, or say why it is left alone."""
    lines = unit.lines[function.first : function.last]
    if refusal := _untouchable(lines):
        return refusal
    blocks = _blocks(lines, function.first, _jump_targets(lines))
    if isinstance(blocks, Refusal):
        return blocks
    _connect(blocks)
    return Graph(tuple(blocks), tuple(_immediate_dominators(blocks)))


def _untouchable(lines: tuple[Line, ...]) -> Refusal | None:
    for line in lines:
        if line.kind is LineKind.OTHER or line.text.startswith("#APP"):
            return Refusal(Outcome.HAS_INLINE_ASM, line.text.strip())
        if line.kind is LineKind.DIRECTIVE and line.name in (".cfi_lsda", ".cfi_personality"):
            return Refusal(Outcome.HAS_LANDING_PADS)
    return None


def _jump_targets(lines: tuple[Line, ...]) -> set[str]:
    """Labels something in the function refers to: jumps, jump tables, taken addresses."""
    named = {line.name for line in lines if line.kind is LineKind.LABEL}
    targets: set[str] = set()
    for line in lines:
        if line.kind is LineKind.INSTRUCTION:
            words = [operand.lstrip("*$").partition("(")[0] for operand in line.operands]
            targets.update(word for word in words if word in named)
        elif line.kind is LineKind.DIRECTIVE and line.name in (".long", ".quad"):
            targets.update(part for part in line.argument.split("-") if part in named)
    return targets


def _blocks(lines: tuple[Line, ...], first: int, targets: set[str]) -> list[Block] | Refusal:
    blocks = [Block(())]
    is_new = False
    for offset, line in enumerate(lines):
        if line.kind is LineKind.LABEL and line.name in targets:
            if blocks[-1].instructions or is_new:
                blocks.append(Block(()))
                is_new = False
            blocks[-1].labels += (line.name,)
        if line.kind is not LineKind.INSTRUCTION:
            continue
        found = effects(line)
        if found is None:
            return Refusal(Outcome.UNSUPPORTED_INSTRUCTION, line.text.strip())
        if is_new:
            blocks.append(Block(()))
        blocks[-1].instructions.append(Instruction(first + offset, line, found))
        is_new = found.jump not in ("", "call")
    return blocks


def _connect(blocks: list[Block]) -> None:
    by_label = {label: number for number, block in enumerate(blocks) for label in block.labels}
    for number, block in enumerate(blocks):
        last = block.instructions[-1].effects if block.instructions else None
        jump = last.jump if last else ""
        if jump in ("always", "if") and last:
            if last.target in by_label:
                block.successors.append(by_label[last.target])
            else:
                block.leaves = True
        if jump == "indirect":
            # Which table it reads is not followed: any labelled block may come next, or a callee.
            block.successors.extend(sorted(set(by_label.values())))
            block.leaves = True
        if jump in ("", "if", "call") and number + 1 < len(blocks):
            block.falls_to = number + 1
            if number + 1 not in block.successors:
                block.successors.append(number + 1)
    for number, block in enumerate(blocks):
        for successor in block.successors:
            blocks[successor].predecessors.append(number)


def _immediate_dominators(blocks: list[Block]) -> list[int | None]:
    order = _reverse_postorder(blocks)
    rank = {number: position for position, number in enumerate(order)}
    dominator: list[int | None] = [None] * len(blocks)
    dominator[0] = 0
    is_changed = True
    while is_changed:
        is_changed = False
        for number in order[1:]:
            known = [p for p in blocks[number].predecessors if dominator[p] is not None]
            new = known[0]
            for other in known[1:]:
                new = _meet(new, other, dominator, rank)
            if dominator[number] != new:
                dominator[number] = new
                is_changed = True
    return dominator


def _meet(a: int, b: int, dominator: list[int | None], rank: dict[int, int]) -> int:
    while a != b:
        if rank[a] > rank[b]:
            a = dominator[a] or 0
        else:
            b = dominator[b] or 0
    return a


def _reverse_postorder(blocks: list[Block]) -> list[int]:
    order: list[int] = []
    seen = {0}
    stack = [(0, iter(blocks[0].successors))]
    while stack:
        number, rest = stack[-1]
        for successor in rest:
            if successor not in seen:
                seen.add(successor)
                stack.append((successor, iter(blocks[successor].successors)))
                break
        else:
            order.append(number)
            stack.pop()
    return order[::-1]


def natural_loops(graph: Graph) -> tuple[Loop, ...]:
    """All natural loops, loops that share a head merged, in text order of their heads."""
    latches: dict[int, list[int]] = {}
    for number, block in enumerate(graph.blocks):
        if graph.immediate_dominator[number] is None:
            continue
        for successor in block.successors:
            if graph.dominates(successor, number):
                latches.setdefault(successor, []).append(number)
    return tuple(
        Loop(head, _body(graph, head, sources), tuple(sources))
        for head, sources in sorted(latches.items())
    )


def _body(graph: Graph, head: int, latches: list[int]) -> frozenset[int]:
    body = {head}
    stack = list(latches)
    while stack:
        number = stack.pop()
        if number not in body:
            body.add(number)
            stack.extend(graph.blocks[number].predecessors)
    return frozenset(body)
