"""Which answers PPO steps on, and what each is paid."""

from functools import partial

import numpy as np
import pytest

from llmcc.outcome import Outcome
from llmcc.training.judgement import Judgement
from llmcc.training.ppo_batches import share_credit, telling_answers, worth_of
from llmcc.training.ppo_settings import Settings
from llmcc.training.rewards import REWARDS
from llmcc.training.rollout import Answer

pytestmark = pytest.mark.train


def test_steps_on_problems_whose_answers_differ_most_and_if_it_can_where_one_earns() -> None:
    def answer(problem: int) -> Answer:
        return Answer(problem, np.array([1, 2]), 1, 1, "", True, 0.0)

    answers = [answer(problem) for problem in (0, 0, 1, 1, 2, 2)]
    chosen = partial(telling_answers, answers, [-5.0, 0.0, 0.5, 1.0, 0.0, 1.0])
    assert chosen(1) == [4, 5]
    assert chosen(2) == chosen(9) == [4, 5, 2, 3]
    assert chosen(9, is_plain=True) == [0, 1, 4, 5, 2, 3]
    assert telling_answers(answers, [-5.0, 0.0, 0.0, 0.0, 0.0, -1.0], 2) == [0, 1, 4, 5]


def test_credit_is_shared_among_the_samples_of_one_problem_only() -> None:
    def answer(problem: int, count: int) -> Answer:
        return Answer(problem, np.array([1, 2]), 1, count, "", True, 0.0)

    answers = [answer(0, 1), answer(1, 2), answer(0, 3), answer(1, 1)]
    # Problem 0: one 1 beside three 0; problem 1: twice less than nothing, and a 2.
    worths = [1.0, -1.0, 0.0, 2.0]
    assert share_credit(answers, worths, best_of=2, of_no_gain=0.0) == [1.0, -1.0, 0.0, 2.0]
    assert share_credit(answers, worths, best_of=1, of_no_gain=0.5) == worths


def test_only_the_first_to_solve_a_problem_earns_the_whole_but_bad_form_always_costs() -> None:
    def answer(count: int) -> Answer:
        return Answer(0, np.array([1, 2]), 1, count, "", True, 0.0)

    answers = [answer(1), answer(1), answer(1), answer(1)]
    credit = partial(share_credit, answers, best_of=3, of_no_gain=0.0)
    assert credit([1.0, 0.0, 0.0, -0.7]) == [1.0, 0.0, 0.0, -0.7]
    # With a second right one a third of the draws of two others is without it.
    assert credit([1.0, 1.0, 0.0, -0.7]) == pytest.approx([1 / 3, 1 / 3, 0.0, -0.7])


def test_to_a_compile_harm_is_no_loss_and_a_copy_no_better_than_nothing_built() -> None:
    wrong = Judgement(Outcome.WRONG_OUTPUT, tests_passed=0.5)
    copy = Judgement(Outcome.IDENTICAL, 1.0)
    faster = Judgement(Outcome.ACCEPTED, 1.0, 2.0, 1.9, 2.1)
    unbuilt = Judgement(Outcome.GATE_BAD_TEXT)
    slower = Judgement(Outcome.NOT_FASTER, 1.0, 0.5, 0.4, 0.6)
    for name, of_copy, of_no_gain in (("lcb", -0.7, 0.0), ("cgs", -1.0, 1.0), ("so", 0.0, 0.0)):
        worth = worth_of(Settings(reward=name))
        assert worth(wrong) == worth(slower) == of_no_gain
        assert worth(copy) == of_copy
        assert worth(faster) == REWARDS[name](faster)
        assert worth(unbuilt) == REWARDS[name](unbuilt) <= of_copy
    assert worth_of(Settings(has_plain_reward=True))(wrong) == REWARDS["lcb"](wrong) < 0
