"""Levels are named, compared with what the user requires, and kept with the decision."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmcc.config import BadSetting, read_config
from llmcc.outcome import Outcome
from llmcc.prove.level import PROVED, Level, from_tests, from_trips, is_enough
from llmcc.rewrite_region import with_level
from llmcc.store.records import DecisionStore, RegionDecision

TESTED, BOUNDED = from_tests(10_000, 0.953, "no semantics of addps"), from_trips(40)
ACCEPTED = RegionDecision(Outcome.ACCEPTED, isa="avx2", rewrite="\tjmp\t.LH\n")


def test_levels_say_what_was_shown() -> None:
    assert (TESTED.text, BOUNDED.text, PROVED.text) == (
        "tested(10000, 0.95)", "bounded(40)", "proved",
    )  # fmt: skip
    assert TESTED.sentence == "tested only: no semantics of addps"
    assert "trip counts 1 to 40" in BOUNDED.sentence
    assert "all register contents" in PROVED.sentence


@pytest.mark.parametrize(
    ("level", "required", "expected"),
    [
        (TESTED, "tested", True),
        (TESTED, "bounded", False),
        (TESTED, "proved", False),
        (BOUNDED, "tested", True),
        (BOUNDED, "bounded", True),
        (BOUNDED, "proved", False),
        (PROVED, "bounded", True),
        (PROVED, "proved", True),
    ],
)
def test_a_weaker_level_than_required_is_not_accepted(
    level: Level, required: str, expected: bool
) -> None:
    decision = with_level(ACCEPTED, level, required=required)
    assert is_enough(level.text, required) is expected
    if expected:
        assert (decision.outcome, decision.level) == (Outcome.ACCEPTED, level.text)
    else:
        assert (decision.outcome, decision.level) == (Outcome.LEVEL_NOT_REACHED, "")
        assert level.text in decision.detail


def test_no_level_is_not_enough_for_anything() -> None:
    assert not is_enough("", "tested")


def test_the_store_keeps_the_level(tmp_path: Path) -> None:
    store = DecisionStore(tmp_path)
    decision = with_level(ACCEPTED, BOUNDED, required="tested")
    store.put("ab" * 32, decision)
    found = store.get("ab" * 32)
    assert found == decision
    assert found is not None
    assert (found.level, found.level_detail) == ("bounded(40)", BOUNDED.sentence)


@pytest.mark.parametrize("name", ["tested", "bounded", "proved"])
def test_the_requirement_is_read_from_the_environment(name: str) -> None:
    assert read_config({"LLMCC_REQUIRE": name}).require == name


def test_nothing_more_than_tests_is_required_unless_told() -> None:
    assert read_config({}).require == "tested"


def test_another_word_is_a_bad_setting() -> None:
    with pytest.raises(BadSetting, match="LLMCC_REQUIRE: 'certain' is not one of tested, bounded"):
        read_config({"LLMCC_REQUIRE": "certain"})
