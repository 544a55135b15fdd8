"""What goes into the sandbox and what comes out: batches of machine states and their ends.

Each batch says where its arenas are mapped (`States.arenas`). An arena is `arena_bytes` long (a
multiple of 4096) and has unreadable pages on both sides. Code leaves through an *exit stub*
(`exit_stub`), which is position-independent, so that a blob can be placed at any address.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ARENA_MAX_COUNT = 8
ARENA_MAX_BYTES = 2 << 20
ARENA_GUARD_BYTES = 2 << 20
# Where arenas lie unless a batch says otherwise.
ARENA_BASE = 0x2_0000_0000
ARENA_STRIDE = 0x100_0000
DEFAULT_ARENAS = tuple(ARENA_BASE + number * ARENA_STRIDE for number in range(ARENA_MAX_COUNT))
# The control page lies behind %gs, at an address of its own in each child: exit stubs reach it
# whatever the registers hold, and code without a segment override cannot name it.
CONTROL_EXIT_ID = 0x0
CONTROL_RETURN = 0x8
# Instrumented code leaves its marks behind it.
COVERAGE_OFFSET = 0x1000
COVERAGE_BYTES = 4096

# ends of one run, in Ends.exit_id; values >= 0 are exits
FAULT = -1  # SIGSEGV or SIGBUS
STUCK = -2  # did not end in time
TRAP = -3  # SIGILL, SIGFPE, SIGTRAP
NOT_RUN = -4


def exit_stub(label: str, exit_id: int) -> str:
    """Text of the stub at `label` that ends a run with `exit_id`; changes no register or flag."""
    return f"{label}:\n\tmovl\t${exit_id}, %gs:{CONTROL_EXIT_ID}\n\tjmp\t*%gs:{CONTROL_RETURN}\n"


@dataclass(frozen=True, slots=True)
class States:
    """N machine states to start from. Register order is encoding order (rax rcx rdx rbx rsp …)."""

    gpr: NDArray[np.uint64]  # (N, 16)
    vector: NDArray[np.uint8]  # (N, 32, 64): zmm0-31, low bytes first
    mask: NDArray[np.uint64]  # (N, 8): k0-k7
    rflags: NDArray[np.uint64]  # (N,): status flags only are loaded; DF stays 0
    mxcsr: NDArray[np.uint32]  # (N,)
    memory: NDArray[np.uint8]  # (N, A, arena_bytes)
    arenas: tuple[int, ...] = DEFAULT_ARENAS  # address of each arena; at least A of them

    def __len__(self) -> int:
        return len(self.gpr)


@dataclass(frozen=True, slots=True)
class Ends:
    """The states N runs ended in, and how."""

    exit_id: NDArray[np.int32]  # (N,)
    gpr: NDArray[np.uint64]  # (N, 16)
    vector: NDArray[np.uint8]  # (N, 32, 64)
    mask: NDArray[np.uint64]  # (N, 8)
    rflags: NDArray[np.uint64]  # (N,)
    mxcsr: NDArray[np.uint32]  # (N,)
    memory: NDArray[np.uint8]  # (N, A, arena_bytes)
    fault_address: NDArray[np.uint64]  # (N,): 0 unless exit_id is FAULT
    coverage: NDArray[np.uint8]  # (COVERAGE_BYTES,): union over the batch
    arenas: tuple[int, ...] = DEFAULT_ARENAS  # those of the states
    killed: int = 0  # signal that ended the child early: SIGSYS for a system call; 0: none


@dataclass(frozen=True, slots=True)
class Blob:
    """Position-independent machine code to run."""

    code: bytes
    entry: int  # offset of the first instruction


@dataclass(frozen=True, slots=True)
class TimedRuns:
    """Paired timings of two blobs.

    ticks: (placements, rounds, 2) float64, TSC ticks of one block of `runs_per_block` runs;
    [..., 0] is the first blob, [..., 1] the second, whatever order they ran in.
    """

    ticks: NDArray[np.float64]
    runs_per_block: int
    ticks_per_ns: float


@dataclass(frozen=True, slots=True)
class Steps:
    """What single-stepping N runs showed: the machine in front of each instruction of the blob."""

    offset: NDArray[np.uint64]  # (S,): where in the blob the instruction lies
    gpr: NDArray[np.uint64]  # (S, 16)
    mask: NDArray[np.uint64]  # (S, 8)
    vector: NDArray[np.uint8]  # (S, 16, 32): ymm0-15
    ends: NDArray[np.uint64]  # (N,): steps taken up to the end of each run
    exit_id: NDArray[np.int32]  # (N,): STUCK when there was no room for all steps
