"""What `llmcc-ctl explain` tells."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from llmcc.asm.parse import parse
from llmcc.ctl.explain import loop_lines
from llmcc.native.identity import generation
from llmcc.outcome import Outcome
from llmcc.regions.find import find_regions
from llmcc.regions.model import Region
from llmcc.store.keys import cpu_name, region_key
from llmcc.store.records import DecisionStore, LoopRecord, RegionDecision
from llmcc.toolchain import find_gcc, run_gcc
from tests.ctl.conftest import ACCEPTED, LOOP, failing, run
from tests.interception.conftest import SEARCH

CALLS = "int g(int);\nint f(int n) { int s = 0; while (n--) s += g(n); return s; }\n"
VOLATILE = "int f(volatile int *a, int n) { int s = 0; while (n--) s += *a++; return s; }\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.c"
    path.write_text(CALLS)
    return path


def test_names_the_outcome_and_the_reason(source: Path) -> None:
    told = run("explain", str(source))
    assert ": HAS_CALL\n  the loop calls a function\n" in told
    assert told.endswith("1 loop, 0 with a fast path\n")


def test_shows_what_gcc_says_of_volatile_code(source: Path) -> None:
    source.write_text(VOLATILE)
    (record,) = json.loads(run("explain", str(source), "--json"))
    assert record["outcome"] == "MAY_BE_VOLATILE"
    assert "{v}" in record["detail"]


def test_takes_gccs_options(source: Path) -> None:
    source.write_text("#ifdef LOOP\n" + CALLS + "#endif\nint x;\n")
    assert run("explain", str(source)).startswith("0 loops")
    assert run("explain", str(source), "-O2", "-DLOOP").endswith("1 loop, 0 with a fast path\n")


def test_tells_gccs_errors(source: Path) -> None:
    source.write_text("int f( {\n")
    assert "expected" in failing("explain", str(source))


def test_shows_the_level_of_a_fast_path(source: Path, own_cache: Path) -> None:
    source.write_text(SEARCH)
    done = run_gcc(
        [str(find_gcc()), "-O3", "-S", "-o", "-", str(source)], cwd=source.parent, timeout_s=20
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
    assert "  level bounded(40): why" in run("explain", str(source)).splitlines()


@pytest.mark.usefixtures("build")
def test_tells_what_is_recorded_without_the_source() -> None:
    told = run("explain", "a.c")
    assert "  by gcc -O3 -c a.c\n" in told
    assert "sum .L3: ACCEPTED\n" in told
    assert told.endswith("3 loops, 2 with a fast path\n")


def test_tells_what_is_recorded_wherever_it_is_asked(
    build: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    (build / "a.c").write_text(CALLS)
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert "sum .L3: ACCEPTED\n" in run("explain", str(build / "a.c"))


def test_says_that_the_source_has_changed_since(build: Path) -> None:
    (build / "a.c").write_text(CALLS)
    os.utime(build / "a.c", (999.0, 999.0))
    assert "changed" not in run("explain", str(build / "a.c"))
    os.utime(build / "a.c", (2000.0, 2000.0))
    assert "it has changed since: --fresh compiles it now" in run("explain", str(build / "a.c"))


@pytest.mark.parametrize("arguments", [("--fresh",), ("-O3",)])
def test_compiles_when_told_to_although_there_is_a_record(
    build: Path, arguments: tuple[str, ...]
) -> None:
    (build / "a.c").write_text(CALLS)
    assert "HAS_CALL" in run("explain", str(build / "a.c"), *arguments)


@pytest.mark.usefixtures("build")
def test_tells_of_one_function() -> None:
    assert [loop["function"] for loop in json.loads(run("explain", "a.c:top", "--json"))] == ["top"]


@pytest.mark.usefixtures("build")
def test_names_the_functions_when_the_asked_one_has_no_loop() -> None:
    assert "there are loops in slow, sum, top. A loop that gcc inlined" in failing(
        "explain", "a.c:nothing"
    )


def test_says_what_to_do_about_an_unknown_file() -> None:
    assert "llmcc has compiled none of that name" in failing("explain", "nowhere.c")


def test_sets_listings_side_by_side_where_there_is_room() -> None:
    lines = loop_lines(LoopRecord("f", ".L2", LOOP, ACCEPTED), width=120)
    (row,) = [line for line in lines if "addl         (%rdi), %eax" in line]
    assert "vpaddd       (%rdi), %ymm0, %ymm0" in row


@pytest.mark.parametrize("width", [0, 80])
def test_sets_listings_one_above_the_other_where_there_is_not(width: int) -> None:
    lines = loop_lines(LoopRecord("f", ".L2", LOOP, ACCEPTED), width=width)
    (row,) = [line for line in lines if "addl         (%rdi), %eax" in line]
    assert "vpaddd" not in row


def test_shows_times_by_trip_count_and_the_tests() -> None:
    told = "\n".join(loop_lines(LoopRecord("f", ".L2", LOOP, ACCEPTED), width=0))
    assert "2.00 times gcc's speed (between 1.50 and 2.50) with avx2" in told
    assert (
        "  3.00x (2.90 to 3.10) of   1,200.0 ns at trip counts large, within 501 to 5,000" in told
    )
    assert "machine states tested: 10,864" in told
    assert "share of one-instruction mutants the tests notice: 0.97" in told


@pytest.mark.usefixtures("build")
def test_has_no_colour_off_a_terminal() -> None:
    assert "\x1b" not in run("explain", "a.c")


def test_has_colour_and_columns_on_a_terminal(llmcc: Path, build: Path) -> None:
    told = _on_a_terminal([str(llmcc.with_name("llmcc-ctl")), "explain", "a.c"], build, columns=120)
    assert "\x1b[32m" in told
    assert any("addl" in line and "vpaddd" in line for line in told.splitlines())


def test_has_no_colour_when_the_user_wants_none(llmcc: Path, build: Path) -> None:
    command = [str(llmcc.with_name("llmcc-ctl")), "explain", "a.c"]
    assert "\x1b" not in _on_a_terminal(command, build, columns=120, no_color="1")


def _on_a_terminal(command: list[str], folder: Path, *, columns: int, no_color: str = "") -> str:
    ours, theirs = pty.openpty()
    environ = {**os.environ, "COLUMNS": str(columns), "LINES": "40", "NO_COLOR": no_color}
    with subprocess.Popen(command, cwd=folder, env=environ, stdout=theirs) as process:
        os.close(theirs)
        told = b""
        try:
            while part := os.read(ours, 1 << 16):
                told += part
        except OSError:
            pass  # how Linux tells that the other end is closed
        assert process.wait() == 0
    os.close(ours)
    return told.decode()


def test_nothing_of_a_name_reaches_the_terminal_unescaped() -> None:
    told = "\n".join(loop_lines(LoopRecord("f\x1b]0;x\x07", ".L2", "", ACCEPTED), width=0))
    assert "\x1b]0" not in told
    assert "\x07" not in told
