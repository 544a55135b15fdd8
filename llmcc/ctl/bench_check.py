"""Check that every variant of a kernel does what gcc -O0's does, byte for byte.

Independent of llmcc's own battery: whole functions, called through the ABI, on inputs made here.
Covers: every n from 0 to 300 and some larger, byte offsets 0 to 63, values from edge tables, arrays
flush against unreadable pages, writes outside `out`, `a` or `b` lying over `out`.
Does not cover: registers the ABI lets a function change, other threads, other CPUs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmcc.ctl.bench_driver import ARENA_BYTES, Arenas, Call, Driver, Verdict
from llmcc.ctl.bench_kernels import Kernel, fill, put_hit

LARGE_N = (311, 383, 384, 385, 511, 512, 513, 640, 777, 1000, 1023, 1024, 1025, 2047, 2048, 4097)
_MARGIN_BYTES = 192  # compared on both sides of `out`
_FLOAT_EDGES = (
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0**23, 2.0**31, -(2.0**31), 2.0**52, 2.0**63, 1e-45, -1e-45,
    1.17549435e-38, 3.4028234e38, -3.4028234e38, 5e-324, 1e308, float("inf"), float("-inf"),
    float("nan"), -float("nan"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class WrongResult:
    """A call in which a variant did not do what the reference did."""

    kernel: str
    variant: str
    verdict: Verdict
    n: int
    k: int
    a_offset_bytes: int
    case: int  # number of the case; the seed and it replay the call
    seed: int


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What the checker did and found."""

    case_count: int  # calls of one kernel in one state, over all kernels
    variant_names: tuple[str, ...]
    wrong: tuple[WrongResult, ...]  # at most one a kernel and variant


@dataclass(frozen=True, slots=True)
class _State:
    call: Call
    window: int  # address of the compared memory
    pristine: NDArray[np.uint8]
    a_offset_bytes: int


def check_kernels(
    kernels: Sequence[Kernel],
    driver: Driver,
    libraries: Sequence[tuple[str, Path]],
    *,
    cases_per_n: int,
    seed: int,
) -> CheckReport:
    """Compare every library with the first, which is the reference, on every kernel."""
    arenas = driver.arenas()
    names = tuple(name for name, _ in libraries[1:])
    paths = [path for _, path in libraries]
    case_count = 0
    wrong: list[WrongResult] = []
    for kernel in kernels:
        functions = driver.functions(paths, kernel.name)
        found: dict[str, WrongResult] = {}
        for case, n in enumerate(_sizes(cases_per_n)):
            rng = np.random.default_rng([seed, case, *kernel.name.encode()])
            state = _make_state(kernel, n, arenas, rng)
            verdicts = driver.compare(
                functions, state.call, window=state.window, pristine=state.pristine
            )
            case_count += 1
            for name, verdict in zip(names, verdicts, strict=True):
                if verdict != Verdict.SAME and name not in found:
                    found[name] = WrongResult(
                        kernel.name, name, verdict, state.call.n, state.call.k,
                        state.a_offset_bytes, case, seed,
                    )  # fmt: skip
        wrong += found.values()
    return CheckReport(case_count, names, tuple(wrong))


def _sizes(cases_per_n: int) -> Iterator[int]:
    for n in range(301):
        yield from [n] * cases_per_n
    yield from LARGE_N


