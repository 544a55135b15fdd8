"""Exact bounds on a probability from how often something happened. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

_STEPS = 60


@dataclass(frozen=True, slots=True)
class Bounds:
    """A two-sided Clopper-Pearson interval."""

    low: float
    high: float


def clopper_pearson(count: int, trials: int, *, confidence: float = 0.95) -> Bounds:
    """Bound the probability behind `count` of `trials`.

    Source: Clopper and Pearson, Biometrika 26 (1934): the ends are the probabilities under which
    at least, or at most, so many happen with probability (1 - confidence) / 2.
    """
    tail = (1 - confidence) / 2
    low = _root(lambda p: 1 - _at_most(count - 1, trials, p) > tail) if count else 0.0
    high = _root(lambda p: _at_most(count, trials, p) < tail) if count < trials else 1.0
    return Bounds(low, high)


def _root(is_above: Callable[[float], bool]) -> float:
    """Find where a monotone predicate of a probability becomes true."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_above(middle) else (middle, high)
    return (low + high) / 2


def _at_most(count: int, trials: int, p: float) -> float:
    """Probability of at most `count` successes."""
    if p <= 0 or p >= 1:
        return float(p <= 0 or count >= trials)
    return sum(math.exp(_log_probability(k, trials, p)) for k in range(count + 1))


def _log_probability(count: int, trials: int, p: float) -> float:
    ways = math.lgamma(trials + 1) - math.lgamma(count + 1) - math.lgamma(trials - count + 1)
    return ways + count * math.log(p) + (trials - count) * math.log1p(-p)
