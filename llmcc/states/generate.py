"""Batches of machine states for one region, made from its recipe and a seed.

A loop whose data may end it is learnt first: which data lets it run, which stops it, and how far it
reads before it leaves. Its states are then made twice: in a roomy place, where gcc's loop shows how
many passes it makes, and again so that the last byte it touches is the last one mapped.
Does not cover: that every state is valid; the caller runs gcc's loop and drops the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from llmcc.sandbox.model import Ends, States
from llmcc.states.data import CONSTANT, ONE_HOT, DataPlan, draw_plan, rows_of, with_quiet
from llmcc.states.draft import Draft, make_draft
from llmcc.states.endless import find_endless, without_endless
from llmcc.states.layout import MIXED, ROOMY, SLACK_BYTES, TIGHT
from llmcc.states.model import Recipe
from llmcc.states.place import place_draft
from llmcc.states.symbols import static_symbols
from llmcc.states.trips import Length, draw_trips, largest_trip
from llmcc.x86.registers import GPR

Ints = NDArray[np.int64]
Oracle = Callable[[States], Ends]  # runs gcc's loop

_PROBE_STATES = 500
_GOOD_LEAST = 4
_TURNS = 16  # states of each symbol that might let a loop run
_BATCH_BYTES = 12 << 20
# How many states a batch of long runs has at most.
_STATES_MOST = {Length.LARGE: 48, Length.LONG: 20, Length.HUGE: 4}
_CHOSEN_BYTES = 64 << 10  # longest window of a trip count that a rewrite's constants suggest
_DELTAS = (-1, 0, 1)
_HEAVY_SYMBOLS = 6


@dataclass(frozen=True, slots=True)
class Learnt:
    """What running gcc's loop has shown."""

    good: DataPlan | None = None  # plans that stop the loop where they are meant to
    quiet: DataPlan | None = None  # plans under which conditional blocks are not touched
    deltas: dict[int, int] = field(default_factory=dict)  # exit -> iterations touched minus passes
    heavy: Ints | None = None  # symbols that change the accumulators most, as constant data
    endless: tuple[int, ...] = ()  # patterns of the accumulator that never end a loop


def learn(recipe: Recipe, oracle: Oracle, *, seed: int) -> Learnt:
    """Run a few hundred states and see what ends the loop; cheap when only its latch can."""
    rng = np.random.default_rng([seed, 0x1EA2])
    count = capped(recipe, _PROBE_STATES if recipe.is_early_exit else 96)
    draft = draw_draft(rng, recipe, Learnt(), count)
    states = _place(rng, recipe, draft, draft.trips, mode=ROOMY)
    if states is None:
        return Learnt()
    endless = find_endless(recipe, states, oracle)
    states = without_endless(recipe, states, endless)
    ends = oracle(states)
    done = passes(recipe, states, ends)
    is_valid = ends.exit_id >= 0
    good = None
    if recipe.is_early_exit:
        good = _good(draft, done, is_valid) or _good_of_one_symbol(rng, recipe, oracle)
    deltas: dict[int, int] = {}
    for exit_id in np.unique(ends.exit_id[is_valid]).tolist():
        delta = _delta(
            rng, recipe, draft, oracle, rows=is_valid & (ends.exit_id == exit_id), done=done
        )
        if delta is not None:
            deltas[int(exit_id)] = delta
    quiet, heavy = _quiet(rng, recipe, oracle), _heavy(rng, recipe, oracle)
    return Learnt(good, quiet, deltas, heavy, endless)


def _good(draft: Draft, done: Ints, is_valid: NDArray[np.bool_]) -> DataPlan | None:
    """Keep the plans that stopped the loop where they were meant to; None when they are too few."""
    wanted = (draft.plan.position * draft.trips).astype(np.int64)
    is_good = is_valid & (np.abs(done - wanted) <= 1) & (wanted >= 3) & (done < draft.trips - 2)
    return rows_of(draft.plan, is_good) if is_good.sum() >= _GOOD_LEAST else None


