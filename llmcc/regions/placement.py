"""Where a fast path goes: on the entry edges of its loop, never on its back edges."""

from __future__ import annotations

from dataclasses import dataclass

from llmcc.asm.model import LineKind, Unit
from llmcc.outcome import Outcome, Refusal
from llmcc.regions.canonical import Canonical
from llmcc.regions.cfg import Graph, Loop
from llmcc.regions.model import Placement


@dataclass(frozen=True, slots=True)
class _Place:
    """The line in front of which a fast path goes."""

    line: int
    falls_into_head: bool


def find_placement(
    unit: Unit, graph: Graph, loop: Loop, canonical: Canonical
) -> Placement | Refusal:
    """Choose one entry edge that holds the fast path; jumps on the other entry edges go to it."""
    head = graph.blocks[loop.head]
    if not head.labels or not head.instructions:
        return Refusal(Outcome.NO_ENTRY_PLACE, "the head has no label")
    entering = [number for number in head.predecessors if number not in loop.blocks]
    jumps = tuple(
        graph.blocks[number].instructions[-1].line
        for number in entering
        if graph.blocks[number].instructions
        and graph.blocks[number].instructions[-1].effects.target in head.labels
    )
    exit_labels = tuple((graph.blocks[number].labels or ("",))[0] for number in canonical.exits)
    place = _choose(unit, graph, loop, jumps)
    if place is None:
        return Refusal(Outcome.NO_ENTRY_PLACE)
    return Placement(
        insert_before=place.line,
        head_label=head.labels[0],
        retarget=tuple(line for line in jumps if line != place.line),
        exit_labels=exit_labels,
        falls_into_head=place.falls_into_head,
        constant_labels=canonical.constant_labels,
    )


def _choose(unit: Unit, graph: Graph, loop: Loop, jumps: tuple[int, ...]) -> _Place | None:
    before = loop.head - 1
    if before >= 0 and not (before in loop.blocks and graph.blocks[before].falls_to == loop.head):
        line = _after_block(unit, graph, before)
        if line is not None:
            return _Place(line, falls_into_head=True)
    for line in jumps:
        if unit.lines[line].name == "jmp":
            return _Place(line, falls_into_head=False)
    for line in jumps:
        if (after := _after_next_jump(unit, line)) is not None:
            return _Place(after, falls_into_head=False)
    return None


def _after_block(unit: Unit, graph: Graph, number: int) -> int | None:
    """The line after a block's last instruction and the unwind directives that belong to it."""
    if not graph.blocks[number].instructions:
        return None
    at = graph.blocks[number].instructions[-1].line + 1
    while at < len(unit.lines) and unit.lines[at].kind is LineKind.DIRECTIVE:
        name = unit.lines[at].name
        if name in (".section", ".text", ".pushsection", ".popsection", ".cfi_endproc"):
            return None
        if name in (".p2align", ".align", ".balign"):
            break
        at += 1
    return at


def _after_next_jump(unit: Unit, entering: int) -> int | None:
    """The line behind the first unconditional jump after line `entering`.

    Nothing runs into that place, and unwinding is as it is at `entering`: no directive between them
    changes it.
    """
    for at in range(entering, len(unit.lines)):
        line = unit.lines[at]
        if line.kind is LineKind.DIRECTIVE and not line.name.startswith((".loc", ".p2align")):
            return None
        if line.kind is LineKind.INSTRUCTION and line.name == "jmp":
            return at + 1
        if line.kind is LineKind.INSTRUCTION and line.name in ("ret", "rep ret"):
            return at + 1
    return None
