"""What `llmcc-ctl stats` and `explain` tell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from llmcc.asm.parse import parse
from llmcc.ctl.main import main
from llmcc.native.identity import generation
from llmcc.outcome import Outcome
from llmcc.regions.find import find_regions
from llmcc.regions.model import Region
from llmcc.store.keys import cpu_name, region_key
from llmcc.store.records import DecisionStore, LoopRecord, RegionDecision
from llmcc.store.unit_records import UnitRecord, UnitRecords
from llmcc.toolchain import find_gcc, run_gcc
from tests.interception.conftest import SEARCH

CALLS = "int g(int);\nint f(int n) { int s = 0; while (n--) s += g(n); return s; }\n"
VOLATILE = "int f(volatile int *a, int n) { int s = 0; while (n--) s += *a++; return s; }\n"


def _run(*arguments: str) -> str:
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def counted(own_cache: Path) -> None:
    loops = [Outcome.HAS_CALL, Outcome.HAS_CALL, Outcome.ACCEPTED]
    records = tuple(LoopRecord("f", ".L2", "", RegionDecision(outcome)) for outcome in loops)
    UnitRecords(own_cache).put(UnitRecord("ab" * 32, "a.c", "/p", (), 1.0, 2.0, records))


@pytest.mark.usefixtures("counted")
def test_stats_counts_each_outcome() -> None:
    assert _run("stats").splitlines() == [
        "3 loops",
        "accepted: 1 (33.3 %)",
        "       1  ACCEPTED: a verified, faster fast path was put in front of the loop",
        "ineligible: 2 (66.7 %)",
        "       2  HAS_CALL: the loop calls a function",
    ]


@pytest.mark.usefixtures("counted")
def test_stats_as_json() -> None:
    assert json.loads(_run("stats", "--json")) == {
        "outcomes": {"HAS_CALL": 2, "ACCEPTED": 1},
        "durations": None,
    }


@pytest.mark.usefixtures("counted")
def test_stats_tells_how_long_loops_took(own_cache: Path) -> None:
    for number in range(20):
        decision = RegionDecision(Outcome.NOT_FASTER, evidence={"seconds": number / 10})
        DecisionStore(own_cache).put(f"{number:02x}" * 32, decision)
    DecisionStore(own_cache).put("ff" * 32, RegionDecision(Outcome.NO_PROPOSAL))
    assert _run("stats").splitlines()[-1] == (
        "trying a loop took 0.9 s (median of 20), 95 % at most 1.8 s, the longest 1.9 s"
    )


def test_stats_of_nothing_says_so() -> None:
    assert _run("stats") == "no loops yet. Compile something with llmcc.\n"


def test_explain_names_the_outcome_and_the_reason(tmp_path: Path) -> None:
    source = tmp_path / "a.c"
    source.write_text(CALLS)
    told = _run("explain", str(source))
    assert ": HAS_CALL\n  the loop calls a function\n" in told
    assert told.endswith("1 loops, 0 with a fast path\n")


def test_explain_shows_what_gcc_says_of_volatile_code(tmp_path: Path) -> None:
    source = tmp_path / "a.c"
    source.write_text(VOLATILE)
    (record,) = json.loads(_run("explain", str(source), "--json"))
    assert record["outcome"] == "MAY_BE_VOLATILE"
    assert "{v}" in record["detail"]


def test_explain_takes_gccs_options(tmp_path: Path) -> None:
    source = tmp_path / "a.c"
    source.write_text("#ifdef LOOP\n" + CALLS + "#endif\nint x;\n")
    assert _run("explain", str(source)).startswith("0 loops")
    assert _run("explain", str(source), "-O2", "-DLOOP").endswith("1 loops, 0 with a fast path\n")


def test_explain_tells_gccs_errors(tmp_path: Path) -> None:
    source = tmp_path / "a.c"
    source.write_text("int f( {\n")
    result = CliRunner().invoke(main, ["explain", str(source)])
    assert result.exit_code == 1
    assert "expected" in result.output


def test_explain_shows_the_level_of_a_fast_path(tmp_path: Path, own_cache: Path) -> None:
    source = tmp_path / "a.c"
    source.write_text(SEARCH)
    done = run_gcc(
        [str(find_gcc()), "-O3", "-S", "-o", "-", str(source)], cwd=tmp_path, timeout_s=20
    )
    (region,) = find_regions(parse(done.stdout.decode("latin-1")))
    assert isinstance(region, Region)
    key = region_key(
        region, generation=generation(), cpu=cpu_name(), proposer="embedded 8 0 tested"
    )
    decision = RegionDecision(
        Outcome.ACCEPTED,
        isa="avx2",
        rewrite="\tjmp\t.LH\n",
        level="bounded(40)",
        level_detail="why",
    )
    DecisionStore(own_cache).put(key, decision)
    assert "  level bounded(40): why" in _run("explain", str(source)).splitlines()
