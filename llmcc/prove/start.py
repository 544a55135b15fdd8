"""Symbolic states to start from: addresses and trip counts known, all data unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from llmcc.prove.facts import Facts
from llmcc.prove.flags import BITS, NAMES, free_flags
from llmcc.prove.lanes import Refs
from llmcc.prove.simplify import zext
from llmcc.prove.state import YMM_BYTES, Ground, Span, State, memory_name
from llmcc.prove.terms import Term, const, var
from llmcc.regions.model import Contract
from llmcc.sandbox.model import States
from llmcc.states.data import UNIFORM
from llmcc.states.draft import make_draft
from llmcc.states.generate import Learnt, draw_draft
from llmcc.states.layout import TIGHT
from llmcc.states.model import Block, Recipe
from llmcc.states.place import place_draft
from llmcc.x86.registers import GPR, XMM


@dataclass(frozen=True, slots=True)
class Start:
    """A symbolic state, and the concrete one whose known parts it shares."""

    state: State
    states: States  # one state
    trip: int  # 0 when the loop has no memory and no bound that is a register


def is_free_of_trips(recipe: Recipe) -> bool:
    """Whether nothing of the start has to be known: no memory, no counted way out."""
    return not recipe.blocks and not recipe.latches


def make_states_for(
    recipe: Recipe, trips: int, *, seed: int, mode: str = TIGHT, is_together: bool = False
) -> States | None:
    """Make concrete states: rows 2n and 2n + 1 have trip count n + 1.

    mode: TIGHT: even rows lie flush against unreadable memory with their ends, odd rows with their
    starts; MIXED: each block by itself with its end, its start or neither.
    is_together: the blocks lie in one arena and may overlap. None when no arena is large enough.
    """
    rng = np.random.default_rng([seed, 0x9F0F])
    count = np.repeat(np.arange(1, trips + 1), 2)
    plan = draw_draft(rng, recipe, Learnt(), len(count), kind=UNIFORM).plan
    draft = make_draft(rng, recipe, plan, count)
    flags = np.full(len(count), is_together)
    return place_draft(rng, recipe, draft, reach=count, mode=mode, is_together=flags)


def closest_rows(recipe: Recipe, states: States, trips: range) -> list[int]:
    """Choose rows of `make_states_for` whose blocks overlap closely; at most 4."""
    found: list[tuple[int, int]] = []
    for row in range(2 * trips.start - 2, 2 * trips.stop - 2):
        first, *others = (_stream_starts(block, states, row)[0] for block in recipe.blocks)
        nearest = min((other - first for other in others), key=abs)
        if nearest:
            found.append((nearest, row))
    found.sort(key=lambda pair: abs(pair[0]))
    ahead = [row for distance, row in found if distance > 0]
    behind = [row for distance, row in found if distance < 0]
    return ahead[:2] + behind[:2]


def make_start(
    contract: Contract, recipe: Recipe, states: States, row: int, code: bytes, *, trip: int
) -> Start:
    """Make the symbolic state of one concrete one; `code` is the blob, for its constants."""
    known = _known_registers(recipe)
    gpr: list[Term] = []
    for number, name in enumerate(GPR):
        if name in known:
            gpr.append(const(int(states.gpr[row, number]), 64))
        elif name in contract.zero_extended:
            gpr.append(zext(var(name, 32), 64))
        else:
            gpr.append(var(name, 64))
    size = min(recipe.facts.element_bytes, default=8)
    vector: list[Refs] = []
    for name in XMM:
        terms = [var(f"{name}.{at}", 8 * size) for at in range(0, YMM_BYTES, size)]
        vector.append(tuple((term, k) for term in terms for k in range(size)))
    ground = Ground(_spans(recipe, states, row), code)
    state = State(gpr, vector, free_flags("flag"), ground, Facts())
    return Start(state, _one(states, row), trip)


def _known_registers(recipe: Recipe) -> frozenset[str]:
    if is_free_of_trips(recipe):
        return frozenset(("rsp",))
    pointers = {group.register for block in recipe.blocks for group in block.groups}
    steps = {induction.register for induction in recipe.inductions}
    bounds = {latch.bound for latch in recipe.latches if latch.bound}
    return frozenset({"rsp"} | pointers | steps | bounds | set(recipe.indexes))


def _spans(recipe: Recipe, states: States, row: int) -> tuple[Span, ...]:
    """The arenas; variables are as long as the elements that the loop works on."""
    _, arenas, arena_bytes = states.memory.shape
    found = []
    for number in range(arenas if recipe.blocks else 0):
        start = states.arenas[number]
        here = [
            address
            for block in recipe.blocks
            for address in _stream_starts(block, states, row)
            if start <= address < start + arena_bytes
        ]
        size = _element_bytes(recipe)
        if len({address % size for address in here}) != 1:
            size = 1
        found.append(Span(start, start + arena_bytes, size, here[0] % size if here else 0))
    return tuple(found)


def _element_bytes(recipe: Recipe) -> int:
    streams = [s for block in recipe.blocks for group in block.groups for s in group.streams]
    smallest = min(stream.size_bytes for stream in streams)
    if smallest > 8:
        smallest = min(recipe.facts.element_bytes, default=1)
    return smallest if all(s.stride_bytes % smallest == 0 for s in streams) else 1


def _stream_starts(block: Block, states: States, row: int) -> list[int]:
    def value(name: str | None) -> int:
        return int(states.gpr[row, GPR.index(name)]) if name else 0

    return [
        value(group.register) + value(stream.other) * stream.scale + stream.disp & (1 << 64) - 1
        for group in block.groups
        for stream in group.streams
    ]


def _one(states: States, row: int) -> States:
    part = slice(row, row + 1)
    return replace(
        states,
        gpr=states.gpr[part].copy(),
        vector=states.vector[part].copy(),
        mask=states.mask[part].copy(),
        rflags=states.rflags[part].copy(),
        mxcsr=states.mxcsr[part].copy(),
        memory=states.memory[part].copy(),
    )


def concrete(start: Start, values: Mapping[Term, int]) -> States:
    """Put a counter-example's values into the concrete state."""
    found = _one(start.states, 0)
    by_name = {str(term.data): (value, term.width // 8) for term, value in values.items()}
    for number, term in enumerate(start.state.gpr):
        inner = term.args[0] if term.op == "zext" else term
        if inner.op == "var" and inner.data in by_name:
            found.gpr[0, number] = by_name[inner.data][0]
    for number, name in enumerate(XMM):
        _fill(found.vector[0, number], by_name, [f"{name}.{at}" for at in range(YMM_BYTES)])
    for flag in NAMES:
        if (flag_name := f"flag.{flag}") in by_name:
            bit = np.uint64(1 << BITS[flag])
            found.rflags[0] &= ~bit
            found.rflags[0] |= bit * np.uint64(by_name[flag_name][0])
    for span in start.state.ground.spans:
        arena = found.memory[0, found.arenas.index(span.start)]
        _fill(arena, by_name, [memory_name(at) for at in range(span.start, span.end)])
    return found


def _fill(
    target: NDArray[np.uint8], values: Mapping[str, tuple[int, int]], names: Sequence[str]
) -> None:
    """Write the values that have a name: names[n] starts at byte n."""
    for at, name in enumerate(names):
        if name in values:
            value, size = values[name]
            target[at : at + size] = np.frombuffer(value.to_bytes(size, "little"), np.uint8)
