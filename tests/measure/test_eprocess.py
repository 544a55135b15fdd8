"""The betting test against values computed by hand, and against chance."""

from __future__ import annotations

import math

import numpy as np
import pytest

from llmcc.measure.eprocess import Verdict, judge

FASTER = math.log(1.10)
SAME = 0.0


def test_two_wins_and_a_loss_multiply_as_by_hand():
    # 1.3*1.3*0.7, 1.6*1.6*0.4, 1.9*1.9*0.1
    expected = (1.183 + 1.024 + 0.361) / 3
    found = judge([FASTER, FASTER, SAME])
    assert found.e_value == pytest.approx(expected)
    assert found.verdict is Verdict.CONTINUE
    assert found.placements == 3


def test_nothing_seen_is_an_e_value_of_one():
    assert judge([]).e_value == 1.0


def test_wins_only_are_accepted_at_the_tenth_placement():
    nine = judge([FASTER] * 9)
    assert nine.verdict is Verdict.CONTINUE
    assert nine.e_value == pytest.approx((1.3**9 + 1.6**9 + 1.9**9) / 3)
    found = judge([FASTER] * 30)
    assert found.verdict is Verdict.ACCEPT
    assert found.placements == 10
    assert found.e_value == pytest.approx((1.3**10 + 1.6**10 + 1.9**10) / 3)


def test_losses_only_are_rejected_when_futile():
    # 0.7^n / 3 falls under 0.02 at n = 8: 0.7^8 + 0.4^8 + 0.1^8 = 0.0583
    found = judge([SAME] * 30)
    assert found.verdict is Verdict.REJECT
    assert found.placements == 8
    assert found.e_value == pytest.approx((0.7**8 + 0.4**8 + 0.1**8) / 3)


def test_no_decision_after_all_placements_is_a_rejection():
    found = judge([FASTER, SAME, FASTER] * 20, placements_most=12)
    assert found.verdict is Verdict.REJECT
    assert found.placements == 12


def test_a_mean_below_theta_is_not_accepted_whatever_the_bets_say():
    # nine wins of ten, and one placement so slow that the mean is negative
    sample = [-1.0] + [FASTER] * 9
    found = judge(sample * 3, placements_most=30)
    assert found.verdict is not Verdict.ACCEPT


def test_a_fifth_of_slower_placements_is_not_accepted():
    sample = [math.log(2.0)] * 3 + [math.log(0.9)]
    assert judge(sample * 12).verdict is not Verdict.ACCEPT


def test_exactly_theta_is_a_loss():
    assert judge([math.log1p(0.02)]).e_value == pytest.approx((0.7 + 0.4 + 0.1) / 3)


@pytest.mark.parametrize("spread", [0.001, 0.05, 0.4])
def test_what_is_not_faster_is_accepted_less_often_than_alpha(spread):
    random = np.random.default_rng(3)
    trials = random.normal(math.log1p(0.02), spread, (2000, 48))
    accepted = sum(judge(trial.tolist()).verdict is Verdict.ACCEPT for trial in trials)
    assert accepted <= 0.005 * 2000


def test_identical_code_is_never_accepted_and_ten_per_cent_always():
    random = np.random.default_rng(4)
    same = random.normal(0.0, 0.012, (500, 48))
    assert not any(judge(trial.tolist()).verdict is Verdict.ACCEPT for trial in same)
    faster = random.normal(math.log(1.1), 0.03, (500, 48))
    assert all(judge(trial.tolist()).verdict is Verdict.ACCEPT for trial in faster)
