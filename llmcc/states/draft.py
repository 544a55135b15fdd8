"""Batches of states before they are placed: trip counts, register values, data of each block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmcc.states.carried import carried_value, draw_carried
from llmcc.states.data import (
    EQUAL,
    EQUAL_BUT_ONE,
    INDEPENDENT,
    ONE_HOT,
    PLANTED,
    Bytes,
    DataPlan,
    fill,
    rows_of,
)
from llmcc.states.layout import Window, window_of
from llmcc.states.loose_bounds import BoundDraw, draw_bounds
from llmcc.states.model import Carried, Recipe
from llmcc.states.symbols import state_symbols, static_symbols
from llmcc.states.trips import meeting_distance, starts

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Draft:
    """N states, made but not placed; `data[b]` covers block b's window of all trips."""

    trips: Ints  # (N,)
    values: dict[str, Ints]  # (N,) of inductions that are no pointers, indexes and free registers
    distance: dict[str, Ints]  # (N,) of tied pointers from their anchors
    vectors: Bytes  # (N, V, 16): the recipe's vector registers
    plan: DataPlan
    windows: tuple[Window, ...]
    data: tuple[Bytes, ...]  # per block (N, longest window)
    bounds: BoundDraw


def make_draft(
    rng: np.random.Generator,
    recipe: Recipe,
    plan: DataPlan,
    trips: Ints,
    *,
    is_shared: bool = False,
) -> Draft:
    """Draw everything but the places; `is_shared`: the same register values in all states."""
    count = len(trips)
    pointers = {group.register for block in recipe.blocks for group in block.groups}
    values = starts(rng, recipe, trips, pointers=pointers)
    for name in recipe.indexes:
        if name not in values:
            values[name] = np.where(rng.random(count) < 0.5, 0, rng.integers(0, 64, count))
    values |= _free_values(rng, recipe, count)
    distance = _distances(rng, recipe, trips, pointers)
    vectors = _vector_values(rng, recipe, count)
    if is_shared:
        values = {name: np.repeat(value[:1], count) for name, value in values.items()}
        distance = {name: np.repeat(value[:1], count) for name, value in distance.items()}
        vectors = np.repeat(vectors[:1], count, axis=0)
    windows = draft_windows(recipe, values, distance, trips)
    is_carried = draw_carried(rng, recipe, count, is_always=is_shared)
    data = _data(
        rng,
        recipe,
        plan,
        values=values,
        vectors=vectors,
        windows=windows,
        trips=trips,
        is_carried=is_carried,
    )
    for carried in recipe.carried:
        window = windows[carried.block]
        first = _element(recipe, data[carried.block], window, carried)
        kept = values[carried.register]
        values[carried.register] = np.where(is_carried, carried_value(carried, first), kept)
    bounds = draw_bounds(rng, recipe, trips, is_shared=is_shared)
    return Draft(trips, values, distance, vectors, plan, windows, data, bounds)


def _element(recipe: Recipe, data: Bytes, window: Window, carried: Carried) -> Bytes:
    """Look up the first element that a stream loads: (N, size)."""
    lead = recipe.blocks[carried.block].groups[0].streams[0].disp
    at = window.first - window.low + carried.stream.disp - lead
    at = np.clip(at, 0, data.shape[1] - carried.stream.size_bytes)
    return np.take_along_axis(data, at[:, None] + np.arange(carried.stream.size_bytes), axis=1)


def draft_windows(
    recipe: Recipe, values: dict[str, Ints], distance: dict[str, Ints], reach: Ints
) -> tuple[Window, ...]:
    """Windows of all blocks; the pointer a difference is added to counts as 0 here.

    Only the length and the alignment of such a window mean anything until the pointer is known.
    """
    pointers = {group.register: np.zeros_like(reach) for b in recipe.blocks for group in b.groups}
    return tuple(
        window_of(block, {**pointers, **values}, distance=distance, reach=reach)
        for block in recipe.blocks
    )


