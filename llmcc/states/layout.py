"""Where a state's blocks lie: arenas, flush against unreadable pages, alignments, overlaps.

All arrays are (N,) int64 over the states of a batch. A block's *window* is the span of bytes its
streams touch, relative to the block's anchor register.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmcc.sandbox.model import ARENA_GUARD_BYTES, ARENA_MAX_BYTES
from llmcc.states.model import Block, Stream

Ints = NDArray[np.int64]

SLACK_BYTES = 1280  # room for distances between overlapping blocks
PAGE_BYTES = 4096
_SEAM_BYTES = 1 << 31
_VECTOR_BYTES = (8, 16, 32, 64)
ROOMY, MIXED, TIGHT = "roomy", "mixed", "tight"


@dataclass(frozen=True, slots=True)
class Window:
    """Bytes [low, high) relative to the anchor, and what alignment the block wants."""

    low: Ints
    high: Ints
    first: Ints  # the first stream's address at iteration 0
    element_bytes: int
    required: int  # alignment that the loop's own instructions demand; 1 for none


@dataclass(frozen=True, slots=True)
class Placing:
    """Where each window starts: arena number and offset in it; (N,) each, one entry a block."""

    arena: tuple[Ints, ...]
    offset: tuple[Ints, ...]

    def address(self, block: int, arenas: Sequence[int]) -> Ints:
        """Absolute address of the window's first byte, given those of the arenas."""
        return np.array(arenas, np.int64)[self.arena[block]] + self.offset[block]


@dataclass(frozen=True, slots=True)
class Arenas:
    """Where the arenas of a batch lie."""

    bases: tuple[int, ...]
    seam: int | None  # offset in the first arena of a multiple of 2 GB; None when there is none


