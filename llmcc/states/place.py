"""Turn a draft into machine states: solve pointers, write data, fill every other register."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from llmcc.sandbox.model import States
from llmcc.states.draft import Draft, draft_windows
from llmcc.states.layout import (
    PAGE_BYTES,
    Placing,
    Window,
    arena_bytes_for,
    draw_arenas,
    place,
    window_of,
)
from llmcc.states.loose_bounds import bound_value
from llmcc.states.model import Block, Recipe
from llmcc.states.trips import bound_of
from llmcc.x86.registers import GPR

Ints = NDArray[np.int64]

DEFAULT_MXCSR = 0x1F80
# What an arena holds around its window.
_RANDOM, _SAME, _LAST = "random", "same", "last"
_SURROUNDINGS = (_RANDOM, _SAME, _LAST)
_LONGEST_ELEMENT = 8
_SEAM_SHARE = 0.3  # of batches with overlapping blocks
_POOL_BYTES = 1 << 16
_MARGIN_BYTES = 160  # two of the widest vectors and more
# What registers that hold nothing may well hold, besides anything.
_COMMON = np.array([0, 1, 2, 8, 64, 0x7FFFFFFF, 1 << 63, (1 << 64) - 1], np.uint64)
_STACK = 0x7FFD_0000_0000
# Round down, up and to zero; FTZ and DAZ, as -ffast-math programs start; all flags raised.
_OTHER_MXCSR = np.array([0x3F80, 0x5F80, 0x7F80, 0x9FC0, 0x1FBF], np.uint32)
# CF PF AF ZF SF OF
_STATUS_FLAGS = 0x8D5


def place_draft(
    rng: np.random.Generator,
    recipe: Recipe,
    draft: Draft,
    *,
    reach: Ints,
    mode: str,
    is_together: NDArray[np.bool_],
    cut: Ints | None = None,
) -> States | None:
    """Place each block so that `reach` iterations fit; None when no arena is large enough.

    cut: (N,) iterations that blocks fit which are not touched in every iteration; where it is less
    than `reach` they lie flush against unreadable memory.
    """
    windows = draft_windows(recipe, draft.values, draft.distance, reach)
    is_flush: list[NDArray[np.bool_] | None] = [None] * len(windows)
    if cut is not None:
        windows = _cut(recipe, draft, windows, cut)
        is_flush = [cut < reach if block.is_conditional else None for block in recipe.blocks]
    arena_bytes = arena_bytes_for((*windows, *draft.windows))
    if arena_bytes is None:
        return None
    count, arenas = len(reach), max(1, len(recipe.blocks))
    wants_seam = bool(is_together.any() and rng.random() < _SEAM_SHARE)
    if wants_seam:
        arena_bytes = max(arena_bytes, 2 * PAGE_BYTES)
    where = draw_arenas(rng, arenas, arena_bytes=arena_bytes, wants_seam=wants_seam)
    placing = place(
        rng,
        windows,
        arena_bytes=arena_bytes,
        mode=mode,
        is_together=is_together,
        is_flush=is_flush,
        natural_bytes=min(recipe.facts.element_bytes),
        seam=where.seam,
    )
    memory = _background(rng, count, arenas * arena_bytes).reshape(count, arenas, arena_bytes)
    surroundings = rng.choice(_SURROUNDINGS, count)
    values = dict(draft.values)
    for number, block in enumerate(recipe.blocks):
        address = placing.address(number, where.bases)
        _solve(
            block,
            values,
            distance=draft.distance,
            address=address,
            reach=reach,
            window=windows[number],
        )
        start = windows[number].low - draft.windows[number].low
        length = windows[number].high - windows[number].low
        data, offset = draft.data[number], placing.offset[number]
        _surround(memory[:, number], surroundings, data, offset, start, length)
        _write(memory, data, placing.arena[number], offset, start, length)
    _write_bounds(memory, recipe, draft, values, placing=placing, bases=where.bases)
    values |= _register_bounds(recipe, draft, values)
    return _states(rng, recipe, draft, values, memory, where.bases)


def _cut(
    recipe: Recipe, draft: Draft, windows: tuple[Window, ...], cut: Ints
) -> tuple[Window, ...]:
    """Give conditional blocks the windows of `cut` iterations: what is not touched need not be."""
    less = draft_windows(recipe, draft.values, draft.distance, cut)
    return tuple(
        short if block.is_conditional else full
        for block, short, full in zip(recipe.blocks, less, windows, strict=True)
    )


def _solve(
    block: Block,
    values: dict[str, Ints],
    *,
    distance: dict[str, Ints],
    address: Ints,
    reach: Ints,
    window: Window,
) -> None:
    """Set the block's registers so that its window starts at `address`."""
    now = window_of(block, values, distance=distance, reach=reach)
    # `window` may be of fewer iterations; streams start at the same place in both.
    low = now.first - (window.first - window.low)
    for group in block.groups:
        shift = distance.get(group.register, np.zeros_like(address))
        values[group.register] = address - low + shift


