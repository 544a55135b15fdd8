"""After a link the user's tests are run, and rewrites that fail them are found and refused."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from llmcc.ctl.main import main as ctl
from llmcc.outcome import Outcome
from llmcc.store.records import DecisionStore, RegionDecision
from llmcc.store.unit_records import UnitRecords, count_outcomes
from llmcc.switches.files import read_switches
from tests.interception.conftest import Compiler
from tests.interception.planted import (
    BAD_INPUT,
    function,
    main_of,
    plant,
    run,
    write_program,
    write_tests,
)

NAMES = ("right_a", "wrong_b", "right_c")
SYNC = {"LLMCC_MODE": "sync"}
TESTS = {**SYNC, "LLMCC_TESTS": "tests"}
CHECK = "./p < tests/2.in > got && cmp got tests/2.out"
FOUND = {"right_a": True, "wrong_b": False, "right_c": True}
ALL_ON = dict.fromkeys(NAMES, True)


def build(compiler: Compiler, arguments: Sequence[str], **environ: str) -> None:
    """Compile or link: gcc's own silence and exit code."""
    done = compiler.run(arguments, **environ)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def states(path: Path) -> dict[str, bool]:
    """Tell which functions' fast paths are on in a file."""
    return {switch.name.function: switch.is_on for switch in read_switches(path)}


def log(compiler: Compiler) -> str:
    path = compiler.cache / "llmcc.log"
    return path.read_text() if path.exists() else ""


def decision(compiler: Compiler, path: Path, name: str) -> RegionDecision:
    (key,) = [s.name.key for s in read_switches(path) if s.name.function == name]
    found = DecisionStore(compiler.cache).get(key)
    assert found is not None
    return found


@pytest.fixture
def program(compiler: Compiler) -> Path:
    """Where the program will be; its sources, tests and store are there."""
    write_program(compiler, NAMES)
    return compiler.folder / "p"


def test_a_wrong_rewrite_is_switched_off_in_the_program_and_refused(
    compiler: Compiler, program: Path
) -> None:
    build(compiler, ["-O3", "main.c", "loops.c", "-o", "p"], **TESTS)

    assert states(program) == FOUND
    assert run(program, BAD_INPUT) == (compiler.folder / "tests/2.out").read_bytes()
    refused = decision(compiler, program, "wrong_b")
    assert refused.outcome is Outcome.FAILED_USER_TEST
    assert refused.detail.startswith(f"{compiler.folder}/tests/2.in: printed ")
    assert refused.rewrite.startswith("\tcmpl\t$77, ")
    assert decision(compiler, program, "right_a").outcome is Outcome.ACCEPTED
    outcomes = count_outcomes(UnitRecords(compiler.cache).all())
    assert outcomes[Outcome.FAILED_USER_TEST] == 1
    assert "FAILED_USER_TEST: loops.c: wrong_b .L" in log(compiler)


def test_without_tests_the_wrong_program_stays_as_it_is(compiler: Compiler, program: Path) -> None:
    build(compiler, ["-O3", "main.c", "loops.c", "-o", "p"], **SYNC)
    assert states(program) == ALL_ON
    assert run(program, BAD_INPUT) != (compiler.folder / "tests/2.out").read_bytes()


def test_objects_of_a_separate_link_are_switched_off_too(compiler: Compiler, program: Path) -> None:
    build(compiler, ["-O3", "-c", "main.c"], **TESTS)
    build(compiler, ["-O3", "-c", "loops.c"], **TESTS)
    assert states(compiler.folder / "loops.o") == ALL_ON
    build(compiler, ["main.o", "loops.o", "-o", "p"], **TESTS)
    assert states(program) == states(compiler.folder / "loops.o") == FOUND
    compiler.gcc(["main.o", "loops.o", "-o", "again"])
    assert states(compiler.folder / "again") == FOUND


def test_the_next_compile_has_not_got_the_refused_rewrite(
    compiler: Compiler, program: Path
) -> None:
    command = ["-O3", "main.c", "loops.c", "-o", "p"]
    build(compiler, command, **TESTS)
    # Until the unit is made again, its known text is taken with the fast path switched off.
    build(compiler, command, LLMCC_MODE="apply")
    assert states(program) == FOUND
    build(compiler, command, **SYNC)
    assert states(program) == {"right_a": True, "right_c": True}
    build(compiler, command, LLMCC_MODE="apply")
    assert states(program) == {"right_a": True, "right_c": True}