def _good_of_one_symbol(
    rng: np.random.Generator, recipe: Recipe, oracle: Oracle
) -> DataPlan | None:
    """Try every symbol as what lets the loop run, for loops that go on at one value only."""
    if not recipe.blocks:
        return None
    symbols = _symbol_count(recipe)
    count = capped(recipe, _TURNS * symbols * len(recipe.facts.element_bytes))
    turns = np.arange(count) % symbols
    draft = draw_draft(rng, recipe, Learnt(), count, kind=ONE_HOT, background=turns)
    states = _place(rng, recipe, draft, draft.trips, mode=ROOMY)
    if states is None:
        return None
    ends = oracle(states)
    return _good(draft, passes(recipe, states, ends), ends.exit_id >= 0)


def _heavy(rng: np.random.Generator, recipe: Recipe, oracle: Oracle) -> Ints | None:
    """Find the symbols with which an array of nothing else moves the accumulators most."""
    if recipe.is_early_exit or not recipe.blocks or not recipe.accumulators:
        return None
    count = 2 * _symbol_count(recipe)
    draft = draw_draft(rng, recipe, Learnt(), count, kind=CONSTANT)
    states = _place(rng, recipe, draft, draft.trips, mode=ROOMY)
    if states is None:
        return None
    ends = oracle(states)
    moved = np.zeros(count)
    for name in recipe.accumulators:
        moved += _change(name, states, ends)
    moved = np.where(ends.exit_id >= 0, moved / draft.trips, -1.0)
    return draft.plan.background[np.argsort(-moved, kind="stable")[:_HEAVY_SYMBOLS]]


def _change(name: str, states: States, ends: Ends) -> NDArray[np.float64]:
    """By how much a register changed in each run, as 32-bit numbers: (N,)."""
    if name in GPR:
        column = GPR.index(name)
        before, after = states.gpr[:, [column]], ends.gpr[:, [column]]
    else:
        row = int(name.removeprefix("xmm"))
        before = np.ascontiguousarray(states.vector[:, row, :16]).view(np.uint32).astype(np.uint64)
        after = np.ascontiguousarray(ends.vector[:, row, :16]).view(np.uint32).astype(np.uint64)
    moved = (after - before).astype(np.uint32).view(np.int32)
    total: NDArray[np.float64] = np.abs(moved.astype(np.float64)).sum(axis=1)
    return total


def _quiet(rng: np.random.Generator, recipe: Recipe, oracle: Oracle) -> DataPlan | None:
    """Find data that keeps the loop off its conditional blocks, which are not mapped here."""
    if not any(block.is_conditional for block in recipe.blocks):
        return None
    count = capped(recipe, _PROBE_STATES)
    draft = draw_draft(rng, recipe, Learnt(), count, kind=CONSTANT)
    nowhere = np.zeros_like(draft.trips)
    states = _place(rng, recipe, draft, draft.trips, mode=ROOMY, cut=nowhere)
    if states is None:
        return None
    ends = oracle(states)
    is_quiet = (ends.exit_id >= 0) & (passes(recipe, states, ends) >= np.minimum(draft.trips, 3))
    return rows_of(draft.plan, is_quiet) if is_quiet.any() else None


def _delta(
    rng: np.random.Generator,
    recipe: Recipe,
    draft: Draft,
    oracle: Oracle,
    *,
    rows: NDArray[np.bool_],
    done: Ints,
) -> int | None:
    """Find how many iterations' bytes, counted from the passes, the loop can do with."""
    if not recipe.blocks:
        return 0
    rows = rows & (done <= draft.trips)
    preferred = rows & (done >= 3)
    chosen = np.flatnonzero(preferred if preferred.any() else rows)[:32]
    part = rows_of_draft(draft, chosen)
    for delta in _DELTAS:
        reach = np.clip(done[chosen] + delta, 1, None)
        states = _place(rng, recipe, part, reach, mode=TIGHT)
        if states is not None and bool((oracle(states).exit_id >= 0).all()):
            return delta
    return None


