"""The journal and the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.evidence.machine_facts import MachineFacts
from tests.projects.large_projects import LUA, ZSTD
from tests.projects.outputs import SuiteResult
from tests.projects.report import build_ratio, page, speed
from tests.projects.result import AGAIN, GCC, LLMCC, Filled, Journal, ProjectResult, Timed

MACHINE = MachineFacts("a CPU", 2, "Linux", "12.2", "abc", "0 0 0", "the command", "today")
FILLED = Filled(
    mode="record",
    build_s=5.0,
    optimise_s=150.0,
    tests=SuiteResult(0, 20, 0),
    recorded=36,
    left=2,
    units=34,
    outcomes={"HAS_CALL": 95, "WRONG_OUTPUT": 2, "INTERNAL_ERROR": 1, "ACCEPTED": 2},
    hot={"luaV_execute": {"HAS_CALL": 3}},
    accepted_in=("luaS_hash",),
    seconds_a_loop=1.8,
)
RESULT = ProjectResult(
    name="lua5.4",
    version="5.4.4-3",
    filled=FILLED,
    in_sync=replace(FILLED, mode="sync", optimise_s=0.0),
    build_s={GCC: (10.0,) * 7, AGAIN: (10.0,) * 7, LLMCC: (10.4,) * 7},
    tests={name: SuiteResult(0, 20, 0) for name in (GCC, LLMCC)},
    timed=(
        Timed("tables", False, {GCC: (1.0,) * 6, AGAIN: (1.0,) * 6, LLMCC: (0.8,) * 6}),
        Timed("rate", True, {GCC: (100.0,) * 6, AGAIN: (101.0,) * 6, LLMCC: (150.0,) * 6}),
    ),
    text_bytes={GCC: 1000, AGAIN: 1000, LLMCC: 1012},
    problems=(),
    seconds=600.0,
)


def test_a_journal_gives_back_the_last_result_of_each_project(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "new" / "record.jsonl")
    assert journal.results() == {}
    journal.add(replace(RESULT, problems=("was wrong",)))
    journal.add(RESULT)
    journal.add(replace(RESULT, name="zlib", in_sync=None))
    assert journal.results() == {
        "lua5.4": RESULT,
        "zlib": replace(RESULT, name="zlib", in_sync=None),
    }


def test_above_one_is_faster_for_seconds_and_for_rates() -> None:
    seconds, rate = RESULT.timed
    assert speed(seconds, LLMCC).median == pytest.approx(1.25)
    assert speed(rate, LLMCC).median == pytest.approx(1.5)
    assert speed(rate, AGAIN).median == pytest.approx(1.01)
    assert build_ratio(RESULT, LLMCC).median == pytest.approx(1.04)


def test_the_page_tells_builds_tests_loops_speeds_and_what_is_missing() -> None:
    text = page({"lua5.4": RESULT}, [LUA, ZSTD], machine=MACHINE, mode="record")
    assert "Command: `the command`. Date: today." in text
    assert "| 34 | 10.0 s | 5.0 s | 150 s | 1.000 [1.000, 1.000] | 1.040 [1.040, 1.040] |" in text
    assert "| 20, exit code 0 | 20, exit code 0 | 20, exit code 0 | **0** |" in text
    assert "1.040 [1.040, 1.040] over 7 rounds: met." in text
    assert "| lua5.4 | 36 | 2 | 100 | 4 | 2 | 1 | 1.80 | 1,000 | 1,012 | 1.20 % |" in text
    assert "| lua5.4 | tables | 6 | 1.250 [1.250, 1.250] | 1.000 [1.000, 1.000] |" in text
    assert "| HAS_CALL | 95.0 |" in text
    assert "`luaV_execute`: 3 HAS_CALL; `luaH_getint`: no loop under this name" in text
    assert text.endswith("Nothing.\n\n**Not done** when this was written: zstd.\n")


def test_the_page_names_every_difference_and_a_missed_target() -> None:
    wrong = replace(
        RESULT,
        problems=("build says more: ['x']",),
        build_s={GCC: (10.0,), AGAIN: (10.0,), LLMCC: (10.6,)},
    )
    text = page({"lua5.4": wrong}, [LUA], machine=MACHINE, mode="record")
    assert "- lua5.4: build says more: ['x']" in text
    assert "| **1** |" in text
    assert "1.06 over 1 rounds: **missed**." in text