def draw_arenas(
    rng: np.random.Generator, count: int, *, arena_bytes: int, wants_seam: bool = False
) -> Arenas:
    """Choose addresses as programs have them, and some across a multiple of 2 GB.

    wants_seam: the first arena lies across one; it must have two pages.

    Code that computes addresses in 32 bits, or that could tell the sandbox by its addresses, must
    not get through because all arenas lie near each other. The ranges keep clear of where the
    kernel puts a program (0x55…, 0x7f…) and the runner its own pages (16 to 96 TB).
    """
    found: list[int] = [_across_seam(rng, 1, arena_bytes // PAGE_BYTES - 1)] if wants_seam else []
    while len(found) < count:
        base = _draw_base(rng, arena_bytes)
        if all(abs(base - other) > 2 * (ARENA_GUARD_BYTES + ARENA_MAX_BYTES) for other in found):
            found.append(base)
    seam = -found[0] % _SEAM_BYTES
    return Arenas(tuple(found), seam if 0 < seam < arena_bytes else None)


def _draw_base(rng: np.random.Generator, arena_bytes: int) -> int:
    draw = rng.random()
    if draw < 0.35:
        base = rng.integers(0x6800 << 32, 0x7800 << 32)  # like the heap and mapped memory
    elif draw < 0.55:
        base = rng.integers(1 << 32, 1 << 44)
    elif draw < 0.7:
        base = rng.integers(0x1000_0000, 0x7000_0000)  # like the data of a static program
    else:
        return _across_seam(rng, 0, arena_bytes // PAGE_BYTES)
    return int(base) // PAGE_BYTES * PAGE_BYTES


def _across_seam(rng: np.random.Generator, least_pages: int, most_pages: int) -> int:
    """Draw the address of an arena with so many pages in front of a multiple of 2 GB."""
    before = int(rng.integers(least_pages, most_pages + 1)) * PAGE_BYTES
    return int(rng.integers(1, 1 << 12)) * _SEAM_BYTES - before


def window_of(
    block: Block, values: Mapping[str, Ints], *, distance: Mapping[str, Ints], reach: Ints
) -> Window:
    """Compute a block's window for `reach` iterations; of 0 iterations it is empty.

    values: registers already drawn; distance: of tied registers from the anchor.
    """
    lows: list[Ints] = []
    highs: list[Ints] = []
    firsts: list[Ints] = []
    last = np.maximum(reach - 1, 0)
    for group in block.groups:
        shift = distance.get(group.register, np.zeros_like(reach))
        for stream in group.streams:
            start = shift + stream.disp + _other(stream, values)
            travel = last * stream.stride_bytes
            lows.append(start + np.minimum(travel, 0))
            highs.append(start + np.maximum(travel, 0) + stream.size_bytes)
            firsts.append(start)
    low: Ints = np.minimum.reduce(lows)
    high: Ints = np.maximum.reduce(highs)
    streams = [stream for group in block.groups for stream in group.streams]
    aligned = [s.size_bytes for s in streams if s.is_aligned]
    chosen = next((n for n, s in enumerate(streams) if s.is_aligned), 0)
    return Window(
        low=low,
        high=np.where(reach > 0, high, low),
        first=firsts[chosen],
        element_bytes=min(stream.size_bytes for stream in streams),
        required=max(aligned, default=1),
    )


def _other(stream: Stream, values: Mapping[str, Ints]) -> Ints | int:
    return values[stream.other] * stream.scale if stream.other else 0


def arena_bytes_for(windows: Sequence[Window]) -> int | None:
    """Size the arenas so that every layout fits; None when they would be too large."""
    longest = max((int((w.high - w.low).max()) for w in windows), default=0)
    size = -(-(longest + SLACK_BYTES) // PAGE_BYTES) * PAGE_BYTES
    return size if size <= ARENA_MAX_BYTES else None


def place(
    rng: np.random.Generator,
    windows: Sequence[Window],
    *,
    arena_bytes: int,
    mode: str,
    is_together: NDArray[np.bool_],
    is_flush: Sequence[NDArray[np.bool_] | None],
    natural_bytes: int,
    seam: int | None = None,
) -> Placing:
    """Choose a place for each window.

    mode: ROOMY keeps away from the guard pages, TIGHT lies flush against one of them, MIXED draws.
    is_together: (N,) states whose blocks lie together in the first arena.
    is_flush: per block, (N,) states in which its end must be the end of the arena.
    natural_bytes: width of one element, the alignment most states keep.
    seam: offset in the first arena near which blocks that lie together are put; None: anywhere.
    """
    arenas: list[Ints] = []
    offsets: list[Ints] = []
    count = len(is_together)
    for number, window in enumerate(windows):
        length = window.high - window.low
        offset = _apart(
            rng, window, length, arena_bytes=arena_bytes, mode=mode, natural=natural_bytes
        )
        arena = np.full(count, number)
        wanted = is_flush[number]
        if wanted is not None:
            offset = np.where(
                wanted, _settle(window, arena_bytes - length, window.required), offset
            )
        if number == 0 and len(windows) > 1:
            near = SLACK_BYTES // 2 + 0 * length
            if seam is not None:
                near = np.maximum(seam - _before_seam(rng, length), 0)
            middle = _aligned(rng, window, near, arena_bytes, natural_bytes)
            offset = np.where(is_together, middle, offset)
        elif number:
            first = windows[0].high - windows[0].low
            distance = _distance(rng, count, natural_bytes, first=first, own=length)
            beside = np.clip(offsets[0] + distance, 0, arena_bytes - length)
            beside = _settle(window, beside, window.required)
            arena = np.where(is_together, arenas[0], arena)
            offset = np.where(is_together, beside, offset)
        arenas.append(arena)
        offsets.append(offset)
    return Placing(tuple(arenas), tuple(offsets))


def _before_seam(rng: np.random.Generator, length: Ints) -> Ints:
    """How far in front of the seam a window starts: just before it, or anywhere across."""
    close = rng.integers(60, 130, len(length))  # `_aligned` adds up to 63
    across = rng.integers(0, length + 64)
    return np.where(rng.random(len(length)) < 0.5, close, across)


def _apart(
    rng: np.random.Generator,
    window: Window,
    length: Ints,
    *,
    arena_bytes: int,
    mode: str,
    natural: int,
) -> Ints:
    count = len(length)
    at_end = arena_bytes - length
    anywhere = _aligned(rng, window, SLACK_BYTES // 2 + 0 * length, arena_bytes, natural)
    if mode == ROOMY:
        return anywhere
    flush = _settle(window, at_end, window.required)
    at_start = _settle(window, np.zeros_like(length), window.required, is_up=True)
    if mode == TIGHT:
        return np.where(np.arange(count) % 2 == 0, flush, at_start)
    draw = rng.random(count)
    offset = np.where(draw < 0.4, flush, anywhere)
    return np.where(draw > 0.85, at_start, offset)


def _aligned(
    rng: np.random.Generator, window: Window, near: Ints, arena_bytes: int, natural: int
) -> Ints:
    """Draw a place near an offset: element-aligned in seven states of eight, else any byte."""
    count = len(near)
    step = np.where(rng.random(count) < 0.875, natural, 1)
    wanted = near + rng.integers(0, 64, count)
    wanted = np.minimum(wanted, arena_bytes - (window.high - window.low))
    natural_place = _settle(window, wanted, max(natural, window.required))
    return np.where(step > 1, natural_place, _settle(window, wanted, window.required))


def _settle(window: Window, offset: Ints, alignment: int, *, is_up: bool = False) -> Ints:
    """Move an offset down (or up) so that the first stream starts at a multiple of `alignment`."""
    if alignment == 1:
        return offset
    lead = window.first - window.low
    excess: Ints = (offset + lead) % alignment
    if is_up:
        raised: Ints = offset + (-excess) % alignment
        return raised
    moved: Ints = offset - excess
    return np.where(moved < 0, moved + alignment, moved)


def _distance(
    rng: np.random.Generator, count: int, natural: int, *, first: Ints, own: Ints
) -> Ints:
    sign = rng.choice([-1, 1], count)
    draw = rng.random(count)
    few = rng.integers(1, 9, count) * natural
    many = rng.integers(1, 8 * 64 // natural + 1, count) * natural
    near_vector = rng.choice(_VECTOR_BYTES, count) + rng.choice([-1, 1], count)
    odd = np.where(rng.random(count) < 0.5, rng.integers(1, 65, count), near_vector)
    beside = np.where(sign > 0, first, own)
    # Near the end of either block: guards against overlap that compare with another length.
    amiss = np.where(rng.random(count) < 0.5, first, own) + rng.integers(-2, 3, count) * natural
    size = np.select(
        [draw < 0.12, draw < 0.38, draw < 0.6, draw < 0.74, draw < 0.8],
        [0 * few, few, many, odd, beside],
        amiss,
    )
    signed: Ints = sign * size
    return signed
