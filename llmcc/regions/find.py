"""Find the regions of a unit: its innermost loops with their contracts, or why not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from llmcc.asm.model import Function, LineKind, Unit
from llmcc.outcome import Outcome, Refusal
from llmcc.regions.canonical import canonical_text
from llmcc.regions.cfg import Graph, Loop, build_graph, natural_loops
from llmcc.regions.contract import make_contract
from llmcc.regions.liveness import live_at_block_starts
from llmcc.regions.model import Region
from llmcc.regions.placement import find_placement
from llmcc.x86.effects import FLAGS

MAX_INSTRUCTIONS = 64

_WIDE = re.compile(r"%[yz]mm\d|%k[0-7]\b|\tv[a-z]+\t")
_REGISTER = re.compile(r"%([a-z][a-z0-9]*)")
_SYMBOL = re.compile(r"[A-Za-z_$.][A-Za-z0-9_$.]*")
# A function's own frame names it without calling it.
_FRAME = frozenset(
    (".globl", ".type", ".size", ".hidden", ".weak", ".local", ".file", ".section", ".ident")
)


@dataclass(frozen=True, slots=True)
class RefusedLoop:
    """A loop that is not a region."""

    function: str
    head_label: str
    outcome: Outcome
    detail: str


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """What contracts need to know of the whole unit."""

    mentioned: frozenset[str]  # register spellings, without the percent sign
    referenced: frozenset[str]  # symbols that instructions, data or aliases refer to
    is_wide_free: bool


def find_regions(unit: Unit) -> tuple[Region | RefusedLoop, ...]:
    """Find every natural loop of `unit` in text order, each as a region or with its refusal."""
    facts = _facts(unit)
    found: list[Region | RefusedLoop] = []
    for function in unit.functions:
        if ".cold" not in function.name:
            found.extend(_of_function(unit, function, facts))
    return tuple(found)


def _facts(unit: Unit) -> UnitFacts:
    mentioned: set[str] = set()
    referenced: set[str] = set()
    is_wide_free = True
    for line in unit.lines:
        if line.kind in (LineKind.INSTRUCTION, LineKind.OTHER):
            mentioned.update(_REGISTER.findall(line.text))
            referenced.update(_SYMBOL.findall(line.text))
            is_wide_free = is_wide_free and not _WIDE.search(line.text)
        elif line.kind is LineKind.DIRECTIVE and line.name not in _FRAME:
            referenced.update(_SYMBOL.findall(line.argument))
    return UnitFacts(frozenset(mentioned), frozenset(referenced), is_wide_free)


def _of_function(
    unit: Unit, function: Function, facts: UnitFacts
) -> Iterator[Region | RefusedLoop]:
    graph = build_graph(unit, function) if facts.is_wide_free else Refusal(Outcome.UNIT_USES_AVX)
    if isinstance(graph, Refusal):
        if _may_loop(unit, function):
            yield RefusedLoop(function.name, "", graph.outcome, graph.detail)
        return
    loops = natural_loops(graph)
    if not loops:
        return
    live = live_at_block_starts(graph)
    for loop in loops:
        result = _region(unit, function, graph, loop, loops=loops, live=live, facts=facts)
        if isinstance(result, Refusal):
            label = (graph.blocks[loop.head].labels or ("",))[0]
            yield RefusedLoop(function.name, label, result.outcome, result.detail)
        else:
            yield result


def _may_loop(unit: Unit, function: Function) -> bool:
    seen: set[str] = set()
    for line in unit.lines[function.first : function.last]:
        if line.kind is LineKind.LABEL:
            seen.add(line.name)
        elif line.name.startswith("j") and any(operand in seen for operand in line.operands):
            return True
    return False


def _region(
    unit: Unit,
    function: Function,
    graph: Graph,
    loop: Loop,
    *,
    loops: tuple[Loop, ...],
    live: tuple[frozenset[str], ...],
    facts: UnitFacts,
) -> Region | Refusal:
    if refusal := _refuse_early(graph, loop, loops):
        return refusal
    canonical = canonical_text(unit, graph, loop)
    if isinstance(canonical, Refusal):
        return canonical
    if FLAGS in live[loop.head] or any(FLAGS in live[number] for number in canonical.exits):
        return Refusal(Outcome.FLAGS_LIVE)
    contract = make_contract(
        graph,
        loop,
        live_in=live[loop.head],
        live_out=tuple(live[number] for number in canonical.exits),
        mentioned=facts.mentioned,
        is_called_here=function.name in facts.referenced,
        is_wide_free=facts.is_wide_free,
    )
    if isinstance(contract, Refusal):
        return contract
    placement = find_placement(unit, graph, loop, canonical)
    if isinstance(placement, Refusal):
        return placement
    return Region(
        function=function.name,
        text=canonical.text,
        constants=canonical.constants,
        instruction_count=sum(len(graph.blocks[number].instructions) for number in loop.blocks),
        exit_count=len(canonical.exits),
        contract=contract,
        placement=placement,
        depth=sum(loop.head in other.blocks for other in loops),
    )


def _refuse_early(graph: Graph, loop: Loop, loops: tuple[Loop, ...]) -> Refusal | None:
    if any(other.head != loop.head and other.head in loop.blocks for other in loops):
        return Refusal(Outcome.NOT_INNERMOST)
    instructions = [i for number in loop.blocks for i in graph.blocks[number].instructions]
    for instruction in instructions:
        if instruction.effects.jump in ("call", "return", "trap"):
            return Refusal(Outcome.HAS_CALL, instruction.text.text.strip())
        if instruction.effects.jump == "indirect":
            return Refusal(Outcome.HAS_INDIRECT_JUMP)
        if "rsp" in instruction.effects.writes:
            return Refusal(Outcome.WRITES_STACK_POINTER)
    if len(instructions) > MAX_INSTRUCTIONS:
        return Refusal(Outcome.TOO_LONG, f"{len(instructions)} instructions")
    return None