def _make_state(kernel: Kernel, n: int, arenas: Arenas, rng: np.random.Generator) -> _State:
    n = max(n, 1) if kernel.edges == "end" else n
    a, b, k = _values(kernel, n, rng)
    size = kernel.dtype.itemsize
    out_bytes = kernel.written_bytes(n)
    out_at = _offset(out_bytes, 4 if "histogram" in kernel.arrays else size, rng)
    low = max(out_at - _MARGIN_BYTES, 0)
    high = min(out_at + out_bytes + _MARGIN_BYTES, ARENA_BYTES)
    pristine = _surroundings(kernel, high - low, rng)
    out = _array(kernel, n, rng).view(np.uint8)[:out_bytes]
    pristine[out_at - low : out_at - low + len(out)] = out
    arenas.set_writable(is_writable=True)
    offsets = []
    for memory, values in zip(arenas.bytes[:2], (a, b), strict=True):
        at = _offset(values.nbytes, size, rng)
        near = slice(max(at - _MARGIN_BYTES, 0), at + values.nbytes + _MARGIN_BYTES)
        memory[near] = rng.integers(0, 256, len(memory[near]), dtype=np.uint8)
        memory[at : at + values.nbytes] = values.view(np.uint8)
        offsets.append(at)
    arenas.set_writable(is_writable=False)
    addresses = [start + at for start, at in zip(arenas.starts[:2], offsets, strict=True)]
    if kernel.may_overlap and rng.random() < 0.3:
        which = int(rng.integers(2))
        shift = int(rng.integers(-20, 21)) * size
        # What lies over `out` must lie in its arena, where the canaries round it may be read.
        shift = min(max(shift, low - out_at), high - out_at - out_bytes)
        addresses[which] = arenas.starts[2] + out_at + shift - (shift % size)
    call = Call(addresses[0], addresses[1], arenas.starts[2] + out_at, n, k)
    return _State(call, arenas.starts[2] + low, pristine, offsets[0])


def _surroundings(kernel: Kernel, length: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Bytes for the memory round `out`; an overlapping input may read them as values."""
    if kernel.edges == "no":
        return fill(kernel, length // kernel.dtype.itemsize + 1, rng).view(np.uint8)[:length]
    return rng.integers(0, 256, length, dtype=np.uint8)


def _offset(length: int, alignment: int, rng: np.random.Generator) -> int:
    """Where an array starts in its arena: at the first byte, at the last that fits, or anywhere."""
    kind = rng.integers(4)
    last = (ARENA_BYTES - length) // alignment * alignment
    if kind == 0:
        return last
    if kind == 1:
        return 0
    at = 4096 + int(rng.integers(64))
    return at // alignment * alignment


def _values(
    kernel: Kernel, n: int, rng: np.random.Generator
) -> tuple[NDArray[Any], NDArray[Any], int]:
    a, b = _array(kernel, n, rng), _array(kernel, n, rng)
    if kernel.hit == "differ" or (kernel.hit == "" and "b" in kernel.arrays and rng.random() < 0.2):
        b = a.copy()
    is_hit = kernel.edges == "end" or rng.random() < 0.6
    if kernel.hit and n and is_hit:
        put_hit(kernel, a, int(rng.integers(n)))
    return a, b, _scalar(kernel, a, rng)


def _array(kernel: Kernel, n: int, rng: np.random.Generator) -> NDArray[Any]:
    kind = rng.integers(5) if kernel.edges != "no" else 0
    size = kernel.dtype.itemsize
    if kind <= 1:
        return fill(kernel, n, rng)
    if kind == 2:
        return rng.integers(0, 256, n * size, dtype=np.uint8).view(kernel.dtype)
    edges = _edges(kernel.dtype)
    drawn: NDArray[Any] = rng.choice(edges, n)
    if kind == 3:
        return drawn
    # Nearly constant: one odd element among equal ones.
    drawn[:] = drawn[:1]
    if n:
        drawn[int(rng.integers(n))] = rng.choice(edges)
    return drawn


def _edges(dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind == "f":
        with np.errstate(over="ignore", under="ignore"):
            return np.array(_FLOAT_EDGES).astype(dtype)
    info = np.iinfo(dtype)
    near = [0, 1, 2, 9, 10, 13, 31, 32, 47, 48, 57, 58, 64, 65, 90, 91, 96, 97, 122, 123, 127]
    far = [info.min, info.min + 1, info.max - 1, info.max, info.max // 2, info.max // 2 + 1]
    bytes_ = [128, 191, 192, 255] if info.max >= 255 else [-1, -64, -65, -128]
    return np.array(near + far + bytes_, dtype=dtype)


def _scalar(kernel: Kernel, a: NDArray[Any], rng: np.random.Generator) -> int:
    kind = rng.integers(4) if kernel.edges != "no" else 0
    if kind <= 1:
        return kernel.k
    if kind == 2 and len(a) and kernel.dtype.kind != "f":
        drawn = int(rng.choice(a))
    else:
        drawn = int(rng.choice([0, 1, -1, 127, 128, 255, 65535, -32768, 2**31 - 1, -(2**31)]))
    return drawn - 2**64 if drawn >= 2**63 else drawn
