"""What `llmcc-ctl stats` counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llmcc.outcome import Outcome
from llmcc.store.records import DecisionStore, RegionDecision
from tests.ctl.conftest import run


@pytest.mark.usefixtures("build")
def test_counts_each_outcome() -> None:
    told = run("stats").splitlines()
    assert told[:9] == [
        "5 loops in 3 units",
        "accepted: 2 (40.0 %)",
        "       2  ACCEPTED: a verified, faster fast path was put in front of the loop",
        "ineligible: 2 (40.0 %)",
        "       1  HAS_CALL: the loop calls a function",
        "       1  TOO_LONG: the loop has more than 64 instructions",
        "not_worth: 1 (20.0 %)",
        "       1  NOT_FASTER: not shown to be at least 2 % faster",
        told[8],
    ]


@pytest.mark.usefixtures("build")
def test_sums_up_the_last_build_and_says_what_the_mean_is_of() -> None:
    told = run("stats").splitlines()
    assert "2 units, 4 loops, 3 tried, 2 accepted; trying them took 5.0 s" in told[8]
    assert told[9] == (
        "  loops with a fast path: 4.00 times gcc's speed "
        "(3.00 to 5.00; geomean of the 2 accepted of 3 tried loops, not of programs)"
    )


@pytest.mark.usefixtures("build")
def test_counts_the_last_build_alone_when_asked() -> None:
    assert run("stats", "--last").startswith("4 loops in 2 units\n")


@pytest.mark.usefixtures("build")
def test_tells_how_long_loops_took(own_cache: Path) -> None:
    for number in range(20):
        decision = RegionDecision(Outcome.NOT_FASTER, evidence={"seconds": number / 10})
        DecisionStore(own_cache).put(f"{number:02x}" * 32, decision)
    DecisionStore(own_cache).put("ff" * 32, RegionDecision(Outcome.NO_PROPOSAL))
    assert (
        "trying a loop took 0.9 s (median of 20), 95 % at most 1.8 s, the longest 1.9 s; "
        "19.0 s in all"
    ) in run("stats").splitlines()


@pytest.mark.usefixtures("build")
def test_tells_the_size_of_the_store(own_cache: Path) -> None:
    (size,) = [line for line in run("stats").splitlines() if line.startswith("the store has")]
    assert size == f"the store has 0.0 MB in 3 files: {own_cache}"


@pytest.mark.usefixtures("build")
def test_tells_the_same_as_json() -> None:
    told = json.loads(run("stats", "--json"))
    assert told["outcomes"] == {"ACCEPTED": 2, "HAS_CALL": 1, "NOT_FASTER": 1, "TOO_LONG": 1}
    assert (told["units"], told["loops"], told["durations"]) == (3, 5, None)
    assert told["last_build"]["tried"] == 3
    assert told["last_build"]["speedup"]["ratio"] == pytest.approx(4.0)
    assert told["store"]["files"] == 3


def test_says_so_when_there_is_nothing_yet() -> None:
    assert run("stats").splitlines()[0] == "no loops yet. Compile something with llmcc."
    assert json.loads(run("stats", "--json"))["last_build"] is None
