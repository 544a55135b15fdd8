"""The estimators against numbers computed by hand and by trying every choice."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcc.training.estimators import (
    best_of_k,
    credit_for_best,
    even_parts,
    geomean_interval,
    mean_interval,
    paired_gain,
    part_of,
    pass_at_k,
)


def test_pass_at_k_by_hand() -> None:
    assert pass_at_k(4, 1, 1) == 0.25
    assert pass_at_k(4, 1, 2) == 0.5
    assert pass_at_k(4, 2, 2) == pytest.approx(5 / 6)
    assert pass_at_k(4, 0, 4) == 0.0
    assert pass_at_k(4, 4, 1) == 1.0


def test_fewer_samples_than_k_count_as_all_there_are() -> None:
    assert pass_at_k(2, 1, 8) == 1.0
    assert pass_at_k(0, 0, 8) == 0.0
    assert best_of_k([1.0, 3.0], 8) == 3.0


@given(st.lists(st.booleans(), min_size=1, max_size=8), st.data())
def test_pass_at_k_is_the_mean_over_every_choice(right: list[bool], data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(right)))
    choices = [any(chosen) for chosen in itertools.combinations(right, k)]
    assert pass_at_k(len(right), sum(right), k) == pytest.approx(sum(choices) / len(choices))


@given(st.lists(st.floats(0.5, 20), min_size=1, max_size=8), st.data())
def test_best_of_k_is_the_mean_over_every_choice(values: list[float], data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(values)))
    choices = [max(chosen) for chosen in itertools.combinations(values, k)]
    assert best_of_k(values, k) == pytest.approx(math.fsum(choices) / len(choices))


def test_credit_for_the_best_of_two_by_hand() -> None:
    # 3 beats 0 and 1 by 3 and 2, 1 beats 0 by 1; each is beside each of the others half the time.
    assert credit_for_best([0.0, 3.0, 1.0], 2) == [0.0, 2.5, 0.5]
    assert credit_for_best([0.0, 3.0, 1.0], 1) == [0.0, 3.0, 1.0]
    assert credit_for_best([2.0, 2.0], 8) == [0.0, 0.0]


@given(st.lists(st.integers(-3, 9).map(float), min_size=2, max_size=7), st.data())
def test_credit_is_what_a_value_adds_to_the_best_over_every_choice(
    values: list[float], data: st.DataObject
) -> None:
    k = data.draw(st.integers(2, len(values)))
    for n, credit in enumerate(credit_for_best(values, k)):
        others = values[:n] + values[n + 1 :]
        gains = [max(0.0, values[n] - max(rest)) for rest in itertools.combinations(others, k - 1)]
        assert credit == pytest.approx(math.fsum(gains) / len(gains))


def test_the_best_of_no_values_is_an_error() -> None:
    with pytest.raises(ValueError, match="no values"):
        best_of_k([], 1)


def alone(count: int) -> list[str]:
    return [f"loop {number}" for number in range(count)]


def test_an_interval_holds_its_figure_and_narrows_with_more_loops() -> None:
    random = np.random.default_rng(1)
    few, many = random.lognormal(0.5, 0.3, 20), random.lognormal(0.5, 0.3, 2000)
    wide, narrow = (geomean_interval(some, alone(len(some)), seed=0) for some in (few, many))
    for interval in (wide, narrow):
        assert interval.low < interval.value < interval.high
    assert narrow.high - narrow.low < (wide.high - wide.low) / 4
    assert narrow.low < math.exp(0.5) < narrow.high


def test_an_interval_of_a_share_covers_as_often_as_it_says() -> None:
    random = np.random.default_rng(2)
    covered = 0
    for trial in range(60):
        shares = (random.random(80) < 0.3).astype(float)
        interval = mean_interval(shares, alone(80), seed=trial)
        covered += interval.low <= 0.3 <= interval.high
    assert covered >= 51


def test_loops_of_one_shape_do_not_narrow_an_interval() -> None:
    values = np.random.default_rng(4).normal(size=30)
    once = mean_interval(values, alone(30), seed=0)
    many = mean_interval(np.repeat(values, 9), np.repeat(alone(30), 9).tolist(), seed=0)
    apart = mean_interval(np.repeat(values, 9), alone(270), seed=0)
    assert (many.low, many.high) == pytest.approx((once.low, once.high))
    assert apart.high - apart.low < (once.high - once.low) / 2


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.array([1.0, 2.0, 4.0, 8.0])
    interval = geomean_interval(values, alone(4), seed=5)
    assert interval == geomean_interval(values, alone(4), seed=5)
    assert interval.value == pytest.approx(2**1.5)


def test_of_no_loops_nothing_is_gained() -> None:
    assert geomean_interval(np.array([]), [], seed=0).value == 1.0
    assert mean_interval(np.array([]), [], seed=0).value == 0.0


def test_pairing_sees_a_small_gain_that_differs_little_between_very_different_loops() -> None:
    old = np.random.default_rng(3).lognormal(1.0, 1.0, 60)
    gain = paired_gain(old * 1.05, old, alone(60), seed=0)
    assert gain.low == pytest.approx(1.05)
    assert gain.value == pytest.approx(1.05)


def test_pairing_refuses_other_loops() -> None:
    with pytest.raises(ValueError, match="2 loops against 3"):
        paired_gain(np.ones(2), np.ones(3), alone(2), seed=0)
    with pytest.raises(ValueError, match="2 values in 3 clusters"):
        paired_gain(np.ones(2), np.ones(2), alone(3), seed=0)


def test_parts_are_fixed_and_of_like_size() -> None:
    parts = [part_of(f"loop {number}", 3) for number in range(3000)]
    assert parts == [part_of(f"loop {number}", 3) for number in range(3000)]
    assert {0, 1, 2} == set(parts)
    assert all(900 < parts.count(part) < 1100 for part in range(3))


def test_groups_go_whole_into_parts_of_about_one_size() -> None:
    chosen = even_parts({"sqlite": 50, "zlib": 20, "lz4": 15, "lua": 10, "cjson": 5}, 2)
    assert chosen == {"sqlite": 0, "zlib": 1, "lz4": 1, "lua": 1, "cjson": 1}
