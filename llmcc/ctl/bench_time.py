"""Time the variants of each kernel turn by turn in one process.

The clock is the TSC; speed-ups are ratios within a round, so drift hits both sides alike. Inputs
rotate at changing offsets, because a branch predictor learns a fixed one; code is tried at several
placements, because the same bytes elsewhere can run 20 % slower.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmcc.ctl.bench_driver import Call, Driver, Pool
from llmcc.ctl.bench_kernels import Kernel, everyday_inputs

_POOL_BYTES = 200 << 10  # fits the second-level cache of any x86-64 CPU with AVX2
_PASS_NS = 20_000  # one measurement takes at least about this long


@dataclass(frozen=True, slots=True)
class KernelTimes:
    """What was measured for one kernel. ns: (placements, rounds, variants), per call."""

    kernel: Kernel
    ns: NDArray[np.float64]


def time_kernels(
    kernels: Sequence[Kernel],
    driver: Driver,
    libraries: Sequence[Sequence[Path]],
    *,
    n: int,
    rounds: int,
    seed: int,
) -> list[KernelTimes]:
    """Time every kernel at every placement.

    libraries: for each placement the libraries of all variants, in the order of the columns.
    rounds: measurements of each variant at each placement.
    """
    rng = np.random.default_rng(seed)
    with _one_cpu():
        times = {
            int(at): _time_kernel(kernels[at], driver, libraries, n=n, rounds=rounds, rng=rng)
            for at in rng.permutation(len(kernels))
        }
    return [KernelTimes(kernel, times[at]) for at, kernel in enumerate(kernels)]


def _time_kernel(
    kernel: Kernel,
    driver: Driver,
    libraries: Sequence[Sequence[Path]],
    *,
    n: int,
    rounds: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return (placements, rounds, variants) in ns per call."""
    # Each round has inputs of its own: with one pool for all, the branch predictor knew 60,000
    # random branches by heart, and better those of whichever variant had run more often.
    pools = [make_pool(kernel, n, rng) for _ in range(rounds)]
    trial_pool = make_pool(kernel, n, rng)
    functions = [driver.functions(paths, kernel.name) for paths in libraries]
    passes = _passes(driver, functions[0], trial_pool)
    return np.stack(
        [
            np.stack(
                [
                    driver.time(at, pool, passes=passes, seed=int(rng.integers(1 << 60)))
                    for pool in pools
                ]
            )
            for at in functions
        ]
    )


def make_pool(kernel: Kernel, n: int, rng: np.random.Generator) -> Pool:
    """Make inputs at rotating offsets, in one block each for what is read and written."""
    size = kernel.dtype.itemsize
    one = everyday_inputs(kernel, n, rng)
    in_use = len(one.a) * kernel.read_array_count + len(one.out) * kernel.is_writer
    count = int(np.clip(_POOL_BYTES // max(in_use, 1), 4, 64))
    slot = (max(len(one.a), len(one.out)) + 128 + 63) // 64 * 64
    # Slots of a kernel's unused arrays are neither filled nor touched.
    read = _aligned(kernel.read_array_count * count * slot)
    written = _aligned(count * slot if kernel.is_writer else 0)
    calls = (Call * count)()
    for i in range(count):
        inputs = everyday_inputs(kernel, n, rng)
        addresses = [0, 0, 0]
        for which, values in enumerate((inputs.a, inputs.b)[: kernel.read_array_count]):
            at = (kernel.read_array_count * i + which) * slot + _start(size, rng)
            read[at : at + len(values)] = values
            addresses[which] = read.ctypes.data + at
        if kernel.is_writer:
            at = i * slot + (0 if "histogram" in kernel.arrays else _start(size, rng))
            written[at : at + len(inputs.out)] = inputs.out
            addresses[2] = written.ctypes.data + at
        calls[i] = Call(*addresses, n, kernel.k)
    return Pool(calls, read, written, written.copy())


def _start(element_bytes: int, rng: np.random.Generator) -> int:
    return int(rng.integers(128)) // element_bytes * element_bytes


def _aligned(length: int) -> NDArray[np.uint8]:
    raw = np.zeros(length + 4096, dtype=np.uint8)
    start = -raw.ctypes.data % 4096
    return raw[start : start + length]


def _passes(driver: Driver, functions: NDArray[np.uint64], pool: Pool) -> int:
    """How many passes through the pool make one measurement long enough for the clock."""
    trial_ns = min(float(driver.time(functions, pool, passes=1, seed=i)[0]) for i in (1, 2, 3))
    return max(1, round(_PASS_NS / max(trial_ns * len(pool.calls), 1.0)))


@contextmanager
def _one_cpu() -> Iterator[None]:
    """Stay on one CPU while the block runs."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
