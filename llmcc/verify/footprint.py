"""Which bytes a run reads and writes, worked out from single steps.

The battery sees a load only where it faults and a store only where it changes a byte. Here every
instruction of a few runs is looked at: a store of the value that was there already is a store, and
in another thread's way; a load of mapped memory that gcc's loop leaves alone is a load.
Does not cover: states that are not stepped; what a masked AVX-512 conversion or compression leaves
out, which counts as touched.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmcc.outcome import Outcome, Refusal
from llmcc.sandbox.model import Blob, Steps
from llmcc.verify.operands import MemoryOperand, memory_operands

# A load from a cache line, or a page, that the loop reads from as well cannot fault. Counted loops
# need no more than the line; searches in two arrays look ahead at places that no block size fits.
LINE_BYTES = 64
PAGE_BYTES = 4096

Addresses = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes that one run read and wrote outside its own code, as sorted addresses."""

    read: Addresses
    written: Addresses


def footprints(blob: Blob, steps: Steps) -> tuple[Footprint, ...] | None:
    """Work out the footprint of each run; None when an instruction cannot be decoded."""
    operands = memory_operands(blob.code)
    if not set(steps.offset.tolist()) <= operands.keys():
        return None
    starts = [0, *steps.ends.tolist()]
    return tuple(
        _footprint(operands, steps, slice(first, last))
        for first, last in itertools.pairwise(starts)
    )


def first_excess(
    baseline: Sequence[Footprint], rewrite: Sequence[Footprint], *, block_bytes: int
) -> Refusal | None:
    """Refuse a rewrite that writes a byte, or reads from a block, that gcc's loop does not.

    block_bytes: LINE_BYTES, or PAGE_BYTES for loops whose data may end them.
    """
    block = np.uint64(block_bytes)
    for number, (allowed, actual) in enumerate(zip(baseline, rewrite, strict=True)):
        stray = np.setdiff1d(actual.written, allowed.written)
        if len(stray):
            return _refusal(Outcome.WRITES_BEYOND, f"traced state {number}: stores to", stray)
        blocks = np.union1d(allowed.read, allowed.written) // block
        stray = actual.read[~np.isin(actual.read // block, blocks)]
        if len(stray):
            return _refusal(Outcome.READS_BEYOND, f"traced state {number}: loads from", stray)
    return None


def _refusal(outcome: Outcome, what: str, stray: Addresses) -> Refusal:
    return Refusal(outcome, f"{what} {int(stray[0]):#x} and {len(stray) - 1} more bytes")


def _footprint(
    operands: dict[int, tuple[MemoryOperand, ...]], steps: Steps, run: slice
) -> Footprint:
    offsets = steps.offset[run]
    read: list[Addresses] = []
    written: list[Addresses] = []
    for offset in np.unique(offsets).tolist():
        rows = run.start + np.flatnonzero(offsets == offset)
        for operand in operands[offset]:
            touched = _touched(operand, steps, rows)
            read += [touched] * operand.is_load
            written += [touched] * operand.is_store
    return Footprint(_union(read), _union(written))


def _touched(operand: MemoryOperand, steps: Steps, rows: NDArray[np.intp]) -> Addresses:
    """Addresses of all bytes that an instruction touched in some of its executions."""
    address = np.full(len(rows), operand.disp % (1 << 64), np.uint64)
    if operand.base is not None:
        address += steps.gpr[rows, operand.base]
    if operand.index is not None:
        address += steps.gpr[rows, operand.index] * np.uint64(operand.scale)
    every = address[:, None] + np.arange(operand.size_bytes, dtype=np.uint64)
    if operand.mask is None:
        return np.unique(every)
    lanes = np.repeat(_lanes(operand, steps, rows), operand.lane_bytes, axis=1)
    return np.unique(every[lanes[:, : operand.size_bytes]])


def _lanes(operand: MemoryOperand, steps: Steps, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which lanes each execution touched: (rows, lanes)."""
    assert operand.mask is not None
    count = operand.size_bytes // operand.lane_bytes
    if operand.is_opmask:
        bits = steps.mask[rows, operand.mask][:, None] >> np.arange(count, dtype=np.uint64)
    else:
        # The highest bit of each lane selects it (SDM vol. 2, VPMASKMOV).
        last = slice(operand.lane_bytes - 1, None, operand.lane_bytes)
        bits = (steps.vector[rows, operand.mask, last][:, :count] >> 7).astype(np.uint64)
    is_chosen: NDArray[np.bool_] = (bits & np.uint64(1)).astype(np.bool_)
    return is_chosen


def _union(parts: list[Addresses]) -> Addresses:
    return np.unique(np.concatenate(parts)) if parts else np.empty(0, np.uint64)
