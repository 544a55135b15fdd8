"""Builds with a lock file: it alone decides, and the object depends on nothing else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from llmcc.outcome import Outcome
from llmcc.store.lock import Lock, LockedPath, accepted_paths, render_lock
from llmcc.store.records import LoopRecord
from llmcc.store.unit_records import UnitRecord, UnitRecords
from tests.interception.conftest import Compiler, make_compiler
from tests.interception.planted import function, plant

COMMAND = ["-O3", "-c", "a.c"]
MARK = b"llmcc_cpu"
NAMES = ("one", "two")


@pytest.fixture
def paths(compiler: Compiler) -> dict[str, LockedPath]:
    """Write a source with two loops; the store and these entries hold fast paths for both."""
    (compiler.folder / "a.c").write_text("".join(map(function, NAMES)))
    loops: tuple[LoopRecord, ...] = plant(compiler, "a.c")
    record = UnitRecord("0" * 64, "a.c", str(compiler.folder), (), 1.0, 0.0, loops)
    found = accepted_paths([record], cpu="some CPU")
    assert sorted(path.function for path in found.values()) == sorted(NAMES)
    return found


@pytest.fixture
def project(compiler: Compiler, paths: dict[str, LockedPath]) -> Compiler:
    """The compiler in the source's folder, with what it has planted."""
    assert paths
    return compiler


@pytest.fixture
def fresh(
    native: Path, project: Compiler, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Compiler]:
    """Make the same project in another folder, with an empty store in another cache."""

    def make() -> Compiler:
        folder = tmp_path_factory.mktemp("elsewhere")
        shutil.copy(project.folder / "a.c", folder)
        return make_compiler(native, tmp_path_factory.mktemp("cache"), folder)

    return make


def _lock(compiler: Compiler, paths: dict[str, LockedPath], name: str = "llmcc.lock") -> Path:
    file = compiler.folder / name
    file.write_bytes(render_lock(Lock("0" * 64, paths)))
    file.chmod(0o644)
    return file


def _object(compiler: Compiler, **environ: str) -> bytes:
    run = compiler.run(COMMAND, **environ)
    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")
    return (compiler.folder / "a.o").read_bytes()


def _gccs(compiler: Compiler) -> bytes:
    compiler.gcc([*COMMAND, "-o", "gcc.o"])
    return (compiler.folder / "gcc.o").read_bytes()


def test_objects_are_the_same_wherever_and_on_whatever_cpu_they_were_timed(
    project: Compiler, paths: dict[str, LockedPath], fresh: Callable[[], Compiler]
) -> None:
    _lock(project, paths)
    one = fresh()
    other = fresh()
    _lock(one, {key: replace(path, cpu="another CPU") for key, path in paths.items()})
    _lock(other, dict(reversed(paths.items())))
    assert one.folder != other.folder
    made = {_object(compiler) for compiler in (project, one, other)}
    assert len(made) == 1
    assert MARK in made.pop()


@pytest.mark.parametrize("mode", ["sync", "apply", "record"])
def test_every_mode_takes_what_the_lock_file_says_and_nothing_else(
    project: Compiler, paths: dict[str, LockedPath], mode: str
) -> None:
    assert _object(project, LLMCC_MODE="sync") != _gccs(project)
    _lock(project, {key: path for key, path in paths.items() if path.function == "one"})
    made = _object(project, LLMCC_MODE=mode)
    (record,) = [
        record
        for record in UnitRecords(project.cache).all()
        if any(loop.decision.outcome is Outcome.NOT_LOCKED for loop in record.loops)
    ]
    outcomes = {loop.function: loop.decision.outcome for loop in record.loops}
    assert outcomes == {"one": Outcome.ACCEPTED, "two": Outcome.NOT_LOCKED}
    assert MARK in made
    assert not (project.cache / "spool").exists()


def test_a_budget_of_nothing_changes_nothing(
    project: Compiler, paths: dict[str, LockedPath]
) -> None:
    _lock(project, paths)
    assert MARK in _object(project, LLMCC_BUDGET="0")


def test_another_lock_file_is_another_build(
    project: Compiler, paths: dict[str, LockedPath]
) -> None:
    _lock(project, paths)
    assert MARK in _object(project)
    _lock(project, {})
    assert _object(project) == _gccs(project)


