"""Inputs to time a loop with: four ranges of trip counts over one shared memory content.

One long run of the loop is laid out; each input is a state somewhere along it, with a bound that
leaves it the trip count wanted. Where the data ends the loop, it is made to do so near the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from llmcc.outcome import Outcome, Refusal
from llmcc.regions.model import Region
from llmcc.sandbox.model import Blob, Ends, States
from llmcc.states.blob import baseline_blob
from llmcc.states.carried import carried_value
from llmcc.states.data import ORDINARY, PAIR, PLANTED, SEVERAL, UNIFORM, DataPlan
from llmcc.states.draft import Draft, draft_windows, make_draft
from llmcc.states.generate import Learnt, Oracle, learn, make_states, passes, rows_of_draft
from llmcc.states.layout import ROOMY
from llmcc.states.model import Bucket, Recipe
from llmcc.states.place import place_draft
from llmcc.states.recipe import make_recipe
from llmcc.states.symbols import static_symbols
from llmcc.states.trips import Length, bound_of, largest_trip
from llmcc.x86.registers import GPR

Ints = NDArray[np.int64]

INPUTS = 256
# name -> least and greatest number of head executions
RANGES = {"tiny": (1, 3), "small": (8, 24), "medium": (64, 256), "large": (1000, 4096)}
# What ends such a loop is its registers, so the ranges have to take what comes.
_RANGES_WITHOUT_MEMORY = {
    "tiny": (1, 5),
    "small": (6, 40),
    "medium": (41, 500),
    "large": (501, 5000),
}
_CONTENT_BYTES = 32 << 10
_DRAWN = 320
_LEAST_VALID = 64
_TRIES = 8
_TIMEOUT_S = 1.0


class Runner(Protocol):
    """The sandbox, as far as it is needed here."""

    def run(self, blob: Blob, states: States, *, timeout_s: float) -> Ends:
        """Run `blob` from each state."""
        ...


def timing_buckets(region: Region, *, seed: int, sandbox: Runner) -> tuple[Bucket, ...] | Refusal:
    """Make the buckets that the loop can have at all, tiny first.

    Each holds 256 states from which gcc's loop reaches an exit; where only 64 or more could be
    found, some are repeated.
    """
    recipe = make_recipe(region)
    if isinstance(recipe, Refusal):
        return recipe
    baseline = baseline_blob(region)

    def oracle(states: States) -> Ends:
        return sandbox.run(baseline, states, timeout_s=_TIMEOUT_S)

    learnt = learn(recipe, oracle, seed=seed)
    if not recipe.blocks:
        return _without_memory(recipe, learnt, oracle, seed)
    rng = np.random.default_rng([seed, 0xB0C])
    has_stop = learnt.good is not None
    best: list[Bucket] = []
    for draft in _contents(rng, recipe, learnt):
        buckets = [
            bucket
            for name in RANGES
            if (bucket := _bucket(rng, recipe, oracle, draft, name, has_stop=has_stop)) is not None
        ]
        if len(buckets) > len(best):
            best = buckets
        if len(best) == len(RANGES) or (best and not recipe.is_early_exit):
            break
    return tuple(best) or Refusal(Outcome.NOT_A_COUNTED_STATE, "no inputs to time the loop with")


def _contents(rng: np.random.Generator, recipe: Recipe, learnt: Learnt) -> Iterator[Draft]:
    """Yield drafts of one state that runs through all of the content."""
    longest = _longest(recipe)
    for number in range(_TRIES):
        plan = _plan(rng, recipe, learnt, number)
        trips = np.full(len(plan), longest)
        draft = make_draft(rng, recipe, plan, trips, is_shared=True)
        if recipe.facts.is_float:
            draft = _with_ordinary_vectors(rng, recipe, draft)
        yield _joined(draft)


def _longest(recipe: Recipe) -> int:
    strides = [abs(s.stride_bytes) for b in recipe.blocks for g in b.groups for s in g.streams]
    most = RANGES["large"][1]
    limit = min(most, _CONTENT_BYTES // max(*strides, 1, 1))
    return max(1, min(limit, largest_trip(recipe.latches, recipe)))


def _plan(rng: np.random.Generator, recipe: Recipe, learnt: Learnt, number: int) -> DataPlan:
    if recipe.is_early_exit and learnt.good is not None:
        good = learnt.good
        row = _row(good, number)
        one = slice(row, row + 1)
        return DataPlan(
            kind=good.kind[one],
            width=good.width[one],
            background=good.background[one],
            planted=good.planted[one],
            relation=good.relation[one],
            is_mirrored=good.is_mirrored[one],
            position=np.array([0.99999]),
        )
    kinds = [ORDINARY] if recipe.facts.is_float else [UNIFORM, ORDINARY, SEVERAL, PAIR]
    count = len(kinds)
    symbols = min(len(static_symbols(recipe.facts, width)) for width in recipe.facts.element_bytes)
    own = 3 * (len(recipe.free) + len(recipe.vectors))
    # What the invariants hold is compared with, so that is what the data has to hold too.
    background = symbols + rng.integers(0, own, count) if own else rng.integers(0, symbols, count)
    return DataPlan(
        kind=np.array(kinds),
        width=np.zeros(count, np.int64),
        background=background,
        planted=np.zeros(count, np.int64),
        relation=np.full(count, number % 3),
        is_mirrored=np.ones(count, np.bool_),
        position=np.zeros(count),
    )


def _row(good: DataPlan, number: int) -> int:
    """Choose by turns a plan with random data, which may stop the loop early, or constant."""
    is_random = good.kind == PLANTED
    kinds = [np.flatnonzero(is_random), np.flatnonzero(~is_random)]
    rows = kinds[number % 2] if len(kinds[number % 2]) else kinds[1 - number % 2]
    return int(rows[number // 2 % len(rows)])


def _with_ordinary_vectors(rng: np.random.Generator, recipe: Recipe, draft: Draft) -> Draft:
    width = max(w for w in recipe.facts.element_bytes if w in (4, 8))
    lanes = rng.standard_normal((1, len(recipe.vectors), 16 // width)).astype(f"<f{width}")
    vectors = np.ascontiguousarray(lanes).view(np.uint8).reshape(1, len(recipe.vectors), 16)
    return replace(draft, vectors=np.repeat(vectors, len(draft.trips), axis=0))


def _joined(draft: Draft) -> Draft:
    """Make one state of several: each gives a share of the content."""
    count = len(draft.trips)
    one = rows_of_draft(draft, np.array([0]))
    data = []
    for block in draft.data:
        cuts = np.linspace(0, block.shape[1] // 64, count + 1).astype(int) * 64
        cuts[-1] = block.shape[1]
        pieces = [block[n, cuts[n] : cuts[n + 1]] for n in range(count)]
        data.append(np.concatenate(pieces)[None, :])
    return replace(one, data=tuple(data))


def _bucket(
    rng: np.random.Generator,
    recipe: Recipe,
    oracle: Oracle,
    draft: Draft,
    name: str,
    *,
    has_stop: bool,
) -> Bucket | None:
    """Make one bucket from a content; None when its trip counts cannot be reached.

    has_stop: an element near the content's end is known to stop the loop.
    """
    total = int(draft.trips[0])
    least, most = RANGES[name]
    most = min(most, total)
    if least > most:
        return None
    trips = rng.integers(least, most + 1, _DRAWN)
    is_bounded = bool((draft.bounds.passes > 0).any())
    has_bounds = bool(recipe.latches) and all(latch.bound for latch in recipe.latches)
    stops = has_stop and not (recipe.latches or recipe.crossing or is_bounded)
    if stops:
        draft, begins = _with_stops(rng, recipe, draft, trips, period=most + 1)
    elif has_bounds:
        begins = rng.integers(0, total - trips + 1)
    whole = place_draft(
        rng, recipe, draft, reach=draft.trips, mode=ROOMY, is_together=np.zeros(1, np.bool_)
    )
    if whole is None:
        return None
    if not (stops or has_bounds):
        begins = np.maximum(_run_length(recipe, oracle, whole, total) - trips, 0)
    states = _along(rng, recipe, whole, begins, trips)
    ends = oracle(_with_own_memory(states))
    done = passes(recipe, states, ends)
    is_fit = (ends.exit_id >= 0) & (done >= least - 1) & (done >= 0.6 * trips - 1) & (done <= most)
    fit = np.flatnonzero(is_fit)
    return Bucket(name, _rows(states, np.resize(fit, INPUTS))) if len(fit) >= _LEAST_VALID else None


def _run_length(recipe: Recipe, oracle: Oracle, whole: States, total: int) -> int:
    """Count the passes of the whole run: what ends it stays where it is."""
    ends = oracle(whole)
    if ends.exit_id[0] < 0:
        return total
    return int(np.clip(passes(recipe, whole, ends)[0], 1, total))


def _with_stops(
    rng: np.random.Generator, recipe: Recipe, draft: Draft, trips: Ints, *, period: int
) -> tuple[Draft, Ints]:
    """Repeat what stops the loop every `period` iterations; start the right distance before one."""
    total = int(draft.trips[0])
    last = int(draft.plan.position[0] * total)
    stops = np.arange(last, -1, -period)
    windows = draft_windows(recipe, draft.values, draft.distance, draft.trips)
    data = []
    for block, window, bytes_ in zip(recipe.blocks, windows, draft.data, strict=True):
        stream = block.groups[0].streams[0]
        copied = bytes_.copy()
        first = int(window.first[0] - window.low[0])
        source = first + last * stream.stride_bytes
        for stop in stops.tolist():
            target = first + stop * stream.stride_bytes
            copied[0, target : target + stream.size_bytes] = bytes_[
                0, source : source + stream.size_bytes
            ]
        data.append(copied)
    possible = stops[stops >= period] if (stops >= period).any() else stops[:1]
    begins = np.maximum(rng.choice(possible, len(trips)) - trips + 1, 0)
    return replace(draft, data=tuple(data)), begins


def _along(
    rng: np.random.Generator, recipe: Recipe, whole: States, begins: Ints, trips: Ints
) -> States:
    """Make the states that the one long run passes through after `begins` iterations."""
    count = len(begins)
    gpr = np.repeat(whole.gpr, count, axis=0)
    steps = {induction.register: induction.step for induction in recipe.inductions}
    for induction in recipe.inductions:
        moved = gpr[:, GPR.index(induction.register)].astype(np.int64) + begins * induction.step
        if induction.bits == 32:
            moved &= 0xFFFFFFFF
        gpr[:, GPR.index(induction.register)] = moved.astype(np.uint64)
    for latch in recipe.latches:
        if latch.bound is not None:
            start = gpr[:, GPR.index(latch.induction)].astype(np.int64)
            bound = bound_of(rng, latch, start=start, step=steps[latch.induction], trips=trips)
            if latch.bits == 32:
                bound &= 0xFFFFFFFF
            gpr[:, GPR.index(latch.bound)] = bound.astype(np.uint64)
    _set_carried(recipe, whole, gpr, rows=np.flatnonzero(begins > 0))
    return replace(
        whole,
        gpr=gpr,
        vector=np.repeat(whole.vector, count, axis=0),
        mask=np.repeat(whole.mask, count, axis=0),
        rflags=np.repeat(whole.rflags, count),
        mxcsr=np.repeat(whole.mxcsr, count),
    )


def _set_carried(
    recipe: Recipe, whole: States, gpr: NDArray[np.uint64], *, rows: NDArray[np.intp]
) -> None:
    """Put into registers what the iteration before a state's first one loaded.

    rows: the states that have one; the others keep what the draft has.
    """
    arenas = np.array(whole.arenas, np.int64)
    for carried in recipe.carried:
        stream = carried.stream
        address = gpr[rows, GPR.index(carried.pointer)].astype(np.int64)
        address += stream.disp - stream.stride_bytes
        if stream.other is not None:
            address += gpr[rows, GPR.index(stream.other)].astype(np.int64) * stream.scale
        places = (address - arenas[carried.block])[:, None] + np.arange(stream.size_bytes)
        value = carried_value(carried, whole.memory[0, carried.block][places])
        gpr[rows, GPR.index(carried.register)] = value.astype(np.uint64)


def _without_memory(
    recipe: Recipe, learnt: Learnt, oracle: Oracle, seed: int
) -> tuple[Bucket, ...] | Refusal:
    """Sort states by how many passes gcc's loop makes of them."""
    found: list[Bucket] = []
    parts = [
        make_states(recipe, learnt, oracle, seed=seed, chunk=n, count=1000, length=length)
        for n, length in enumerate([Length.SMALL] * 2 + [Length.LARGE] * 2)
    ]
    for name, (least, most) in _RANGES_WITHOUT_MEMORY.items():
        for states in parts:
            if states is None:
                continue
            ends = oracle(states)
            done = passes(recipe, states, ends)
            fit = np.flatnonzero((ends.exit_id >= 0) & (done >= least) & (done <= most))
            if len(fit) >= _LEAST_VALID:
                kept = _rows(states, np.resize(fit, INPUTS))
                found.append(Bucket(name, replace(kept, memory=states.memory[:1])))
                break
    return tuple(found) or Refusal(Outcome.NOT_A_COUNTED_STATE, "no inputs to time the loop with")


def _with_own_memory(states: States) -> States:
    shape = (len(states), *states.memory.shape[1:])
    return replace(states, memory=np.broadcast_to(states.memory, shape))


def _rows(states: States, rows: NDArray[np.intp]) -> States:
    return replace(
        states,
        gpr=states.gpr[rows],
        vector=states.vector[rows],
        mask=states.mask[rows],
        rflags=states.rflags[rows],
        mxcsr=states.mxcsr[rows],
    )
