"""Cases for the mutants' oracle: calls of one kernel, enumerated where C's rules leave few of them.

Every n with one odd element at every position, every short array over two values, random arrays of
every n, every alignment, arrays over one another where the kernel allows it, long ones. Arrays lie
flush against unreadable pages at either end, or between bytes that look like more of the array.
Shares nothing with llmcc.states or llmcc.verify. Sources: the rules of kernels.csv.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmcc.ctl.bench_kernels import Kernel, fill, put_hit

ARENA_BYTES = 1 << 18  # as in oracle.c
_MARGIN_BYTES = 128
_OUT = 2
_PLACES = 4  # kinds of place, see _place
_EVERY_N = 84  # each n below it, and at least _EVERY_BYTES of elements
_EVERY_BYTES = 136
_SHORT_N = 7
_RANDOM_PER_N = 8
_LARGE_N = (255, 256, 257, 300, 511, 512, 513, 1000, 1023, 1024, 1025, 2047, 2048, 2049, 4097)
_HUGE_N = (8191, 16385, 40000, 66000)  # of one and two byte elements: lanes that count overflow
_FLOATS = (
    0.0, -0.0, 1.0, -1.0, 0.5, 3.0, -5.0, 2.0**31, -(2.0**31), 1e-45, 3.4e38, -3.4e38, 5e-324,
    float("inf"), float("-inf"), float("nan"), -float("nan"),
)  # fmt: skip
# What bench kernels compare with, and the values beside.
_BORDERS = (
    8, 9, 10, 11, 13, 14, 32, 33, 35, 47, 48, 57, 58, 64, 65, 90, 91, 96, 97, 122, 123, 127, 128,
    191, 192, 255, 1023, 1024, 49151, 49152,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Array:
    """Bytes put into an arena before a call, and where in them the argument points."""

    arena: int  # 0 a, 1 b, 2 out
    at: int  # offset of the argument in the arena
    low: int  # offset of the first byte put
    data: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Case:
    """One call."""

    arrays: tuple[Array, Array, Array]  # a, b, out; their data goes into arenas 0, 1, 2
    n: int
    k: int
    junk: int  # 0..2, what unused registers hold


@dataclass(frozen=True, slots=True)
class _Content:
    """What the arrays hold, before they are placed. Elements, not bytes."""

    a: NDArray[Any]
    b: NDArray[Any]
    out: NDArray[Any]
    k: int
    shift: int | None = None  # elements by which a or b is put off `out`; None: apart
    shifted: int = 0  # which of a and b


def make_cases(kernel: Kernel, *, seed: int) -> Iterator[Case]:
    """Yield all cases of one kernel; the same for the same seed."""
    rng = np.random.default_rng([seed, *kernel.name.encode()])
    for number, content in enumerate(_contents(kernel, rng)):
        yield _placed(kernel, content, number, rng)


def _contents(kernel: Kernel, rng: np.random.Generator) -> Iterator[_Content]:
    values = _values(kernel)
    last = max(_EVERY_N, _EVERY_BYTES // kernel.dtype.itemsize)
    yield from _short(kernel, values, rng)
    for n in range(last):
        for position in range(n):
            yield _one_odd(kernel, n, position, values, rng)
        for _ in range(_RANDOM_PER_N):
            yield _random(kernel, n, values, rng)
    for n in _LARGE_N if kernel.dtype.itemsize > 2 else _LARGE_N + _HUGE_N:
        for kind in range(3):
            yield _random(kernel, n, values, rng, kind=kind)
        yield _one_odd(kernel, n, n - 1, values, rng)
    if kernel.may_overlap:
        yield from _overlapping(kernel, values, rng)


def _short(kernel: Kernel, values: NDArray[Any], rng: np.random.Generator) -> Iterator[_Content]:
    for n in range(_SHORT_N):
        for pattern in itertools.product((0, 1), repeat=n):
            pair = rng.choice(values, 2)
            yield _content(kernel, pair[list(pattern)], rng)


def _one_odd(
    kernel: Kernel, n: int, position: int, values: NDArray[Any], rng: np.random.Generator
) -> _Content:
    background, odd = rng.choice(values, 2)
    a = np.full(n, background, kernel.dtype)
    a[position] = odd
    return _content(kernel, a, rng, hit_at=position if rng.random() < 0.7 else None)


def _random(
    kernel: Kernel, n: int, values: NDArray[Any], rng: np.random.Generator, kind: int | None = None
) -> _Content:
    kind = int(rng.integers(5)) if kind is None else kind
    if kind == 1:
        a = np.full(n, rng.choice(values), kernel.dtype)
    elif kind == 2:
        a = rng.choice(values, n)
    elif kind == 3 and kernel.edges != "no":
        a = rng.integers(0, 256, n * kernel.dtype.itemsize, np.uint8).view(kernel.dtype)
    else:
        a = fill(kernel, n, rng)
    return _content(
        kernel, a, rng, hit_at=int(rng.integers(n)) if n and rng.random() < 0.4 else None
    )


def _content(
    kernel: Kernel, a: NDArray[Any], rng: np.random.Generator, hit_at: int | None = None
) -> _Content:
    """Complete a content: the hit where it is wanted or needed, b and out like a, a scalar."""
    a = a.copy()
    n = len(a)
    b = rng.permutation(a)
    if kernel.hit == "differ" or rng.random() < 0.2:
        b = a.copy()
    elif rng.random() < 0.3:
        b = fill(kernel, n, rng)
    if kernel.edges == "end":
        a = a if n else np.zeros(1, kernel.dtype)
        put_hit(kernel, a, len(a) - 1 if hit_at is None else hit_at)
        b = np.resize(b, len(a)) if n else a.copy()
    elif kernel.hit and hit_at is not None:
        put_hit(kernel, a, hit_at)
    out = a if kernel.arrays == "out" or rng.random() < 0.3 else rng.permutation(a)
    return _Content(a, b, out, _scalar(kernel, a, rng))


def _overlapping(
    kernel: Kernel, values: NDArray[Any], rng: np.random.Generator
) -> Iterator[_Content]:
    last = 80 // kernel.dtype.itemsize + 4
    for shift in range(-last, last + 1):
        for n in (3, 17, 40, 83):
            for shifted in range(kernel.read_array_count):
                made = _random(kernel, n, values, rng, kind=4)
                yield _Content(made.a, made.b, made.out, made.k, shift, shifted)


def _values(kernel: Kernel) -> NDArray[Any]:
    """The elements to choose from: borders of what kernels compare with, and of the type."""
    if kernel.edges == "no":
        low, high = (int(end) for end in kernel.values.split(".."))
        chosen = [low, low + 1, -1, 0, 1, 2, high - 1, high]
        return np.array([v for v in chosen if low <= v <= high]).astype(kernel.dtype)
    own = [kernel.k, kernel.k + 1, kernel.k - 1]
    if kernel.dtype.kind == "f":
        with np.errstate(over="ignore", under="ignore"):
            return np.array([*_FLOATS, *own]).astype(kernel.dtype)
    info = np.iinfo(kernel.dtype)
    ends = [info.min, info.min + 1, info.max - 1, info.max, info.max // 2, info.max // 2 + 1]
    every = [
        0,
        1,
        2,
        -1,
        -2,
        *ends,
        *own,
        *_BORDERS,
        *([int(kernel.hit)] if kernel.hit.isdigit() else []),
    ]
    return np.array(
        list(dict.fromkeys(v for v in every if info.min <= v <= info.max)), dtype=kernel.dtype
    )


def _scalar(kernel: Kernel, a: NDArray[Any], rng: np.random.Generator) -> int:
    kind = int(rng.integers(4)) if kernel.edges != "no" else 0
    if kind == 2 and len(a) and kernel.dtype.kind != "f":
        value = int(rng.choice(a))
        return value - 2**64 if value >= 2**63 else value
    return int(rng.choice([0, 1, -1, 3, 127, 255, 32767, -32768])) if kind == 3 else kernel.k


def _placed(kernel: Kernel, content: _Content, number: int, rng: np.random.Generator) -> Case:
    """Give each array a place; kinds of place, of neighbours and of junk take turns."""
    n = len(content.a)
    size = kernel.dtype.itemsize
    out_bytes = content.out.view(np.uint8)[: kernel.written_bytes(n)]
    if "histogram" in kernel.arrays:
        out_bytes = rng.integers(0, 256, kernel.written_bytes(n), dtype=np.uint8)
    arrays = []
    for arena, data in enumerate((content.a.view(np.uint8), content.b.view(np.uint8), out_bytes)):
        kind = number // _PLACES**arena % _PLACES
        is_histogram = arena == _OUT and "histogram" in kernel.arrays
        at = _place(kind, len(data), 4 if is_histogram else size, rng)
        arrays.append(_array(kernel, arena, data, at, rng))
    if content.shift is not None:
        over = arrays[_OUT]
        at = over.at + content.shift * size
        reach = min(over.low + len(over.data), ARENA_BYTES) - n * size
        at = min(max(at, over.low + -over.low % size), reach - reach % size)
        moved = arrays[content.shifted]
        arrays[content.shifted] = Array(_OUT, at, moved.low, moved.data)
    return Case((arrays[0], arrays[1], arrays[2]), n, content.k, number % 3)


def _place(kind: int, length: int, alignment: int, rng: np.random.Generator) -> int:
    """Offset of an array: 0 ends at an unreadable page, 1 starts at one, 2 and 3 lie between.

    Kind 3 starts in the last bytes of a page whose neighbour can be read.
    """
    if kind == 0:
        return (ARENA_BYTES - length) // alignment * alignment
    if kind == 1:
        return 0
    at = (4096 if kind == 2 else 8192 - 64) + int(rng.integers(64))
    return at // alignment * alignment


def _array(
    kernel: Kernel, arena: int, data: NDArray[np.uint8], at: int, rng: np.random.Generator
) -> Array:
    """Put an array between bytes that are no part of it."""
    size = len(data)
    low, high = max(at - _MARGIN_BYTES, 0), min(at + size + _MARGIN_BYTES, ARENA_BYTES)
    put = _neighbours(kernel, data, high - low, at - low, rng)
    put[at - low : at - low + size] = data
    return Array(arena, at, low, put)


def _neighbours(
    kernel: Kernel, data: NDArray[np.uint8], length: int, before: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Bytes round an array: zeros, noise, or the array over and over, in step with it."""
    kind = rng.integers(3)
    if kernel.edges == "no":  # an overlapping array reads them as values
        made = fill(kernel, length // kernel.dtype.itemsize + 2, rng).view(np.uint8)
        return made[-before % kernel.dtype.itemsize :][:length]
    if kind == 0 or not len(data):
        return np.zeros(length, np.uint8)
    if kind == 1:
        return rng.integers(0, 256, length, dtype=np.uint8)
    return np.roll(np.resize(data, length + len(data)), before % len(data))[:length]