def test_what_the_gate_refuses_is_not_used(project: Compiler, paths: dict[str, LockedPath]) -> None:
    """The checksum is right: whoever commits files can make one."""
    hostile = "\tsyscall\n\tjmp\t.LH\n"
    _lock(project, {key: replace(path, rewrite=hostile) for key, path in paths.items()})
    assert _object(project) == _gccs(project)
    (record,) = UnitRecords(project.cache).all()
    outcomes = {loop.decision.outcome for loop in record.loops}
    assert outcomes == {Outcome.GATE_FORBIDDEN_INSTRUCTION}


def test_gcc_has_its_word_before_the_lock_file(
    project: Compiler, paths: dict[str, LockedPath]
) -> None:
    source = project.folder / "a.c"
    source.write_text(source.read_text().replace("const int *a", "volatile const int *a"))
    assert project.unit(COMMAND)
    _lock(project, paths)
    assert _object(project) == _gccs(project)


@pytest.mark.parametrize("damage", ["cut short", "changed", "no JSON", "of another format"])
def test_a_lock_file_that_cannot_be_believed_gives_gccs_object_and_a_line_in_the_log(
    project: Compiler, paths: dict[str, LockedPath], damage: str
) -> None:
    file = _lock(project, paths)
    data = file.read_bytes()
    file.write_bytes(
        {
            "cut short": data[: len(data) // 2],
            "changed": data.replace(b"avx2", b"avx1"),
            "no JSON": b"<<<<<<< HEAD\n" + data,
            "of another format": data.replace(b'"format": 1', b'"format": 2'),
        }[damage]
    )
    assert _object(project) == _gccs(project)
    assert "llmcc.lock" in (project.cache / "llmcc.log").read_text()


def test_source_date_epoch_without_a_lock_file_gives_gccs_object(project: Compiler) -> None:
    assert MARK in _object(project, LLMCC_MODE="sync")
    for mode in ("sync", "apply", "record"):
        assert _object(project, LLMCC_MODE=mode, SOURCE_DATE_EPOCH="1") == _gccs(project)


def test_source_date_epoch_with_a_lock_file_gives_its_fast_paths(
    project: Compiler, paths: dict[str, LockedPath]
) -> None:
    _lock(project, paths)
    made = _object(project)
    assert MARK in made
    assert _object(project, SOURCE_DATE_EPOCH="1") == made


def test_the_lock_file_of_a_folder_above_counts(
    project: Compiler, paths: dict[str, LockedPath]
) -> None:
    _lock(project, paths)
    below = project.folder / "deep" / "down"
    below.mkdir(parents=True)
    shutil.copy(project.folder / "a.c", below)
    made = _object(project)
    assert _object(replace(project, folder=below)) == made


@pytest.mark.parametrize("end", [".git", "HOME"])
def test_the_search_ends_at_the_project_and_at_home(
    project: Compiler, paths: dict[str, LockedPath], end: str
) -> None:
    _lock(project, paths)
    below = project.folder / "below"
    below.mkdir()
    shutil.copy(project.folder / "a.c", below)
    inner = replace(project, folder=below)
    if end == ".git":
        (below / ".git").touch()
        made = _object(inner)
    else:
        made = _object(inner, HOME=str(below))
    assert made == _gccs(inner)


def test_the_file_beside_git_counts(project: Compiler, paths: dict[str, LockedPath]) -> None:
    (project.folder / ".git").mkdir()
    _lock(project, paths)
    assert MARK in _object(project)


@pytest.mark.parametrize("mode", [0o664, 0o646])
def test_a_file_that_others_may_write_is_not_believed(
    project: Compiler, paths: dict[str, LockedPath], mode: int
) -> None:
    _lock(project, paths).chmod(mode)
    assert _object(project) == _gccs(project)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_not_believed(
    project: Compiler, paths: dict[str, LockedPath]
) -> None:
    os.chown(_lock(project, paths), 12345, 12345)
    assert _object(project) == _gccs(project)


def test_llmcc_lock_names_a_file_or_none(project: Compiler, paths: dict[str, LockedPath]) -> None:
    file = _lock(project, paths, "other.json")
    assert MARK in _object(project, LLMCC_LOCK=str(file))
    _lock(project, paths)
    assert _object(project, LLMCC_LOCK="0") == _gccs(project)


def test_a_named_file_that_is_not_there_gives_gccs_object(project: Compiler) -> None:
    assert MARK in _object(project, LLMCC_MODE="sync")
    assert _object(project, LLMCC_MODE="sync", LLMCC_LOCK="missing.lock") == _gccs(project)