def _distances(
    rng: np.random.Generator, recipe: Recipe, trips: Ints, pointers: set[str]
) -> dict[str, Ints]:
    steps = {induction.register: induction.step for induction in recipe.inductions}
    found: dict[str, Ints] = {}
    for latch in recipe.latches:
        if latch.bound in pointers and latch.bound is not None:
            passes = trips if latch.is_advanced else trips - 1
            found[latch.bound] = passes * steps[latch.induction]
    if recipe.crossing and set(recipe.crossing) <= pointers:
        found[recipe.crossing[1]] = meeting_distance(rng, recipe, trips)
    return found


def _free_values(rng: np.random.Generator, recipe: Recipe, count: int) -> dict[str, Ints]:
    symbols = static_symbols(recipe.facts, recipe.facts.element_bytes[0])
    found: dict[str, Ints] = {}
    for name in recipe.free:
        draw = rng.random(count)
        anything = rng.integers(-(1 << 63), (1 << 63) - 1, count)
        value = np.where(draw < 0.45, rng.choice(symbols, count), rng.integers(-100, 100, count))
        value = np.where(draw > 0.7, anything, value)
        if name not in recipe.facts.wide_families:
            # Only the low half is read: whatever a caller left above it must not matter.
            value = (value & 0xFFFFFFFF) | (rng.integers(0, 1 << 31, count) << 32)
        found[name] = value & 0xFFFFFFFF if name in recipe.zero_extended else value
    return found


