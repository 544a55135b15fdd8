"""The order of the work, without doing any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from llmcc.asm.parse import parse
from llmcc.config import Config, read_config
from llmcc.eligibility import Eligibility
from llmcc.optimize.agenda import Agenda
from llmcc.optimize.tasks import (
    Decided,
    DecideTask,
    Dropped,
    Finished,
    FinishTask,
    Surveyed,
    SurveyTask,
    Task,
)
from llmcc.outcome import Outcome
from llmcc.pipeline import Survey
from llmcc.regions.find import find_regions
from llmcc.regions.model import Region
from llmcc.store.records import RegionDecision, SpeedupInterval

ACCEPTED = RegionDecision(Outcome.ACCEPTED, isa="avx2", speedup=SpeedupInterval(2.0, 1.9, 2.1))
REFUSED = RegionDecision(Outcome.NO_PROPOSAL)
ASKED = Eligibility(frozenset(), {}, ())


@pytest.fixture(scope="module")
def region(checkout: Path) -> Region:
    """Some region; the tests change what they want to be different."""
    text = (checkout / "tests" / "golden" / "regions_sum.s").read_text()
    return next(found for found in find_regions(parse(text)) if isinstance(found, Region))


def _surveyed(
    unit: str, regions: Mapping[str, Region], known: Mapping[str, RegionDecision] | None = None
) -> Surveyed:
    survey = Survey((), tuple(regions.values()), ASKED, {r.function: "" for r in regions.values()})
    answers = tuple((known or {}).get(key) for key in regions)
    return Surveyed(unit, f"{unit}.c", _config(), survey, tuple(regions), answers)


def _config() -> Config:
    return read_config({})


def _agenda(surveys: Sequence[Surveyed], weights: Mapping[str, float] | None = None) -> Agenda:
    agenda = Agenda(weights or {})
    agenda.add([survey.unit for survey in surveys])
    for survey in surveys:
        task = agenda.next()
        assert task == SurveyTask(survey.unit)
        agenda.take(task, survey)
    return agenda


def _drain(agenda: Agenda, decision: RegionDecision = REFUSED) -> list[Task]:
    tasks = []
    while (task := agenda.next()) is not None:
        tasks.append(task)
        if isinstance(task, DecideTask):
            agenda.take(task, Decided(task.key, decision))
        elif isinstance(task, FinishTask):
            agenda.take(task, Finished(task.unit, (), is_kept=False))
    return tasks


def _tried(tasks: Sequence[Task]) -> list[str]:
    return [task.key for task in tasks if isinstance(task, DecideTask)]


def test_the_deepest_and_longest_loop_of_all_units_comes_first(region: Region) -> None:
    one = _surveyed("one", {"short": replace(region, depth=1, instruction_count=3)})
    two = _surveyed(
        "two",
        {
            "long": replace(region, depth=1, instruction_count=9),
            "deep": replace(region, depth=2, instruction_count=3),
        },
    )
    assert _tried(_drain(_agenda([one, two]))) == ["deep", "long", "short"]


def test_a_profile_comes_before_depth(region: Region) -> None:
    one = _surveyed("one", {"deep": replace(region, function="cold", depth=3)})
    two = _surveyed("two", {"flat": replace(region, function="hot", depth=1)})
    assert _tried(_drain(_agenda([one, two], {"hot": 60.0}))) == ["flat", "deep"]


def test_a_loop_of_two_units_is_tried_once_and_finishes_both(region: Region) -> None:
    agenda = _agenda([_surveyed("one", {"same": region}), _surveyed("two", {"same": region})])
    tasks = _drain(agenda, ACCEPTED)
    assert _tried(tasks) == ["same"]
    finishes = [task for task in tasks if isinstance(task, FinishTask)]
    assert [task.unit for task in finishes] == ["one", "two"]
    assert [task.answers[0].decision for task in finishes] == [ACCEPTED, ACCEPTED]


def test_a_unit_whose_loops_are_all_known_is_finished_without_trying(region: Region) -> None:
    agenda = _agenda([_surveyed("one", {"known": region}, {"known": REFUSED})])
    (task,) = _drain(agenda)
    assert isinstance(task, FinishTask)
    assert task.answers[0].decision is REFUSED


def test_a_unit_is_stored_before_the_next_loop_is_tried(region: Region) -> None:
    one = _surveyed("one", {"first": replace(region, depth=2)})
    two = _surveyed("two", {"second": replace(region, depth=1)})
    kinds = [type(task) for task in _drain(_agenda([one, two]))]
    assert kinds == [DecideTask, FinishTask, DecideTask, FinishTask]


def test_of_what_is_left_only_units_with_a_fast_path_are_stored(region: Region) -> None:
    one = _surveyed("one", {"in": replace(region, depth=9), "open": region})
    two = _surveyed("two", {"other": region})
    agenda = _agenda([one, two])
    task = agenda.next()
    assert isinstance(task, DecideTask)
    agenda.take(task, Decided(task.key, ACCEPTED))
    (left,) = agenda.unfinished()
    assert left.unit == "one"
    outcomes = [answer.decision.outcome for answer in left.answers]
    assert outcomes == [Outcome.ACCEPTED, Outcome.BUDGET_SPENT]


def test_a_worker_that_died_leaves_an_internal_error(region: Region) -> None:
    agenda = _agenda([_surveyed("one", {"fatal": region})])
    task = agenda.next()
    assert task is not None
    agenda.take(task, None)
    finish = agenda.next()
    assert isinstance(finish, FinishTask)
    assert finish.answers[0].decision.outcome is Outcome.INTERNAL_ERROR


def test_a_unit_that_cannot_be_surveyed_is_counted_with_the_reason() -> None:
    agenda = Agenda({})
    agenda.add(["one", "two"])
    for reply in (Dropped("it is old"), None):
        task = agenda.next()
        assert task is not None
        agenda.take(task, reply)
    assert agenda.dropped == ["it is old", "the worker died"]
    assert agenda.next() is None
