"""What each ending is worth under the three rewards."""

import math

import pytest

from llmcc.outcome import Outcome
from llmcc.training.judgement import Judgement
from llmcc.training.rewards import REWARDS, is_about_proposal


def faster(ratio: float, low: float) -> Judgement:
    return Judgement(Outcome.ACCEPTED, 1.0, ratio, low, 2 * ratio)


@pytest.mark.parametrize(
    ("judgement", "lcb", "cgs", "so"),
    [
        (Judgement(Outcome.NO_PROPOSAL), -1.0, -1.0, 0.0),
        (Judgement(Outcome.GATE_BAD_TEXT), -1.0, -1.0, 0.0),
        (Judgement(Outcome.GATE_DOES_NOT_ASSEMBLE), -0.8, -1.0, 0.0),
        (Judgement(Outcome.GATE_CLOBBERS), -0.7, -1.0, 0.0),
        (Judgement(Outcome.CRASHED, 0.9), -0.6, -0.5, 0.0),
        (Judgement(Outcome.TIMED_OUT), -0.6, -0.5, 0.0),
        (Judgement(Outcome.WRONG_OUTPUT, 0.0), -0.5, 0.0, 0.0),
        (Judgement(Outcome.WRONG_OUTPUT, 0.5), -0.35, 0.5, 0.0),
        (Judgement(Outcome.IDENTICAL, 1.0), 0.0, 1.0, 0.0),
        (Judgement(Outcome.NOT_FASTER, 1.0, 1.01, 0.99, 1.03), 0.0, 11.1, 1.01),
        (Judgement(Outcome.NOT_FASTER, 1.0, 0.9, 0.88, 0.92), math.log(0.9), 1.0, 0.0),
        (Judgement(Outcome.NOT_FASTER, 1.0, 0.2, 0.1, 0.3), -0.2, 1.0, 0.0),
        (Judgement(Outcome.NOT_FASTER, 1.0, 0.99, 0.97, 1.01), 0.0, 1.0, 0.0),
        (faster(2.0, 1.5), 0.3 + 2 * math.log(1.5), 21.0, 2.0),
        (faster(9.0, 8.0), 0.3 + 2 * math.log(3.0), 91.0, 9.0),
    ],
)
def test_an_ending_is_worth_what_was_published(
    judgement: Judgement, lcb: float, cgs: float, so: float
) -> None:
    found = {name: reward(judgement) for name, reward in REWARDS.items()}
    assert found == pytest.approx({"lcb": lcb, "cgs": cgs, "so": so})


def test_a_copy_never_pays_more_than_trying() -> None:
    copy = Judgement(Outcome.IDENTICAL, 1.0, 1.3, 1.2, 1.4)
    assert REWARDS["lcb"](copy) == 0.0
    assert REWARDS["so"](copy) == 0.0
    assert REWARDS["cgs"](copy) == 1.0


def test_no_proposal_is_blamed_for_the_machine_or_the_region() -> None:
    assert not is_about_proposal(Judgement(Outcome.MACHINE_TOO_NOISY))
    assert not is_about_proposal(Judgement(Outcome.NOT_A_COUNTED_STATE))
    assert is_about_proposal(Judgement(Outcome.WRONG_OUTPUT))
    assert is_about_proposal(Judgement(Outcome.NOT_FASTER))


def test_every_ending_has_a_reward() -> None:
    for outcome in Outcome:
        for reward in REWARDS.values():
            assert -1.0 <= reward(Judgement(outcome, 0.5)) <= 1.0