def _vector_values(rng: np.random.Generator, recipe: Recipe, count: int) -> Bytes:
    if not recipe.vectors:
        return np.empty((count, 0, 16), np.uint8)
    lanes = np.frombuffer(rng.bytes(count * len(recipe.vectors) * 16), np.uint8)
    out = lanes.reshape(count, len(recipe.vectors), 16).copy()
    for number, width in enumerate(recipe.facts.element_bytes):
        symbols = static_symbols(recipe.facts, width).astype(f"<i{width}")
        rows = np.arange(count) % (3 * len(recipe.facts.element_bytes)) // 3 == number
        chosen = rng.choice(symbols, (count, len(recipe.vectors), 16 // width))
        if recipe.facts.is_float and width in (4, 8):
            ordinary = rng.standard_normal(chosen.shape).astype(f"<f{width}").view(symbols.dtype)
            chosen = np.where(rng.random(chosen.shape) < 0.6, ordinary, chosen)
        is_same = rng.random(count) < 0.4
        chosen[is_same] = chosen[is_same, :, :1]
        keeps_random = rng.random(count) < 0.15
        rows &= ~keeps_random
        out[rows] = (
            np.ascontiguousarray(chosen[rows]).view(np.uint8).reshape(-1, len(recipe.vectors), 16)
        )
    return out


def _data(
    rng: np.random.Generator,
    recipe: Recipe,
    plan: DataPlan,
    *,
    values: dict[str, Ints],
    vectors: Bytes,
    windows: tuple[Window, ...],
    trips: Ints,
    is_carried: NDArray[np.bool_],
) -> tuple[Bytes, ...]:
    lengths = [int((window.high - window.low).max()) for window in windows]
    blocks = [np.empty((len(trips), -(-length // 8) * 8), np.uint8) for length in lengths]
    for number, width in enumerate(recipe.facts.element_bytes):
        rows = np.flatnonzero(plan.width == number)
        if not len(rows):
            continue
        part = _rows(plan, rows)
        registers = [values[name][rows] for name in recipe.free]
        registers += [_lane(vectors[rows, v], width) for v in range(len(recipe.vectors))]
        table = state_symbols(recipe.facts, width, registers, count=len(rows))
        for block, out in enumerate(blocks):
            own = fill(
                rng,
                part,
                table,
                width_bytes=width,
                window_bytes=out.shape[1],
                is_float=recipe.facts.is_float,
            )
            if block:
                shared = min(out.shape[1], blocks[0].shape[1])
                equal = np.flatnonzero(part.relation != INDEPENDENT)
                own = own.copy()
                own[equal, :shared] = blocks[0][rows[equal], :shared]
                late = equal[is_carried[rows[equal]]]
                source = _shifted(np.arange(shared), _lag_bytes(recipe, block))
                own[late, :shared] = blocks[0][rows[late][:, None], source]
            else:
                own = (
                    _mirrored(own, part, windows[0], rows) if recipe.blocks[0].is_mirrored else own
                )
            out[rows] = own
            _plant(rng, recipe, part, table, out=out, rows=rows, block=block, window=windows[block],
                   trips=trips, width=width)  # fmt: skip
    return tuple(blocks)


def _lag_bytes(recipe: Recipe, block: int) -> int:
    """How far in front of what a block holds its equal in the first block lies.

    What is carried over an iteration is compared with what is loaded in the next one.
    """
    ahead = [any(carried.block == number for carried in recipe.carried) for number in (0, block)]
    return (ahead[1] - ahead[0]) * recipe.blocks[0].groups[0].streams[0].stride_bytes


def _shifted(places: Ints, lag_bytes: int) -> Ints:
    """Move places by the lag; elements that would lie outside stay where they are."""
    moved = places + lag_bytes
    return np.where((moved < 0) | (moved >= len(places)), places, moved)


def _plant(
    rng: np.random.Generator,
    recipe: Recipe,
    part: DataPlan,
    table: Ints,
    *,
    out: Bytes,
    rows: NDArray[np.intp],
    block: int,
    window: Window,
    trips: Ints,
    width: int,
) -> None:
    """Write one symbol into the element that iteration `position * trips` works on."""
    is_wanted = (
        (part.kind == ONE_HOT) | (part.kind == PLANTED)
        if not block
        else part.relation == EQUAL_BUT_ONE
    )
    if block:
        is_wanted |= (part.relation == INDEPENDENT) & (part.kind == ONE_HOT)
    else:
        is_wanted |= (part.relation == EQUAL) & (part.kind == ONE_HOT) & part.is_mirrored
    chosen = np.flatnonzero(is_wanted)
    if not len(chosen):
        return
    where = rows[chosen]
    stream = recipe.blocks[block].groups[0].streams[0]
    passes = (part.position[chosen] * trips[where]).astype(np.int64)
    offset = window.first[where] - window.low[where] + passes * stream.stride_bytes
    lanes = max(1, stream.size_bytes // width)
    offset = offset + rng.integers(0, lanes, len(chosen)) * width
    offset = np.clip(offset, 0, out.shape[1] - width)
    symbol = table[chosen, part.planted[chosen]].astype(f"<i{width}")
    raw = np.ascontiguousarray(symbol).view(np.uint8).reshape(-1, width)
    out[where[:, None], offset[:, None] + np.arange(width)] = raw


def _mirrored(own: Bytes, part: DataPlan, window: Window, rows: NDArray[np.intp]) -> Bytes:
    """Make the data of some states read the same from both ends of the window."""
    own = own.copy()
    length = (window.high - window.low)[rows]
    size = window.element_bytes
    for row in np.flatnonzero(part.is_mirrored):
        elements = int(length[row]) // size
        view = own[row, : elements * size].reshape(elements, size)
        half = elements // 2
        view[elements - half :] = view[:half][::-1]
    return own


def _lane(vector: Bytes, width: int) -> Ints:
    return np.ascontiguousarray(vector[:, :width]).view(f"<i{width}").reshape(-1).astype(np.int64)


def _rows(plan: DataPlan, rows: NDArray[np.intp]) -> DataPlan:
    is_kept = np.zeros(len(plan), np.bool_)
    is_kept[rows] = True
    return rows_of(plan, is_kept)
