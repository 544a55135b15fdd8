"""`llmcc-ctl lock`: what it writes, and what --check says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from llmcc.store.lock import parse_lock
from tests.interception.conftest import Compiler
from tests.interception.planted import function, plant

COMMAND = ["-O3", "-c", "a.c"]


@pytest.fixture
def project(compiler: Compiler) -> Compiler:
    """A source with two loops that was compiled with fast paths."""
    _write(compiler, "one", "two")
    plant(compiler, "a.c")
    compiler.run(COMMAND, LLMCC_MODE="sync")
    return compiler


def _write(compiler: Compiler, *names: str) -> None:
    (compiler.folder / "a.c").write_text("".join(map(function, names)))


def _lock(compiler: Compiler, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "llmcc.ctl.main", "lock", *arguments],
        cwd=compiler.folder,
        env=compiler.environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def _file(compiler: Compiler) -> Path:
    return compiler.folder / "llmcc.lock"


def test_writes_an_entry_for_each_accepted_loop(project: Compiler) -> None:
    assert _lock(project).stdout.endswith("llmcc.lock: 2 fast paths of 1 units\n")
    lock = parse_lock(_file(project).read_bytes())
    assert sorted(path.function for path in lock.paths.values()) == ["one", "two"]
    assert {path.source for path in lock.paths.values()} == {"a.c"}
    assert all(path.rewrite.endswith("\n") and path.cpu for path in lock.paths.values())


def test_the_same_store_gives_the_same_bytes(project: Compiler) -> None:
    _lock(project)
    first = _file(project).read_bytes()
    _file(project).unlink()
    _lock(project)
    assert _file(project).read_bytes() == first
    _lock(project, "--output", "again.lock")
    assert (project.folder / "again.lock").read_bytes() == first


def test_a_build_with_the_file_gives_the_same_file_again(project: Compiler) -> None:
    _lock(project)
    first = _file(project).read_bytes()
    project.run(COMMAND)
    _lock(project)
    assert _file(project).read_bytes() == first


def test_what_was_compiled_elsewhere_is_left_out(project: Compiler) -> None:
    below = project.folder / "below"
    below.mkdir()
    assert _lock(project, str(below)).stdout.endswith(": 0 fast paths of 0 units\n")


def test_check_is_content_with_what_was_just_written(project: Compiler) -> None:
    _lock(project)
    done = _lock(project, "--check")
    assert (done.returncode, done.stdout) == (0, "2 fast paths, 0 stale, 0 missing\n")


def test_check_names_what_is_stale_and_what_is_missing(project: Compiler) -> None:
    _lock(project)
    _write(project, "two", "three")
    plant(project, "a.c")
    project.run(COMMAND, LLMCC_MODE="sync", LLMCC_LOCK="0")
    done = _lock(project, "--check")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "matches no loop: one of a.c",
        "not in the file: three of a.c",
        "2 fast paths, 1 stale, 1 missing",
    ]


def test_check_says_what_is_wrong_with_a_damaged_file(project: Compiler) -> None:
    _lock(project)
    file = _file(project)
    file.write_bytes(file.read_bytes().replace(b"one", b"two"))
    done = _lock(project, "--check")
    assert done.returncode == 1
    assert "the checksum is wrong" in done.stderr


def test_check_says_that_others_may_write_the_file(project: Compiler) -> None:
    _lock(project)
    _file(project).chmod(0o664)
    done = _lock(project, "--check")
    assert done.returncode == 1
    assert "compiles ignore the file" in done.stdout
