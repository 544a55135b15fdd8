"""Where the arrays of a request lie in the memory that Python and the runner's children share."""

from __future__ import annotations

import mmap
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmcc.sandbox.model import ARENA_MAX_COUNT, COVERAGE_BYTES, Blob, States
from llmcc.sandbox.wire import PAGE_BYTES


class Layout:
    """Where each array of a request lies in the shared memory: input pages, then output pages."""

    def __init__(self) -> None:
        self._next = 0
        self._parts: dict[str, tuple[int, np.dtype[Any], tuple[int, ...]]] = {}
        self.input_bytes = 0

    def add(self, name: str, dtype: type[np.generic], *shape: int) -> None:
        """Give an array its place, at a multiple of 64 bytes."""
        kind = np.dtype(dtype)
        self._parts[name] = (self._next, kind, shape)
        size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
        self._next += -(-size // 64) * 64

    def end_input(self) -> None:
        """Start the output on a page of its own."""
        self._next = self.input_bytes = max(PAGE_BYTES, -(-self._next // PAGE_BYTES) * PAGE_BYTES)

    @property
    def shared_bytes(self) -> int:
        """Bytes of all arrays, whole pages."""
        return -(-self._next // PAGE_BYTES) * PAGE_BYTES

    def offsets(self) -> dict[str, int]:
        """The request fields that this layout fills."""
        found = {name: part[0] for name, part in self._parts.items()}
        return found | {"input_bytes": self.input_bytes, "shared_bytes": self.shared_bytes}

    def view(self, memory: SharedMemory, name: str) -> NDArray[Any]:
        """The array `name` in the shared memory itself."""
        offset, kind, shape = self._parts[name]
        return np.ndarray(shape, kind, buffer=memory.map, offset=offset)


class SharedMemory:
    """An anonymous file that grows, mapped here and, by descriptor, in the runner's children."""

    def __init__(self) -> None:
        self.fd = os.memfd_create("llmcc-sandbox")
        self._bytes = 0
        self.map: mmap.mmap

    def grow(self, need_bytes: int) -> None:
        """Hold at least `need_bytes`; what is stored stays, older views keep their mapping."""
        if need_bytes > self._bytes:
            self._bytes = need_bytes + need_bytes // 4 // PAGE_BYTES * PAGE_BYTES
            os.ftruncate(self.fd, self._bytes)
            self.map = mmap.mmap(self.fd, self._bytes)

    def close(self) -> None:
        """Give the descriptor back; the mapping goes with its last view."""
        os.close(self.fd)


# Like `Step` of native/runner_abi.h.
STEP = np.dtype(
    [
        ("offset", "<u8"),
        ("gpr", "<u8", (16,)),
        ("mask", "<u8", (8,)),
        ("vector", "u1", (16, 32)),
    ]
)


def run_layout(states: States, code_bytes: int, *, steps_most: int = 0) -> Layout:
    """Lay out a batch of states, their ends, one blob, and room for steps when it is traced."""
    layout = Layout()
    count, arenas, arena_bytes = states.memory.shape
    # The code last: running another blob must not move the states.
    _add_states(layout, "", count, arenas, arena_bytes)
    layout.add("bases", np.uint64, ARENA_MAX_COUNT)
    layout.add("code", np.uint8, code_bytes)
    layout.end_input()
    layout.add("out_coverage", np.uint8, COVERAGE_BYTES)  # first: it is mapped as a page
    layout.add("out_exit_id", np.int32, count)
    layout.add("out_fault", np.uint64, count)
    _add_states(layout, "out_", count, arenas, arena_bytes)
    if steps_most:
        layout.add("out_steps", np.uint8, steps_most * STEP.itemsize)
        layout.add("out_step_ends", np.uint64, count)
    return layout


def _add_states(layout: Layout, prefix: str, count: int, arenas: int, arena_bytes: int) -> None:
    layout.add(f"{prefix}gpr", np.uint64, count, 16)
    layout.add(f"{prefix}vector", np.uint8, count, 32, 64)
    layout.add(f"{prefix}mask", np.uint64, count, 8)
    layout.add(f"{prefix}rflags", np.uint64, count)
    layout.add(f"{prefix}mxcsr", np.uint32, count)
    layout.add(f"{prefix}memory", np.uint8, count, arenas, arena_bytes)


def time_layout(
    first: Blob, second: Blob, states: States, *, placements: int, rounds: int
) -> Layout:
    """Lay out a pool of inputs, one memory, two blobs, where they go and their times."""
    layout = Layout()
    low = states.vector[:, :16, :16]
    # Inputs that do not differ in vectors share one row, which then stays in the first-level cache.
    rows = 1 if (low == low[:1]).all() else len(states)
    layout.add("gpr", np.uint64, len(states), 16)
    layout.add("vector", np.uint8, rows, 16, 16)
    layout.add("mxcsr", np.uint32, 1)
    layout.add("memory", np.uint8, *states.memory.shape)
    layout.add("bases", np.uint64, ARENA_MAX_COUNT)
    layout.add("places", np.uint32, placements, 4)
    layout.add("orders", np.uint32, placements, rounds)
    layout.add("code", np.uint8, len(first.code))
    layout.add("other", np.uint8, len(second.code))
    layout.end_input()
    layout.add("out_coverage", np.uint8, COVERAGE_BYTES)
    layout.add("out_ticks", np.uint64, placements, rounds, 2)
    layout.add("out_failure", np.int64, 2)
    return layout


def slot_bytes(first: Blob, second: Blob) -> int:
    """A page more than the longer blob needs, so that every 64-byte place in a page can come up."""
    longest = max(len(first.code), len(second.code)) + 128
    return (-(-longest // PAGE_BYTES) + 1) * PAGE_BYTES