def _background(rng: np.random.Generator, count: int, size: int) -> NDArray[np.uint8]:
    """Random bytes: (count, size). Rows are cut out of one pool, which is ten times as fast."""
    pool = np.frombuffer(rng.bytes(size + _POOL_BYTES), np.uint8)
    memory = np.empty((count, size), np.uint8)
    for row, start in enumerate(rng.integers(0, _POOL_BYTES, count).tolist()):
        memory[row] = pool[start : start + size]
    return memory


def _surround(
    arena: NDArray[np.uint8],
    kinds: NDArray[np.str_],
    data: NDArray[np.uint8],
    offset: Ints,
    start: Ints,
    length: Ints,
) -> None:
    """Fill the bytes around some windows with what stands in them, before they are written.

    Elements in front of an array and behind it are like those in it, and may well be what a search
    looks for: random bytes never are.
    """
    rows = np.flatnonzero((kinds != _RANDOM) & (length > 0))
    if not len(rows):
        return
    own = (offset[rows, None], start[rows, None], length[rows, None])
    offset, start, length = own
    margin = np.arange(_MARGIN_BYTES)
    target = np.concatenate([offset - 1 - margin, offset + length + margin], axis=1)
    is_same = (kinds[rows] == _SAME)[:, None]
    # The window again and again, or the elements that end it.
    period = np.where(is_same, length, np.minimum(length, _LONGEST_ELEMENT))
    first = length - period
    source = start + first + (target - offset - first) % period
    is_inside = (target >= 0) & (target < arena.shape[1])
    is_inside &= (source >= 0) & (source < data.shape[1])
    row = np.broadcast_to(rows[:, None], target.shape)[is_inside]
    arena[row, target[is_inside]] = data[row, source[is_inside]]


def _write(
    memory: NDArray[np.uint8],
    data: NDArray[np.uint8],
    arena: Ints,
    offset: Ints,
    start: Ints,
    length: Ints,
) -> None:
    """Copy data[n, start:start+length] to memory[n, arena, offset:], as far as there is data."""
    lead = np.maximum(-start, 0)
    offset, start, length = offset + lead, start + lead, length - lead
    length = np.minimum(length, data.shape[1] - start)
    rows = zip(arena.tolist(), offset.tolist(), start.tolist(), length.tolist(), strict=True)
    for number, (a, o, s, size) in enumerate(rows):
        memory[number, a, o : o + size] = data[number, s : s + size]


def _write_bounds(
    memory: NDArray[np.uint8],
    recipe: Recipe,
    draft: Draft,
    values: dict[str, Ints],
    *,
    placing: Placing,
    bases: Sequence[int],
) -> None:
    """Write what bounds in memory hold, where they were drawn at all."""
    for number, bound in enumerate(recipe.loose_bounds.memory):
        size = bound.stream.size_bytes
        address = values[bound.pointer] + bound.stream.disp
        if bound.stream.other:
            address = address + values[bound.stream.other] * bound.stream.scale
        offset = placing.offset[bound.block] + address - placing.address(bound.block, bases)
        is_inside = (offset >= 0) & (offset + size <= memory.shape[2])
        rows = np.flatnonzero((draft.bounds.passes[:, number] > 0) & is_inside)
        held = bound_value(draft.bounds, number, values, recipe)[rows].astype(f"<i{size}")
        places = offset[rows, None] + np.arange(size)
        raw = np.ascontiguousarray(held).view(np.uint8).reshape(-1, size)
        memory[rows[:, None], placing.arena[bound.block][rows, None], places] = raw


