"""The bench's C driver, seen from Python."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmcc.errors import LlmccError

ARENA_BYTES = 1 << 17
GUARD_BYTES = 1 << 16
_STRIDE = ARENA_BYTES + GUARD_BYTES


class Verdict(IntEnum):
    """How a call compares with the reference's. The order is that of `enum verdict` in C."""

    SAME = 0
    WRONG_ANSWER = 1
    WRONG_MEMORY = 2
    CRASHED = 3
    STUCK = 4


class Call(ctypes.Structure):
    """`struct call`: the arguments of one kernel call."""

    _fields_ = (
        ("a", ctypes.c_void_p),
        ("b", ctypes.c_void_p),
        ("out", ctypes.c_void_p),
        ("n", ctypes.c_uint64),
        ("k", ctypes.c_int64),
    )


class _Restore(ctypes.Structure):
    _fields_ = (
        ("to", ctypes.c_void_p),
        ("source", ctypes.c_void_p),
        ("bytes", ctypes.c_uint64),
    )


@dataclass(frozen=True, slots=True)
class Pool:
    """Calls to rotate through, and the written memory to put back before each pass."""

    calls: Any  # ctypes array of Call; holds bare addresses into `read` and `written`
    read: NDArray[np.uint8]
    written: NDArray[np.uint8]  # empty when the kernel writes nothing
    pristine: NDArray[np.uint8]  # same length


class Driver:
    """Loads kernels and calls them. All addresses are of this process."""

    def __init__(self, library: Path) -> None:
        self._library = ctypes.CDLL(str(library))
        self._library.driver_ticks_per_ns.restype = ctypes.c_double
        self._library.driver_map.restype = ctypes.c_void_p
        self._library.driver_map.argtypes = (ctypes.c_uint64, ctypes.c_uint64)
        self._library.driver_protect.argtypes = (ctypes.c_void_p, ctypes.c_uint64, ctypes.c_int)
        self.ticks_per_ns: float = self._library.driver_ticks_per_ns()

    def functions(self, libraries: Sequence[Path], kernel: str) -> NDArray[np.uint64]:
        """Return the address of one kernel in each of the libraries, which stay loaded."""
        return np.array(
            [
                ctypes.cast(ctypes.CDLL(str(path))[f"k_{kernel}"], ctypes.c_void_p).value
                for path in libraries
            ],
            dtype=np.uint64,
        )

    def time(
        self, functions: NDArray[np.uint64], pool: Pool, *, passes: int, seed: int
    ) -> NDArray[np.float64]:
        """Time functions in random order; returns (functions,) in ns per call."""
        ticks = np.zeros(len(functions))
        restore = _Restore(pool.written.ctypes.data, pool.pristine.ctypes.data, len(pool.written))
        self._library.driver_time(
            _pointer(functions),
            ctypes.c_uint64(len(functions)),
            pool.calls,
            ctypes.c_uint64(len(pool.calls)),
            _pointer(pool.read),
            ctypes.c_uint64(len(pool.read)),
            ctypes.byref(restore),
            ctypes.c_uint64(passes),
            ctypes.c_uint64(seed),
            _pointer(ticks),
        )
        return ticks / self.ticks_per_ns

    def arenas(self) -> Arenas:
        """Map three arenas between unreadable pages.

        Raises:
            LlmccError: there is no memory for them.
        """
        base = self._library.driver_map(ARENA_BYTES, GUARD_BYTES)
        if base is None:
            raise LlmccError("the bench cannot map its arenas. Free some memory and try again")
        return Arenas(self._library, base)

    def compare(
        self, functions: NDArray[np.uint64], call: Call, *, window: int, pristine: NDArray[np.uint8]
    ) -> list[Verdict]:
        """Compare functions[1:] with functions[0] from one state.

        window: address of the memory to reset from `pristine` before, and to compare after, a call.

        Raises:
            LlmccError: the reference itself crashed: the case is not valid.
        """
        expected = np.empty_like(pristine)
        verdicts = np.zeros(len(functions) - 1, dtype=np.int32)
        end = self._library.driver_check(
            ctypes.c_void_p(int(functions[0])),
            _pointer(functions[1:]),
            ctypes.c_uint64(len(verdicts)),
            ctypes.byref(call),
            ctypes.c_void_p(window),
            ctypes.c_uint64(len(pristine)),
            _pointer(pristine),
            _pointer(expected),
            _pointer(verdicts),
        )
        if end != Verdict.SAME:
            raise LlmccError(f"the reference itself {Verdict(end).name} on a case of the checker")
        return [Verdict(int(verdict)) for verdict in verdicts]


class Arenas:
    """Memory for a, b and out, each ending at an unreadable page; a and b can be made read-only."""

    def __init__(self, library: ctypes.CDLL, base: int) -> None:
        self._library = library
        self.starts = tuple(base + i * _STRIDE for i in range(3))
        self.bytes = tuple(
            np.ctypeslib.as_array((ctypes.c_uint8 * ARENA_BYTES).from_address(start))
            for start in self.starts
        )

    def set_writable(self, *, is_writable: bool) -> None:
        """Allow or forbid writing to the first two arenas."""
        for start in self.starts[:2]:
            self._library.driver_protect(start, ARENA_BYTES, int(is_writable))


def _pointer(array: NDArray[Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