def make_states(
    recipe: Recipe,
    learnt: Learnt,
    oracle: Oracle,
    *,
    seed: int,
    chunk: int,
    count: int,
    length: Length = Length.SMALL,
    constants: Sequence[int] = (),
) -> States | None:
    """Make chunk number `chunk`: `count` states, fewer when they need much memory.

    constants: of a rewrite, which may be trip counts that it does something special at. None when
    no such states exist.
    """
    rng = np.random.default_rng([seed, chunk, length.window_bytes])
    count = min(count, _STATES_MOST.get(length, capped(recipe, count)))
    trips = _suggested_trips(recipe, constants)
    if trips:
        count = min(count, max(16, _BATCH_BYTES // _CHOSEN_BYTES))
    draft = draw_draft(
        rng,
        recipe,
        learnt,
        count,
        length=length,
        suggested=trips,
        has_own_constants=bool(constants),
    )
    reach = _reach(rng, recipe, learnt, oracle, draft)
    if reach is None:
        return None
    is_storing = any(s.is_store for b in recipe.blocks for g in b.groups for s in g.streams)
    share = (0.35 if is_storing else 0.08) if len(recipe.blocks) > 1 else 0.0
    is_together = rng.random(count) < share
    if recipe.is_early_exit:
        # Where blocks overlap the data changes under way: leave room for any number of passes.
        # And the data may stop the loop well in front of the bound, with both near a page's end.
        reach = np.where(is_together | (rng.random(count) < 0.25), draft.trips, reach)
    cut = _cuts(rng, recipe, draft, reach)
    states = _place(rng, recipe, draft, reach, mode=MIXED, is_together=is_together, cut=cut)
    return states and without_endless(recipe, states, learnt.endless)


def make_roomy_states(recipe: Recipe, learnt: Learnt, *, seed: int, trips: Ints) -> States | None:
    """Make one state of each trip count, with room around its memory; None when there are none."""
    rng = np.random.default_rng([seed, 0x57E9])
    draft = draw_draft(rng, recipe, learnt, len(trips), trips=trips)
    states = _place(rng, recipe, draft, draft.trips, mode=ROOMY)
    return states and without_endless(recipe, states, learnt.endless)


def _suggested_trips(recipe: Recipe, constants: Sequence[int]) -> tuple[int, ...]:
    """Trip counts that constants may stand for: iterations, bytes, units of an induction."""
    steps = {1, *_strides(recipe), *(abs(i.step) for i in recipe.inductions)} - {0}
    limit = _CHOSEN_BYTES // max(*_strides(recipe), 1, 1)
    near = {
        abs(constant) // step + more for constant in constants for step in steps for more in _DELTAS
    }
    most = min(limit, largest_trip(recipe.latches, recipe))
    return tuple(sorted(trip for trip in near if recipe.small_trip < trip <= most))


def _cuts(rng: np.random.Generator, recipe: Recipe, draft: Draft, reach: Ints) -> Ints | None:
    """Where conditional blocks end: behind the planted element, or anywhere."""
    if not any(block.is_conditional for block in recipe.blocks):
        return None
    planted = (draft.plan.position * draft.trips).astype(np.int64) + 1
    draw = rng.random(len(reach))
    cut = np.where(draft.plan.kind == ONE_HOT, planted, reach)
    cut = np.where(draft.plan.kind == CONSTANT, 0, cut)
    return np.where(draw < 0.6, np.minimum(cut, reach), reach)


def _reach(
    rng: np.random.Generator, recipe: Recipe, learnt: Learnt, oracle: Oracle, draft: Draft
) -> Ints | None:
    """How many iterations' bytes gcc's loop touches in each state."""
    if not recipe.is_early_exit:
        return np.clip(draft.trips + min(0, *learnt.deltas.values(), 0), 1, None)
    states = _place(rng, recipe, draft, draft.trips, mode=ROOMY)
    if states is None:
        return None
    ends = oracle(states)
    done = passes(recipe, states, ends)
    table = np.zeros(len(ends.exit_id), np.int64) + 1
    for exit_id, delta in learnt.deltas.items():
        table[ends.exit_id == exit_id] = delta
    most = np.maximum(draft.trips, 1)
    return np.where(ends.exit_id >= 0, np.clip(done + table, 1, most + 1), most)


def draw_draft(
    rng: np.random.Generator,
    recipe: Recipe,
    learnt: Learnt,
    count: int,
    *,
    length: Length = Length.SMALL,
    suggested: Sequence[int] = (),
    has_own_constants: bool = False,
    kind: int | None = None,
    background: Ints | None = None,
    trips: Ints | None = None,
) -> Draft:
    """Draw trip counts, half of them `suggested` ones, and data.

    kind: of all data, when given. background, trips: (count,), when they are given.
    """
    limit = largest_trip(recipe.latches, recipe)
    if length.window_bytes:
        limit = min(limit, length.window_bytes // (max(_strides(recipe), default=1) or 1))
    if trips is None:
        trips = draw_trips(rng, recipe, count, length=length, limit=limit)
    trips = np.minimum(trips, limit)
    if suggested:
        trips = np.where(rng.random(count) < 0.5, rng.choice(np.array(suggested), count), trips)
    plan = draw_plan(
        rng,
        count,
        widths=len(recipe.facts.element_bytes),
        symbols=_symbol_count(recipe),
        good=learnt.good,
    )
    if kind is not None:
        plan = replace(plan, kind=np.full(count, kind))
        plan = plan if background is None else replace(plan, background=background)
    elif length in (Length.LONG, Length.HUGE) and not recipe.is_early_exit:
        # Counters overflow where nearly all elements count.
        plan = _mostly_constant(rng, plan, share=0.8, background=learnt.heavy)
    elif has_own_constants:
        plan = _mostly_constant(rng, plan, share=0.4)
    if learnt.quiet is not None:
        plan = with_quiet(rng, plan, learnt.quiet)
    return make_draft(rng, recipe, plan, trips)


def _mostly_constant(
    rng: np.random.Generator, plan: DataPlan, *, share: float, background: Ints | None = None
) -> DataPlan:
    """Give a share of the states data of one symbol, out of `background` if given."""
    is_constant = rng.random(len(plan)) < share
    plan = replace(plan, kind=np.where(is_constant, CONSTANT, plan.kind))
    if background is None:
        return plan
    return replace(plan, background=rng.choice(background, len(plan)))


def _symbol_count(recipe: Recipe) -> int:
    """How many symbols every state has, whatever the width of its elements."""
    widths = recipe.facts.element_bytes
    static = min(len(static_symbols(recipe.facts, width)) for width in widths)
    return static + 3 * (len(recipe.free) + len(recipe.vectors))


def rows_of_draft(draft: Draft, rows: NDArray[np.intp]) -> Draft:
    """Keep some states of a draft."""
    is_kept = np.zeros(len(draft.trips), np.bool_)
    is_kept[rows] = True
    windows = tuple(
        replace(w, low=w.low[is_kept], high=w.high[is_kept], first=w.first[is_kept])
        for w in draft.windows
    )
    return Draft(
        trips=draft.trips[is_kept],
        values={name: value[is_kept] for name, value in draft.values.items()},
        distance={name: value[is_kept] for name, value in draft.distance.items()},
        vectors=draft.vectors[is_kept],
        plan=rows_of(draft.plan, is_kept),
        windows=windows,
        data=tuple(data[is_kept] for data in draft.data),
        bounds=draft.bounds.rows(is_kept),
    )


def passes(recipe: Recipe, states: States, ends: Ends) -> Ints:
    """Count how often the first induction was advanced in each run."""
    induction = recipe.inductions[0]
    column = GPR.index(induction.register)
    moved = ends.gpr[:, column] - states.gpr[:, column]
    signed = moved.astype(np.int64)
    if induction.bits == 32:
        signed = moved.astype(np.uint32).view(np.int32).astype(np.int64)
    return signed // induction.step


def capped(recipe: Recipe, count: int) -> int:
    """Cut a number of states so that their memory stays within bounds."""
    span = max(_strides(recipe), default=0) * recipe.small_trip + SLACK_BYTES
    disps = [s.disp for b in recipe.blocks for g in b.groups for s in g.streams]
    span += max(disps, default=0) - min(disps, default=0)
    arena = -(-span // 4096) * 4096
    return max(16, min(count, _BATCH_BYTES // (arena * max(1, len(recipe.blocks)))))


def _strides(recipe: Recipe) -> list[int]:
    return [abs(s.stride_bytes) for b in recipe.blocks for g in b.groups for s in g.streams]


def _place(
    rng: np.random.Generator,
    recipe: Recipe,
    draft: Draft,
    reach: Ints,
    *,
    mode: str,
    is_together: NDArray[np.bool_] | None = None,
    cut: Ints | None = None,
) -> States | None:
    if is_together is None:
        is_together = np.zeros(len(reach), np.bool_)
    return place_draft(rng, recipe, draft, reach=reach, mode=mode, is_together=is_together, cut=cut)