def _register_bounds(recipe: Recipe, draft: Draft, values: dict[str, Ints]) -> dict[str, Ints]:
    first = len(recipe.loose_bounds.memory)
    found: dict[str, Ints] = {}
    for number, bound in enumerate(recipe.loose_bounds.registers, first):
        name = bound.register
        value = bound_value(draft.bounds, number, values, recipe) + bound.offset
        if name not in recipe.facts.wide_families:
            value = (values[name] & ~0xFFFFFFFF) | (value & 0xFFFFFFFF)
        found[name] = np.where(draft.bounds.passes[:, number] > 0, value, values[name])
    return found


def _states(
    rng: np.random.Generator,
    recipe: Recipe,
    draft: Draft,
    values: dict[str, Ints],
    memory: NDArray[np.uint8],
    arenas: tuple[int, ...],
) -> States:
    count = len(memory)
    gpr = _dead_registers(rng, count, arenas)
    gpr[:, GPR.index("rsp")] = _STACK + 8 * rng.integers(0, 1 << 20, count, dtype=np.uint64)
    steps = {induction.register: induction for induction in recipe.inductions}
    pointers = {group.register for block in recipe.blocks for group in block.groups}
    for latch in recipe.latches:
        if latch.bound is not None and latch.bound not in pointers:
            bound = bound_of(
                rng,
                latch,
                start=values[latch.induction],
                step=steps[latch.induction].step,
                trips=draft.trips,
            )
            values[latch.bound] = _narrow(rng, recipe, latch.bound, bound, latch.bits)
    for induction in recipe.inductions:
        name = induction.register
        if name not in pointers:
            values[name] = _narrow(rng, recipe, name, values[name], induction.bits)
    for name, value in values.items():
        gpr[:, GPR.index(name)] = value.astype(np.uint64)
    vector = np.frombuffer(bytearray(rng.bytes(count * 32 * 64)), np.uint8).reshape(count, 32, 64)
    # Registers that hold nothing hold nothing in particular: zeros and ones, too, which random
    # numbers never are.
    draw = rng.random(count)
    vector[draw < 0.2] = 0
    vector[draw > 0.9] = 0xFF
    for number, name in enumerate(recipe.vectors):
        vector[:, int(name[3:]), :16] = draft.vectors[:, number]
    return States(
        gpr=gpr,
        vector=vector,
        mask=rng.integers(0, 1 << 64, (count, 8), dtype=np.uint64),
        rflags=rng.integers(0, 1 << 12, count, dtype=np.uint64) & np.uint64(_STATUS_FLAGS)
        | np.uint64(2),
        mxcsr=_controls(rng, count)
        if recipe.facts.is_float
        else np.full(count, DEFAULT_MXCSR, "u4"),
        memory=memory,
        arenas=arenas,
    )


def _dead_registers(
    rng: np.random.Generator, count: int, arenas: tuple[int, ...]
) -> NDArray[np.uint64]:
    """General registers before those that mean something are set: (N, 16)."""
    shape = (count, len(GPR))
    anything = rng.integers(0, 1 << 64, shape, dtype=np.uint64)
    likely = rng.choice(np.append(_COMMON, np.array(arenas, np.uint64)), shape)
    return np.where(rng.random((count, 1)) < 0.35, likely, anything)


def _controls(rng: np.random.Generator, count: int) -> NDArray[np.uint32]:
    """MXCSR as programs have it: mostly the default, else rounding, flushing or flags raised."""
    other = rng.choice(_OTHER_MXCSR, count)
    return np.where(rng.random(count) < 0.85, np.uint32(DEFAULT_MXCSR), other)


def _narrow(rng: np.random.Generator, recipe: Recipe, name: str, value: Ints, bits: int) -> Ints:
    """Give a register used at 32 bits an upper half: anything if nobody reads it."""
    if bits == 64:
        return value
    low = value & 0xFFFFFFFF
    if name in recipe.zero_extended:
        return low
    if name not in recipe.facts.wide_families:
        return low | (rng.integers(0, 1 << 31, len(value)) << 32)
    signed = (low ^ 0x80000000) - 0x80000000
    return np.where(rng.random(len(value)) < 0.5, low, signed)
