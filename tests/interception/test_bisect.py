"""`llmcc-ctl bisect`: the guilty rewrites of a built project, found by its own tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from llmcc.outcome import Outcome
from llmcc.store.records import DecisionStore
from llmcc.switches.files import read_switches
from tests.interception.conftest import Compiler
from tests.interception.planted import write_program

NAMES = ("right_a", "wrong_b", "right_c", "wrong_d", "right_e")
CHECK = "./p < tests/2.in | cmp - tests/2.out"
ALL_ON = dict.fromkeys(NAMES, True)
FOUND = {name: name.startswith("right") for name in NAMES}
BUILT = ("p", "loops.o", "libloops.a")


def bisect(
    compiler: Compiler, *arguments: str, folder: Path | None = None, **environ: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "llmcc.ctl.main", "bisect", *arguments],
        cwd=folder or compiler.folder,
        env={**os.environ, "LLMCC_DIR": str(compiler.cache), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def states(path: Path) -> dict[str, bool]:
    return {switch.name.function: switch.is_on for switch in read_switches(path)}


def contents(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    """What `make` and users see of the built files."""
    found = {}
    for name in BUILT:
        status = (folder / name).stat()
        found[name] = ((folder / name).read_bytes(), status.st_mtime_ns, status.st_mode)
    return found


@pytest.fixture
def project(compiler: Compiler) -> Path:
    """A built project: a program, its object and an archive of it; two rewrites of three wrong.

    The loops of all right_… functions are the same, so they share a rewrite.
    """
    write_program(compiler, NAMES)
    assert compiler.run(["-O3", "-c", "loops.c"], LLMCC_MODE="sync").returncode == 0
    subprocess.run(["ar", "rcs", "libloops.a", "loops.o"], cwd=compiler.folder, check=True)
    assert compiler.run(["main.c", "libloops.a", "-o", "p"]).returncode == 0
    assert states(compiler.folder / "p") == ALL_ON
    return compiler.folder


def test_finds_switches_off_and_refuses_the_guilty(compiler: Compiler, project: Path) -> None:
    keys = {s.name.function: s.name.key for s in read_switches(project / "p")}
    before = contents(project)

    done = bisect(compiler, "--", "sh", "-c", CHECK)

    assert done.returncode == 0, done.stderr
    for name in BUILT:
        assert states(project / name) == FOUND
    after = contents(project)
    assert [facts[1:] for facts in after.values()] == [facts[1:] for facts in before.values()]
    for name, key in keys.items():
        decision = DecisionStore(compiler.cache).get(key)
        assert decision is not None
        is_wrong = decision.outcome is Outcome.FAILED_USER_TEST
        assert is_wrong is name.startswith("wrong")
    assert bisect(compiler, "--", "sh", "-c", CHECK).returncode == 1


def test_the_report_names_loop_test_files_and_rewrite(compiler: Compiler, project: Path) -> None:
    head = next(s.name.head_label for s in read_switches(project / "p") if "_b" in s.name.function)
    done = bisect(compiler, "--", "sh", "-c", CHECK)
    assert f"loops.c: wrong_b, loop {head}: FAILED_USER_TEST\n" in done.stdout
    assert f"  sh -c '{CHECK}': ended with 1\n  - tests/2.out differ: " in done.stdout
    assert (
        f"  switched off in {project}/libloops.a, {project}/loops.o, {project}/p\n" in done.stdout
    )
    assert "  the rewrite:\n          cmpl    $77, (%" in done.stdout
    assert done.stdout.count("FAILED_USER_TEST") == 2
    assert done.stdout.splitlines()[-1].startswith("fast paths make the tests fail (")
    assert done.stderr.startswith("3 rewrites below .\n  0 off: fails\n  3 off: passes\n")


def test_passing_tests_blame_nobody(compiler: Compiler, project: Path) -> None:
    before = contents(project)
    done = bisect(compiler, "--", "sh", "-c", "./p < tests/1.in | cmp - tests/1.out")
    assert (done.returncode, done.stdout) == (1, "the tests pass (1 runs)\n")
    assert contents(project) == before


def test_a_failure_without_fast_paths_is_not_ours(compiler: Compiler, project: Path) -> None:
    before = contents(project)
    done = bisect(compiler, "--", "sh", "-c", "echo oh no; exit 4")
    assert done.returncode == 1
    assert done.stdout == (
        "the tests fail without fast paths too (2 runs)\n"
        "  sh -c 'echo oh no; exit 4': ended with 4\n"
        "  oh no\n"
    )
    assert contents(project) == before


def test_a_test_that_fails_by_chance_blames_nobody(compiler: Compiler, project: Path) -> None:
    before = contents(project)
    done = bisect(compiler, "--", "sh", "-c", "rm first 2>&1")
    assert done.returncode == 1
    (project / "first").touch()
    once = "test -e ran; code=$?; touch ran; exit $code"
    done = bisect(compiler, "--", "sh", "-c", once)
    assert done.returncode == 1
    assert done.stdout.startswith("the tests do not end the same way when run again (")
    assert contents(project) == before


def test_a_folder_without_fast_paths_holds_nothing_to_blame(
    compiler: Compiler, project: Path
) -> None:
    done = bisect(compiler, "--path", "tests", "--", "false")
    assert done.returncode == 1
    assert done.stdout == "there is no fast path to blame (1 runs)\n  false: ended with 1\n"


def test_files_elsewhere_are_left_alone(compiler: Compiler, project: Path, tmp_path: Path) -> None:
    (project / "sub").mkdir()
    (project / "p").rename(project / "sub/p")
    check = f"cd '{project}' && ./sub/p < tests/2.in | cmp - tests/2.out"
    done = bisect(
        compiler, "--path", str(project / "sub"), "--", "sh", "-c", check, folder=Path("/")
    )
    assert done.returncode == 0, done.stderr
    assert states(project / "sub/p") == FOUND
    assert states(project / "loops.o") == ALL_ON


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Missing argument 'COMMAND...'"),
        (["--path", "gone", "--", "true"], "'gone' does not exist"),
        (["--no-such-option", "true"], "No such option"),
        (["--", "./gone"], "./gone: cannot be started: No such file or directory"),
        (
            ["--", "sh", "-c", "cp $LLMCC_DIR/saved p; false"],
            "builds the project anew",
        ),
    ],
)
def test_misuse_is_told_and_changes_nothing(
    compiler: Compiler, project: Path, arguments: list[str], told: str
) -> None:
    (compiler.cache / "saved").write_bytes((project / "p").read_bytes())
    before = {name: states(project / name) for name in BUILT}
    done = bisect(compiler, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert {name: states(project / name) for name in BUILT} == before


@pytest.mark.parametrize(("signal", "code"), [("INT", 130), ("TERM", 143)])
def test_an_interrupted_bisect_leaves_all_files_as_they_were(
    compiler: Compiler, project: Path, signal: str, code: int
) -> None:
    (project / "p").chmod(0o555)
    before = contents(project)
    check = f"echo run >> runs; test $(wc -l < runs) -lt 4 || kill -{signal} $PPID; {CHECK}"
    done = bisect(compiler, "--", "sh", "-c", check)
    assert (project / "runs").read_text() == "run\n" * 4
    assert done.returncode == code
    assert contents(project) == before
    assert sorted(path.name for path in project.glob(".*")) == []


def test_a_read_only_program_is_switched_and_stays_read_only(
    compiler: Compiler, project: Path
) -> None:
    (project / "p").chmod(0o555)
    assert bisect(compiler, "--", "sh", "-c", CHECK).returncode == 0
    assert states(project / "p") == FOUND
    assert (project / "p").stat().st_mode & 0o777 == 0o555


def test_a_read_only_folder_is_an_error_that_changes_nothing(
    compiler: Compiler, project: Path
) -> None:
    if os.geteuid() == 0:
        pytest.skip("the super-user may write to every folder")
    before = contents(project)
    project.chmod(0o555)
    try:
        done = bisect(compiler, "--", "sh", "-c", CHECK)
    finally:
        project.chmod(0o755)
    assert done.returncode == 2
    assert "Permission denied" in done.stderr
    assert contents(project) == before


def test_a_cache_that_cannot_be_written_is_an_error_that_changes_nothing(
    compiler: Compiler, project: Path
) -> None:
    before = contents(project)
    (project / "file").touch()
    done = bisect(compiler, "--", "sh", "-c", CHECK, LLMCC_DIR=str(project / "file"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("llmcc: bisect: ")
    assert contents(project) == before


def test_make_builds_nothing_anew_after_a_bisect(compiler: Compiler, project: Path) -> None:
    (project / "Makefile").write_text(
        "p: main.c libloops.a\n\tfalse\nlibloops.a: loops.o\n\tfalse\nloops.o: loops.c\n\tfalse\n"
        f"check: p\n\t{CHECK}\n"
    )
    assert bisect(compiler, "--", "make", "check").returncode == 0
    assert subprocess.run(["make", "check"], cwd=project, check=False).returncode == 0
