"""Trip counts, and the starts and bounds that make a loop's head run so many times.

All arrays are (N,) int64 and wrap as registers do. See `Latch` for what a trip count is.
"""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray

from llmcc.regions.model import Induction, Latch
from llmcc.states.model import Recipe

Ints = NDArray[np.int64]

_LARGEST = 4096
_UNLIMITED = 1 << 32
# Counters of 8 bits in the lanes of vectors of 16 to 64 bytes overflow in this range.
_LONG = (16 * 255, 64 * 256 + 600)


class Length(Enum):
    """How long the runs of a batch are, and the longest window of memory they work on."""

    SMALL = 0  # every trip count up to the recipe's `small_trip`
    LARGE = 64 << 10  # powers of two up to 4096, and one more or less
    LONG = 160 << 10  # some 4,000 to 17,000
    HUGE = 1070 << 10  # so many bytes that 16-bit counters in 16 lanes overflow

    @property
    def window_bytes(self) -> int:
        """Longest window; 0: no limit but the trip count's."""
        return self.value


def draw_trips(
    rng: np.random.Generator, recipe: Recipe, count: int, *, length: Length, limit: int
) -> Ints:
    """Draw trip counts 1..limit of the given length."""
    match length:
        case Length.SMALL:
            return _small(rng, count, limit=max(1, min(limit, recipe.small_trip)))
        case Length.LARGE:
            return _near_powers(rng, recipe, count, limit=limit)
        case Length.LONG:
            least, most = (min(bound, limit) for bound in _LONG)
            return rng.integers(least, most + 1, count)
        case Length.HUGE:
            return rng.integers(limit - limit // 64, limit + 1, count)


def _small(rng: np.random.Generator, count: int, *, limit: int) -> Ints:
    """Each about equally often, the smallest more often."""
    small = rng.integers(1, min(limit, 20) + 1, count)
    return np.where(rng.random(count) < 0.3, small, rng.integers(1, limit + 1, count))


def _near_powers(rng: np.random.Generator, recipe: Recipe, count: int, *, limit: int) -> Ints:
    """Powers of two, one less and one more, above the small trip counts."""
    powers = [1 << n for n in range(5, 13) if recipe.small_trip < 1 << n <= min(limit, _LARGEST)]
    near = [power + step for power in powers for step in (-1, 0, 1) if power + step <= limit]
    return rng.choice(np.array(near or [limit]), count)


def starts(
    rng: np.random.Generator, recipe: Recipe, trips: Ints, *, pointers: set[str]
) -> dict[str, Ints]:
    """Draw the start of every induction that is no pointer."""
    by_constant = {latch.induction: latch for latch in recipe.latches if latch.bound is None}
    has_latch = {latch.induction: latch for latch in recipe.latches}
    found: dict[str, Ints] = {}
    for induction in recipe.inductions:
        name = induction.register
        if name in pointers:
            continue
        if latch := by_constant.get(name):
            found[name] = _start_for_constant(rng, latch, induction, trips)
        elif (latch := has_latch.get(name)) and _falls_unsigned(latch, induction):
            # It must not run through zero, which is where bounds and starts are drawn most.
            found[name] = _any_start(rng, recipe, induction, len(trips)) - trips * induction.step
        elif latch or induction.step > 0:
            found[name] = _any_start(rng, recipe, induction, len(trips))
        else:
            # Nothing bounds it in a form we know: counting down to 0 or -1 is what code does.
            near = trips * -induction.step + rng.integers(0, 2, len(trips)) * induction.step
            # Code that looks at the low half only must not mind the upper one.
            upper = rng.integers(1, 1 << 20, len(trips)) << 32
            may_be_far = name not in recipe.zero_extended and name not in recipe.near_indexes
            is_far = (rng.random(len(trips)) < 0.06) & may_be_far
            found[name] = near + np.where(is_far, upper, 0)
    if recipe.crossing and recipe.crossing[1] in found and recipe.crossing[0] in found:
        rising, falling = recipe.crossing
        found[falling] = found[rising] + meeting_distance(rng, recipe, trips)
    return found


def _falls_unsigned(latch: Latch, induction: Induction) -> bool:
    return induction.step < 0 and latch.condition in ("a", "ae")


def meeting_distance(rng: np.random.Generator, recipe: Recipe, trips: Ints) -> Ints:
    """How far apart the crossing inductions start, so that they meet after about `trips` passes."""
    assert recipe.crossing is not None
    steps = {induction.register: induction.step for induction in recipe.inductions}
    closing = steps[recipe.crossing[0]] - steps[recipe.crossing[1]]
    return trips * closing - rng.integers(0, closing + 1, len(trips))


def _any_start(rng: np.random.Generator, recipe: Recipe, induction: Induction, count: int) -> Ints:
    draw = rng.random(count)
    near = rng.integers(0, 100, count)
    if induction.register in recipe.zero_extended or induction.register in recipe.near_indexes:
        return np.where(draw < 0.6, 0, near)
    if induction.register in recipe.indexes:
        far = rng.integers(-(1 << 34), 1 << 34, count)
        return np.where(draw < 0.6, 0, np.where(draw < 0.96, near, far))
    far = rng.integers(-(1 << 30), 1 << 30, count)
    return np.where(draw < 0.4, 0, np.where(draw < 0.7, near, far))


def _start_for_constant(
    rng: np.random.Generator, latch: Latch, induction: Induction, trips: Ints
) -> Ints:
    """Find the start from which the test against a constant fails first at `trips`."""
    assert latch.bound_value is not None
    offset = _bound_offset(rng, latch, induction.step, trips)
    return latch.bound_value - offset - _passes(latch, trips) * induction.step


def bound_of(
    rng: np.random.Generator, latch: Latch, *, start: Ints, step: int, trips: Ints
) -> Ints:
    """Find the bound at which the head runs `trips` times from `start`."""
    return start + _passes(latch, trips) * step + _bound_offset(rng, latch, step, trips)


def _passes(latch: Latch, trips: Ints) -> Ints:
    return trips if latch.is_advanced else trips - 1


def _bound_offset(rng: np.random.Generator, latch: Latch, step: int, trips: Ints) -> Ints:
    """Bound minus the tested value x at the test that fails; see the conditions in `Latch`.

    Going up, `x < bound` fails first where x - step < bound <= x, and so on for the others.
    """
    size = abs(step)
    count = len(trips)
    inside = rng.integers(0, size, count)
    passed = np.where((trips == 1) & (rng.random(count) < 0.5), rng.integers(0, 1000, count), 0)
    match latch.condition, step > 0:
        case "ne", _:
            return np.zeros_like(trips)
        case (("b" | "l"), True):
            return -inside - passed
        case (("be" | "le"), True):
            return -inside - 1 - passed
        case (("a" | "g"), False):
            return inside + passed
        case (("ae" | "ge"), False):
            return inside + 1 + passed
        case (("a" | "g"), True):
            return inside + passed  # holds only by wrapping round: once
        case (("ae" | "ge"), True):
            return inside + 1 + passed
        case (("b" | "l"), False):
            return -inside - passed
        case (("be" | "le"), False):
            return -inside - 1 - passed
        case _:  # "e"
            return inside + 1


def largest_trip(latches: tuple[Latch, ...], recipe: Recipe) -> int:
    """Tell how many passes the latches allow at all: 1 when the test cannot hold twice."""
    steps = {induction.register: induction.step for induction in recipe.inductions}
    for latch in latches:
        is_up = steps[latch.induction] > 0
        goes_on_above = latch.condition in ("a", "ae", "g", "ge")
        if latch.condition != "ne" and (latch.condition == "e" or goes_on_above == is_up):
            return 1
    return _UNLIMITED
