"""Medians with exact intervals: no assumption on how the figures are distributed. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, ldexp

_WANTED = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A median, and bounds for that of all figures that could have been drawn."""

    median: float
    low: float
    high: float
    coverage: float  # chance that the bounds hold; below 0.95 when the figures are too few
    count: int

    def __str__(self) -> str:
        """Say it as the tables do; the chance only when it is below 95 %."""
        if self.count == 1:
            return f"{self.median:.2f}"
        odd = f" ({self.coverage:.0%})" if self.coverage < _WANTED else ""
        return f"{self.median:.3f} [{self.low:.3f}, {self.high:.3f}]{odd}"


def median_interval(figures: Sequence[float]) -> Interval:
    """Take the median and the sign test's interval for it.

    A figure is above the true median as often as below, so the number below is binomial, and the
    k-th lowest and highest are bounds with a known chance. Source: Conover, "Practical
    Nonparametric Statistics", 3rd edition, section 3.2.
    """
    ordered = sorted(figures)
    count = len(ordered)
    left_out = 0
    while left_out + 1 <= (count - 1) // 2 and _coverage(count, left_out + 1) >= _WANTED:
        left_out += 1
    return Interval(
        statistics.median(ordered),
        ordered[left_out],
        ordered[count - 1 - left_out],
        _coverage(count, left_out),
        count,
    )


def ratios(over: Sequence[float], under: Sequence[float]) -> list[float]:
    """Divide figures of the same round."""
    return [above / below for above, below in zip(over, under, strict=True)]


def _coverage(count: int, left_out: int) -> float:
    """Chance that the median lies within the figures when so many are left out at each end."""
    beyond = sum(comb(count, below) for below in range(left_out + 1))
    return 1 - ldexp(beyond, 1 - count)