def test_explain_and_stats_tell_the_failed_test(
    compiler: Compiler, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(compiler, ["-O3", "main.c", "loops.c", "-o", "p"], **SYNC, LLMCC_TEST_CMD=CHECK)
    monkeypatch.chdir(compiler.folder)
    told = CliRunner().invoke(ctl, ["explain", "loops.c"], catch_exceptions=False).output
    assert ": FAILED_USER_TEST\n  a test of the user failed with the rewrite\n" in told
    assert f"\n  {CHECK}: ended with 1\n  got tests/2.out differ: " in told
    counted = CliRunner().invoke(ctl, ["stats"], catch_exceptions=False).output
    assert "1  FAILED_USER_TEST: a test of the user failed with the rewrite" in counted


def test_several_wrong_rewrites_are_found_at_once(compiler: Compiler) -> None:
    names = ("wrong_a", "right_b", "wrong_c", "right_d", "wrong_e")
    write_program(compiler, names)
    build(compiler, ["-O3", "main.c", "loops.c", "-o", "p"], **TESTS)
    assert states(compiler.folder / "p") == {name: name[0] == "r" for name in names}


def test_a_program_that_passes_is_not_touched(compiler: Compiler) -> None:
    write_program(compiler, ("right_a", "right_b"))
    command = ["-O3", "main.c", "loops.c", "-o"]
    build(compiler, [*command, "p"], **TESTS)
    build(compiler, [*command, "untested"], **SYNC)
    assert "the tests pass (1 runs)" in log(compiler)
    untested = (compiler.folder / "untested").read_bytes()
    assert (compiler.folder / "p").read_bytes() == untested


def test_a_command_is_run_in_the_folder_of_the_link(compiler: Compiler, program: Path) -> None:
    build(compiler, ["-O3", "main.c", "loops.c", "-o", "p"], **SYNC, LLMCC_TEST_CMD=CHECK)
    assert states(program) == FOUND
    refused = decision(compiler, program, "wrong_b")
    assert refused.detail.startswith(f"{CHECK}: ended with 1\ngot tests/2.out differ: ")


def test_a_command_sees_the_users_environment_and_compiles_with_llmcc(
    compiler: Compiler, program: Path
) -> None:
    script = f"env > environ; cp main.c other.c; '{compiler.launcher}' -O3 other.c loops.c -o other"
    environ = {**SYNC, "LLMCC_TEST_CMD": script, "COMPILER_PATH": "/mine", "LIBRARY_PATH": "/lib"}
    build(compiler, ["-O3", "main.c", "loops.c", "-o", "p"], **environ, MAKEFLAGS="-j")
    lines = (compiler.folder / "environ").read_text().splitlines()
    seen = dict(line.split("=", 1) for line in lines if "=" in line)
    assert (seen["COMPILER_PATH"], seen["LIBRARY_PATH"]) == ("/mine", "/lib")
    assert seen["LLMCC_MODE"] == "apply"
    assert not {"LLMCC_TESTS", "LLMCC_TEST_CMD", "MAKEFLAGS", "COLLECT_GCC"} & seen.keys()
    assert log(compiler).count("the tests pass (1 runs)") == 1
    assert (compiler.folder / "other").exists()


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_programs_of_one_make_are_tested_apart(
    compiler: Compiler, program: Path, jobs: str
) -> None:
    (compiler.folder / "Makefile").write_text(
        "all: p q\np q: main.o loops.o\n\t$(CC) $^ -o $@\n%.o: %.c\n\t$(CC) -O3 -c $< -o $@\n"
    )
    done = subprocess.run(
        ["make", f"-j{jobs}", f"CC={compiler.launcher}"],
        cwd=compiler.folder,
        env=compiler.environment(**TESTS),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert states(program) == states(compiler.folder / "q") == FOUND
    assert states(compiler.folder / "loops.o") == FOUND
    again = subprocess.run(["make", "-q"], cwd=compiler.folder, check=False)
    assert again.returncode == 0, "what was switched looks changed to make"


@pytest.mark.parametrize("named", [["./libloops.a"], ["-L.", "-lloops"], ["@words"]], ids=str)
def test_archives_are_switched_off_too(compiler: Compiler, program: Path, named: list[str]) -> None:
    (compiler.folder / "words").write_text("./libloops.a")
    build(compiler, ["-O3", "-c", "loops.c"], **SYNC)
    subprocess.run(["ar", "rcs", "libloops.a", "loops.o"], cwd=compiler.folder, check=True)
    build(compiler, ["-O3", "main.c", *named, "-o", "p"], **TESTS)
    assert states(program) == states(compiler.folder / "libloops.a") == FOUND


def test_a_shared_library_is_tested_by_the_command_only(compiler: Compiler) -> None:
    write_program(compiler, NAMES, "-fPIC")
    compiler.gcc(["-O3", "main.c", "-o", "p", "-Wl,--unresolved-symbols=ignore-all", "-ldl"])
    command = ["-O3", "-fPIC", "-shared", "loops.c", "-o", "libloops.so"]
    library = compiler.folder / "libloops.so"
    build(compiler, command, **TESTS)
    assert (states(library), log(compiler)) == (ALL_ON, "")
    check = f"gcc main.c ./libloops.so -o p && {CHECK}"
    build(compiler, command, **SYNC, LLMCC_TEST_CMD=check)
    assert states(library) == FOUND


def test_an_object_that_will_be_linked_again_is_not_tested(
    compiler: Compiler, program: Path
) -> None:
    build(compiler, ["-O3", "-r", "loops.c", "-o", "r.o"], **TESTS)
    assert (states(compiler.folder / "r.o"), log(compiler)) == (ALL_ON, "")
    build(compiler, ["-O3", "main.c", "r.o", "-o", "p"], **TESTS)
    assert states(program) == states(compiler.folder / "r.o") == FOUND


def test_inline_functions_of_several_cxx_units_are_switched_off(compiler: Compiler) -> None:
    text = function("right_a") + function("wrong_b").replace("unsigned wrong", "inline U wrong")
    text = "#define U __attribute__((noinline)) unsigned\n" + text
    (compiler.folder / "a.cc").write_text(
        text + "unsigned use(const int *a, int n) { return wrong_b(a, n); }\n"
    )
    (compiler.folder / "main.cc").write_text(
        text.replace("unsigned right_a", "static unsigned right_a")
        + main_of(("wrong_b",)).replace(
            "unsigned name(const int *, int);", "unsigned use(const int *, int);"
        )
    )
    write_tests(compiler, ("wrong_b",))
    for source in ("a.cc", "main.cc"):
        plant(compiler, source, "-ffunction-sections")
        build(compiler, ["g++", "-O3", "-ffunction-sections", "-c", source], **TESTS)
    build(compiler, ["g++", "-Wl,--gc-sections", "a.o", "main.o", "-o", "p"], **TESTS)
    assert states(compiler.folder / "p")["_Z7wrong_bPKii"] is False
    assert states(compiler.folder / "a.o") == {"_Z7wrong_bPKii": False, "_Z7right_aPKii": True}
    # The linker took a.o's copy; main.o's has another key, since its unit differs, but this text.
    assert states(compiler.folder / "main.o")["_Z7wrong_bPKii"] is False
    expected = (compiler.folder / "tests/2.out").read_bytes()
    assert run(compiler.folder / "p", BAD_INPUT) == expected


def test_under_lto_there_are_no_fast_paths_to_test(compiler: Compiler, program: Path) -> None:
    build(compiler, ["-O3", "-flto", "main.c", "loops.c", "-o", "p"], **TESTS)
    assert (states(program), log(compiler)) == ({}, "")


def test_a_program_stripped_by_the_link_has_no_table_to_search(
    compiler: Compiler, program: Path
) -> None:
    build(compiler, ["-O3", "-s", "main.c", "loops.c", "-o", "p"], **TESTS)
    assert (states(program), log(compiler)) == ({}, "")


def test_tests_that_fail_for_another_reason_blame_nobody(compiler: Compiler, program: Path) -> None:
    (compiler.folder / "tests/1.out").write_text("42\n")
    command = ["-O3", "main.c", "loops.c", "-o"]
    build(compiler, [*command, "p"], **TESTS)
    build(compiler, [*command, "untested"], **SYNC)
    assert program.read_bytes() == (compiler.folder / "untested").read_bytes()
    assert "the tests fail without fast paths too (2 runs)" in log(compiler)
    assert "instead of '42' as word 1" in log(compiler)
    assert decision(compiler, program, "wrong_b").outcome is Outcome.ACCEPTED


def test_a_rewrite_that_does_not_end_is_found_by_the_time_limit(compiler: Compiler) -> None:
    write_program(compiler, ("right_a", "endless_b"))
    command = ["-O3", "main.c", "loops.c", "-o", "p"]
    build(compiler, command, **TESTS, LLMCC_TEST_TIMEOUT="2")
    assert states(compiler.folder / "p") == {"right_a": True, "endless_b": False}
    refused = decision(compiler, compiler.folder / "p", "endless_b")
    assert refused.detail == f"{compiler.folder}/tests/1.in: ran longer than 2 s"


def test_an_input_without_expected_output_is_named_in_the_log(
    compiler: Compiler, program: Path
) -> None:
    (compiler.folder / "tests/3.in").write_text("1\n")
    build(compiler, ["-O3", "main.c", "loops.c", "-o", "p"], **TESTS)
    assert "tests/3.in has no 3.out; left out" in log(compiler)
    assert states(program) == FOUND


@pytest.mark.parametrize(
    ("tests", "told"),
    [("gone", "gone is not a folder"), (".", "holds no NAME.in with a NAME.out")],
)
def test_missing_tests_are_told_in_the_log_and_leave_the_link_alone(
    compiler: Compiler, program: Path, tests: str, told: str
) -> None:
    build(compiler, ["-O3", "main.c", "loops.c", "-o", "p"], **SYNC, LLMCC_TESTS=tests)
    assert states(program) == ALL_ON
    assert told in log(compiler)


def test_an_interrupted_search_leaves_the_program_as_it_was_linked(
    compiler: Compiler, program: Path
) -> None:
    # The second run is the one without fast paths; its parent is the search.
    check = f"echo run >> runs; test $(wc -l < runs) -lt 2 || kill -TERM $PPID; {CHECK}"
    command = ["-O3", "main.c", "loops.c", "-o", "p"]
    build(compiler, command, **SYNC, LLMCC_TEST_CMD=check)
    assert (compiler.folder / "runs").read_text() == "run\n" * 2
    assert states(program) == ALL_ON
    assert decision(compiler, program, "wrong_b").outcome is Outcome.ACCEPTED
    assert sorted(path.name for path in compiler.folder.glob(".*")) == []
