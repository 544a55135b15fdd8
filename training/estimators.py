"""Unbiased figures from samples, and intervals over loops. Pure.

Samples of one loop depend on each other, and so do loops of one shape: intervals are drawn over
clusters of loops, never over samples.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
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


def credit_for_best(values: Sequence[float], k: int) -> list[float]:
    """Say of each value how much it raises the largest of `k`: the mean of max(0, it - the rest's).

    The rest are k - 1 of the others, drawn without putting back; with k = 1 a value is its own
    credit. With fewer than `k` values, k is their number.
    Source: Walder and Karkhanis, "Pass@K Policy Optimization", arXiv:2505.15201, the estimator of
    the gradient of max@k with the baseline that leaves one out (section 4).
    """
    k = min(k, len(values))
    if k <= 1:
        return list(values)
    draws = math.comb(len(values) - 1, k - 1)
    credit = [0.0] * len(values)
    order = sorted(range(len(values)), key=values.__getitem__)
    for place, n in enumerate(order):
        # The other at `rank` among the smaller ones is the largest of C(rank, k - 2) choices.
        for rank, other in enumerate(order[:place]):
            ways = math.comb(rank, k - 2)
            credit[n] += ways / draws * (values[n] - values[other])
    return credit


def geomean(values: Values) -> float:
    """The geometric mean of positive values; 1.0 of none."""
    return float(np.exp(np.log(values).mean())) if len(values) else 1.0


def mean_interval(values: Values, clusters: Sequence[str], *, seed: int) -> Interval:
    """The mean of one value a loop with its 95 % percentile interval; 0.0 of none.

    Whole clusters are drawn: loops that are alike are one piece of evidence, not several.
    Efron and Tibshirani 1993, "An introduction to the bootstrap", chapter 13; drawing clusters:
    Cameron, Gelbach and Miller 2008, "Bootstrap-based improvements for inference with clustered
    errors", section III.

    Args:
        values: one a loop.
        clusters: the name of each loop's cluster.
        seed: of the draws.

    Raises:
        ValueError: the two are not equally long.
    """
    if len(values) != len(clusters):
        raise ValueError(f"{len(values)} values in {len(clusters)} clusters")
    if len(values) == 0:
        return Interval(0.0, 0.0, 0.0)
    _, cluster_of = np.unique(np.asarray(clusters), return_inverse=True)
    sizes = np.bincount(cluster_of)
    sums = np.bincount(cluster_of, weights=values)
    drawn = np.random.default_rng(seed).integers(len(sizes), size=(_BOOTSTRAPS, len(sizes)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return Interval(float(values.mean()), float(low), float(high))


def geomean_interval(values: Values, clusters: Sequence[str], *, seed: int) -> Interval:
    """The geometric mean of positive values as `mean_interval` gives the mean; 1.0 of none."""
    logs = mean_interval(np.log(values), clusters, seed=seed)
    return Interval(math.exp(logs.value), math.exp(logs.low), math.exp(logs.high))


def paired_gain(new: Values, old: Values, clusters: Sequence[str], *, seed: int) -> Interval:
    """The geometric mean of new / old with its 95 % interval; over 1: new is better.

    Args:
        new, old: positive, one value a loop, of the same loops in the same order.
        clusters: as in `mean_interval`.
        seed: of the bootstrap.

    Raises:
        ValueError: they are not equally long.
    """
    if len(new) != len(old):
        raise ValueError(f"{len(new)} loops against {len(old)}")
    return geomean_interval(new / old, clusters, seed=seed)


def part_of(key: str, parts: int) -> int:
    """Put a key into one of `parts` disjoint parts, 0 to parts - 1, the same way every time."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest()) % parts


def even_parts(sizes: Mapping[str, int], parts: int) -> dict[str, int]:
    """Put groups, whole, into parts 0 to parts - 1 of about one size: the largest first."""
    filled = [0] * parts
    chosen: dict[str, int] = {}
    for name in sorted(sizes, key=lambda name: (-sizes[name], name)):
        chosen[name] = filled.index(min(filled))
        filled[chosen[name]] += sizes[name]
    return chosen
