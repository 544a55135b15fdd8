"""What the memory that a loop works on holds: kinds of data, many states at a time.

A `DataPlan` says for each state which kind, element width and symbols; the learner keeps plans'
rows that made a loop stop where it was meant to.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]

UNIFORM, PAIR, SEVERAL, CONSTANT, ONE_HOT, PLANTED, SORTED, ORDINARY = range(8)
# shares of the kinds, in the order above
_SHARES = np.array([0.14, 0.14, 0.12, 0.06, 0.16, 0.12, 0.06, 0.20])
INDEPENDENT, EQUAL, EQUAL_BUT_ONE = range(3)  # of the second and further blocks to the first


@dataclass(frozen=True, slots=True)
class DataPlan:
    """What the data of N states is; all arrays are (N,)."""

    kind: Ints
    width: Ints  # index into the recipe's element widths
    background: Ints  # index of a symbol
    planted: Ints  # index of a symbol
    relation: Ints
    is_mirrored: NDArray[np.bool_]
    position: NDArray[
        np.float64
    ]  # of the planted element, as a share of the iterations, 0 <= x < 1

    def __len__(self) -> int:
        return len(self.kind)


def draw_plan(
    rng: np.random.Generator, count: int, *, widths: int, symbols: int, good: DataPlan | None = None
) -> DataPlan:
    """Draw the plans of `count` states; with `good` three in five repeat one of its rows."""
    plan = DataPlan(
        kind=rng.choice(len(_SHARES), size=count, p=_SHARES),
        width=rng.integers(0, widths, count),
        background=rng.integers(0, symbols, count),
        planted=rng.integers(0, symbols, count),
        relation=rng.integers(0, 3, count),
        is_mirrored=rng.random(count) < 0.5,
        position=rng.random(count),
    )
    if good is None or not len(good):
        return plan
    pick = rng.integers(0, len(good), count)
    is_repeated = rng.random(count) < 0.6
    return DataPlan(
        kind=np.where(is_repeated, good.kind[pick], plan.kind),
        width=np.where(is_repeated, good.width[pick], plan.width),
        background=np.where(is_repeated, good.background[pick], plan.background),
        planted=np.where(is_repeated, good.planted[pick], plan.planted),
        relation=np.where(is_repeated, good.relation[pick], plan.relation),
        is_mirrored=np.where(is_repeated, good.is_mirrored[pick], plan.is_mirrored),
        position=plan.position,
    )


def with_quiet(rng: np.random.Generator, plan: DataPlan, quiet: DataPlan) -> DataPlan:
    """Give one state in four a background that is known to leave conditional blocks alone."""
    count = len(plan)
    pick = rng.integers(0, len(quiet), count)
    is_quiet = rng.random(count) < 0.25
    kind = np.where(rng.random(count) < 0.7, ONE_HOT, CONSTANT)
    return replace(
        plan,
        kind=np.where(is_quiet, kind, plan.kind),
        width=np.where(is_quiet, quiet.width[pick], plan.width),
        background=np.where(is_quiet, quiet.background[pick], plan.background),
        relation=np.where(is_quiet, INDEPENDENT, plan.relation),
        is_mirrored=plan.is_mirrored & ~is_quiet,
    )


def rows_of(plan: DataPlan, rows: NDArray[np.bool_]) -> DataPlan:
    """Keep some rows of a plan."""
    return DataPlan(
        plan.kind[rows],
        plan.width[rows],
        plan.background[rows],
        plan.planted[rows],
        plan.relation[rows],
        plan.is_mirrored[rows],
        plan.position[rows],
    )


def fill(
    rng: np.random.Generator,
    plan: DataPlan,
    symbols: Ints,
    *,
    width_bytes: int,
    window_bytes: int,
    is_float: bool,
) -> Bytes:
    """Make one block's data for states of one width: (N, window_bytes), nothing planted yet.

    symbols: (N, S) patterns of the states.
    """
    count, elements = len(plan), -(-window_bytes // width_bytes)
    dtype = np.dtype(f"<i{width_bytes}")
    out = np.empty((count, elements), dtype=dtype)
    for kind in range(len(_SHARES)):
        rows = np.flatnonzero(plan.kind == kind)
        if len(rows):
            shape = (len(rows), elements)
            out[rows] = _of_kind(
                rng,
                kind,
                shape,
                symbols[rows],
                background=plan.background[rows],
                dtype=dtype,
                is_float=is_float,
            )
    return out.view(np.uint8).reshape(count, -1)[:, :window_bytes]


def _of_kind(
    rng: np.random.Generator,
    kind: int,
    shape: tuple[int, int],
    symbols: Ints,
    *,
    background: Ints,
    dtype: np.dtype[np.signedinteger],
    is_float: bool,
) -> NDArray[np.signedinteger]:
    count, elements = shape
    first = np.take_along_axis(symbols, background[:, None], axis=1)
    if kind in (CONSTANT, ONE_HOT):
        return np.broadcast_to(first, shape).astype(dtype)
    if kind in (UNIFORM, PLANTED):
        return np.frombuffer(rng.bytes(count * elements * dtype.itemsize), dtype).reshape(shape)
    if kind in (PAIR, SEVERAL):
        letters = 2 if kind == PAIR else 6
        picks = rng.integers(0, symbols.shape[1], (count, letters))
        picks[:, 0] = background
        alphabet = np.take_along_axis(symbols, picks, axis=1)
        chosen = rng.integers(0, letters, shape, dtype=np.uint8)
        return np.take_along_axis(alphabet, chosen.astype(np.intp), axis=1).astype(dtype)
    if is_float and dtype.itemsize in (4, 8):
        values = rng.standard_normal(shape) * np.exp2(rng.integers(-12, 13, (count, 1)))
        if kind == SORTED:
            values = np.sort(values, axis=1)
        patterns: NDArray[np.signedinteger] = values.astype(f"<f{dtype.itemsize}").view(dtype)
        return patterns
    return _small_numbers(rng, kind, shape, first, dtype=dtype)


def _small_numbers(
    rng: np.random.Generator,
    kind: int,
    shape: tuple[int, int],
    first: Ints,
    *,
    dtype: np.dtype[np.signedinteger],
) -> NDArray[np.signedinteger]:
    """Numbers close to 0, or in half of the states close to the state's background symbol."""
    count = shape[0]
    spread = rng.integers(1, 100, (count, 1))
    numbers = (rng.integers(-100, 100, shape, dtype=np.int16) % (2 * spread) - spread).astype(dtype)
    numbers += first.astype(dtype) * (rng.random((count, 1)) < 0.5)
    if kind == SORTED:
        numbers = np.sort(numbers, axis=1)
        descending = rng.random(count) < 0.5
        numbers[descending] = numbers[descending, ::-1]
    return numbers
