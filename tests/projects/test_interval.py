"""Medians and their exact intervals."""

from __future__ import annotations

import random
import statistics

import pytest

from tests.projects.interval import median_interval, ratios


def test_takes_the_order_statistics_of_the_sign_test() -> None:
    # Tables of the binomial: with 15 figures the 4th from either end bound the median with 96.5 %.
    interval = median_interval([float(figure) for figure in range(15, 0, -1)])
    assert (interval.median, interval.low, interval.high) == (8.0, 4.0, 12.0)
    assert interval.coverage == pytest.approx(0.96484375)


@pytest.mark.parametrize(("count", "left_out"), [(5, 0), (6, 0), (8, 0), (9, 1), (11, 1), (12, 2)])
def test_leaves_out_no_more_than_95_percent_allow(count: int, left_out: int) -> None:
    interval = median_interval(list(map(float, range(count))))
    assert (interval.low, interval.high) == (left_out, count - 1 - left_out)
    assert (interval.coverage >= 0.95) is (count >= 6)


def test_says_when_figures_are_too_few() -> None:
    assert str(median_interval([1.0, 1.1, 1.2])) == "1.100 [1.000, 1.200] (75%)"
    assert str(median_interval([1.0])) == "1.00"
    assert str(median_interval([1.0] * 6)) == "1.000 [1.000, 1.000]"


def test_bounds_hold_as_often_as_they_say() -> None:
    rng = random.Random(1)
    draws = [median_interval([rng.expovariate(1) for _ in range(9)]) for _ in range(4000)]
    held = statistics.fmean(one.low <= 0.6931 <= one.high for one in draws)
    assert held == pytest.approx(draws[0].coverage, abs=0.012)


def test_figures_of_different_rounds_are_never_divided() -> None:
    assert ratios([2.0, 9.0], [1.0, 3.0]) == [2.0, 3.0]
    with pytest.raises(ValueError, match="shorter"):
        ratios([1.0, 2.0], [1.0])
