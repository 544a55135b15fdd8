"""Compiles in mode record: gcc's objects, and each new unit once in the spool."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from llmcc.store.spool import Spool, SpooledUnit
from llmcc.toolchain import find_gcc
from tests.interception.conftest import SEARCH, Compiler
from tests.interception.planted import function, plant

COMMAND = ["-O3", "-c", "a.c"]


@pytest.fixture
def recorder(compiler: Compiler) -> Compiler:
    (compiler.folder / "a.c").write_text(SEARCH)
    compiler.environ["LLMCC_MODE"] = "record"
    return compiler


def _spooled(compiler: Compiler) -> list[SpooledUnit]:
    spool = Spool(compiler.cache)
    units = [spool.get(key) for key in spool.waiting()]
    assert all(units)
    return [unit for unit in units if unit is not None]


def test_an_unknown_unit_is_compiled_by_gcc_and_written_down(recorder: Compiler) -> None:
    run = recorder.run(COMMAND, CPATH="/nowhere", LLMCC_SEED="3", SOURCE_DATE_EPOCH="77")
    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")
    recorded = (recorder.folder / "a.o").read_bytes()
    recorder.gcc(COMMAND)
    assert (recorder.folder / "a.o").read_bytes() == recorded
    (unit,) = _spooled(recorder)
    gcc = find_gcc()
    assert unit.text == recorder.unit(COMMAND)
    assert unit.argv == (str(gcc), *COMMAND)
    assert unit.executable == gcc.resolve()
    assert unit.folder == recorder.folder
    assert unit.assembler.name == "as"
    assert unit.environ["CPATH"] == "/nowhere"
    assert unit.environ["LLMCC_SEED"] == "3"
    assert unit.environ["SOURCE_DATE_EPOCH"] == "77"
    assert "C_INCLUDE_PATH" not in unit.environ


def test_the_key_is_the_one_the_next_compile_looks_for(recorder: Compiler) -> None:
    recorder.run(COMMAND)
    (unit,) = _spooled(recorder)
    assert unit.key == recorder.key(unit.text, COMMAND)


def test_what_is_in_the_spool_is_not_written_again(recorder: Compiler) -> None:
    recorder.run(COMMAND)
    (unit,) = _spooled(recorder)
    before = Spool(recorder.cache).path(unit.key).stat()
    recorder.run(COMMAND)
    after = Spool(recorder.cache).path(unit.key).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_the_spool_is_private_whatever_the_umask(recorder: Compiler) -> None:
    before = os.umask(0)
    try:
        recorder.run(COMMAND)
    finally:
        os.umask(before)
    (unit,) = _spooled(recorder)
    path = Spool(recorder.cache).path(unit.key)
    modes = [stat.S_IMODE(part.stat().st_mode) for part in (path, path.parent, path.parent.parent)]
    assert modes == [0o600, 0o700, 0o700]


@pytest.mark.parametrize(
    "arguments",
    [["-O1", "-c", "a.c"], ["-O3", "-S", "a.c"], ["-O3", "-c", "a.c", "-o", "conftest.o"]],
)
def test_what_llmcc_leaves_alone_is_not_written_down(
    recorder: Compiler, arguments: list[str]
) -> None:
    assert recorder.run(arguments).returncode == 0
    assert _spooled(recorder) == []


@pytest.mark.parametrize("damage", ["a file in its place", "a file for its shard"])
def test_a_spool_that_cannot_be_written_is_not_noticed(recorder: Compiler, damage: str) -> None:
    if damage == "a file in its place":
        (recorder.cache / "spool").touch()
    else:
        (recorder.cache / "spool").mkdir()
        for number in range(256):
            (recorder.cache / "spool" / f"{number:02x}").touch()
    run = recorder.run(COMMAND)
    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")
    assert (recorder.folder / "a.o").exists()


def test_a_unit_with_fast_paths_in_the_store_gets_them_and_is_not_written_down(
    recorder: Compiler,
) -> None:
    (recorder.folder / "a.c").write_text(function("right_one"))
    plant(recorder, "a.c")
    recorder.run(COMMAND, LLMCC_MODE="sync")
    recorder.run(COMMAND)
    assert b"llmcc_cpu" in (recorder.folder / "a.o").read_bytes()
    assert _spooled(recorder) == []


@pytest.mark.parametrize("size", [0, 10, 200, -1])
def test_a_damaged_unit_is_taken_out(recorder: Compiler, size: int) -> None:
    recorder.run(COMMAND)
    spool = Spool(recorder.cache)
    (key,) = spool.waiting()
    path: Path = spool.path(key)
    path.write_bytes(path.read_bytes()[:size])
    assert spool.get(key) is None
    assert not path.exists()


def test_a_unit_whose_bytes_changed_is_taken_out(recorder: Compiler) -> None:
    recorder.run(COMMAND)
    spool = Spool(recorder.cache)
    (key,) = spool.waiting()
    data = spool.path(key).read_bytes()
    spool.path(key).write_bytes(data.replace(b"-O3", b"-O2"))
    assert spool.get(key) is None
    assert spool.waiting() == []
