"""Which units are one build, where their sources are, how they are summed up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from llmcc.ctl.builds import last_build, source_of, summarise, units_of
from llmcc.ctl.stages import Stage, has_reached
from llmcc.outcome import Outcome, OutcomeClass
from llmcc.store.unit_records import UnitRecord
from tests.ctl.conftest import loop, unit

FOLDER = Path("/project")


def _unit(name: str, finished_s: float) -> UnitRecord:
    return unit(loop(Outcome.HAS_CALL), name=name, folder=FOLDER, finished_s=finished_s)


def test_a_pause_of_over_a_minute_ends_a_build() -> None:
    times = {"a.c": 0.0, "b.c": 900.0, "c.c": 961.0, "d.c": 1000.0}
    found = last_build(_unit(name, finished_s) for name, finished_s in times.items())
    assert [record.name for record in found] == ["b.c", "c.c", "d.c"]


def test_a_unit_that_took_minutes_does_not_cut_its_build() -> None:
    slow = replace(_unit("b.c", 500.0), seconds=480.0)
    found = last_build([_unit("a.c", 15.0), slow])
    assert [record.name for record in found] == ["a.c", "b.c"]


def test_a_unit_compiled_twice_in_a_build_counts_once() -> None:
    found = last_build([_unit("a.c", 10.0), _unit("a.c", 20.0)])
    assert [record.finished_s for record in found] == [20.0]


def test_there_is_no_last_build_of_nothing() -> None:
    assert last_build([]) == []
    assert summarise([]).speedup is None


def test_source_has_the_folder_that_gccs_command_gives() -> None:
    record = replace(_unit("a.c", 1.0), command=("gcc", "-c", "x.c", "sub/a.c", "-o", "a.o"))
    assert source_of(record) == Path("/project/sub/a.c")


def test_source_with_an_escaped_name_is_the_only_one_of_the_command() -> None:
    record = replace(_unit(r"gr\303\266\303\237e.c", 1.0), command=("gcc", "-c", "sub/größe.c"))
    assert source_of(record) == Path("/project/sub/größe.c")


def test_source_of_an_unknown_command_is_what_gccs_text_says() -> None:
    assert source_of(replace(_unit("a.c", 1.0), command=())) == Path("/project/a.c")


def test_file_that_is_not_here_is_found_below_any_folder() -> None:
    record = replace(_unit("a.c", 1.0), command=("gcc", "-c", "sub/a.c"))
    assert units_of(Path("sub/a.c"), [record]) == [record]
    assert units_of(Path("b/a.c"), [record]) == []


def test_file_that_is_here_is_not_one_that_was_compiled_nobody_knows_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.c").touch()
    monkeypatch.chdir(tmp_path)
    assert units_of(Path("a.c"), [replace(_unit("a.c", 1.0), folder="", command=())]) == []


def test_link_to_a_source_is_the_source(tmp_path: Path) -> None:
    (tmp_path / "a.c").touch()
    (tmp_path / "link.c").symlink_to("a.c")
    record = replace(_unit("a.c", 1.0), folder=str(tmp_path))
    assert units_of(tmp_path / "link.c", [record]) == [record]


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_its_stage(outcome: Outcome) -> None:
    assert has_reached(outcome, Stage.FOUND)
    assert has_reached(outcome, Stage.ACCEPTED) == (outcome is Outcome.ACCEPTED)
    if outcome.kind is OutcomeClass.REFUSED:
        assert has_reached(outcome, Stage.TRIED)
    if outcome.kind is OutcomeClass.INELIGIBLE:
        assert not has_reached(outcome, Stage.ELIGIBLE)
