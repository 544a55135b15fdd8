"""Unbiased figures from samples, and intervals over loops. Pure.

A loop is the unit of everything: samples of one loop depend on each other, so intervals are drawn
over loops, never over samples.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

_BOOTSTRAPS = 2000


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


def pass_at_k(sample_count: int, right_count: int, k: int) -> float:
    """Estimate the chance that one of `k` samples is right: 1 - C(n-c, k) / C(n, k).

    Chen et al. 2021, "Evaluating large language models trained on code", equation 1. With fewer
    than `k` samples, k is their number; without samples the chance is 0.
    """
    k = min(k, sample_count)
    if k == 0:
        return 0.0
    return 1.0 - math.comb(sample_count - right_count, k) / math.comb(sample_count, k)


def best_of_k(values: Sequence[float], k: int) -> float:
    """Estimate the mean of the largest of `k` values drawn without putting back.

    The i-th smallest of n is the largest of C(i-1, k-1) of the C(n, k) choices. With fewer than `k`
    values, k is their number.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("the best of no values")
    k = min(k, len(values))
    ways = [math.comb(rank, k - 1) for rank in range(len(values))]
    weighted = (way * value for way, value in zip(ways, sorted(values), strict=True))
    return math.fsum(weighted) / math.comb(len(values), k)


def geomean(values: Values) -> float:
    """The geometric mean of positive values; 1.0 of none."""
    return float(np.exp(np.log(values).mean())) if len(values) else 1.0


def mean(values: Values) -> float:
    """The arithmetic mean; 0.0 of none."""
    return float(values.mean()) if len(values) else 0.0


def bootstrap(values: Values, statistic: Callable[[Values], float], *, seed: int) -> Interval:
    """A statistic of one value a loop with its 95 % percentile interval over loops.

    Efron and Tibshirani 1993, "An introduction to the bootstrap", chapter 13.
    """
    if len(values) == 0:
        nothing = statistic(values)
        return Interval(nothing, nothing, nothing)
    random = np.random.default_rng(seed)
    drawn = random.integers(len(values), size=(_BOOTSTRAPS, len(values)))
    low, high = np.quantile([statistic(values[rows]) for rows in drawn], (0.025, 0.975))
    return Interval(statistic(values), float(low), float(high))


def paired_gain(new: Values, old: Values, *, seed: int) -> Interval:
    """The geometric mean of new / old with its 95 % interval over loops; over 1: new is better.

    Args:
        new, old: positive, one value a loop, of the same loops in the same order.
        seed: of the bootstrap.

    Raises:
        ValueError: the two are not equally long.
    """
    if len(new) != len(old):
        raise ValueError(f"{len(new)} loops against {len(old)}")
    return bootstrap(new / old, geomean, seed=seed)


def part_of(key: str, parts: int) -> int:
    """Put a key into one of `parts` disjoint parts, 0 to parts - 1, the same way every time."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest()) % parts
