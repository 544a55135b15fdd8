"""Python missing, broken, or of another version: gcc's object, gcc's exit code, silence."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from llmcc.eligibility import describe_source
from llmcc.store.units import UnitEntry
from tests.interception.conftest import Compiler

COMMAND = ["-O3", "-c", "a.c"]


def _assert_is_gccs(compiler: Compiler, got: subprocess.CompletedProcess[bytes]) -> None:
    assert (got.returncode, got.stdout, got.stderr) == (0, b"", b"")
    made = (compiler.folder / "a.o").read_bytes()
    compiler.gcc(COMMAND)
    assert made == (compiler.folder / "a.o").read_bytes()


@pytest.mark.parametrize(
    "body", ["exit 1\n", "echo out; echo err >&2\n", "kill -SEGV $$\n", "cat; exit 0\n"]
)
def test_a_failing_python_is_not_noticed(with_python: Callable[[str], Compiler], body: str) -> None:
    compiler = with_python(body)
    _assert_is_gccs(compiler, compiler.run(COMMAND))


@pytest.mark.parametrize(
    "what",
    ["deleted", "dangling link", "folder", "not executable", "no interpreter", "not a program"],
)
def test_a_missing_python_is_not_noticed(
    with_python: Callable[[str], Compiler], stand_in: Path, what: str
) -> None:
    compiler = with_python("")
    match what:
        case "deleted":
            shutil.rmtree(stand_in.parent)
        case "dangling link":
            stand_in.unlink()
            stand_in.symlink_to("/usr/bin/python3.0")
        case "folder":
            stand_in.unlink()
            stand_in.mkdir()
        case "not executable":
            stand_in.chmod(0o644)
        case "no interpreter":
            stand_in.write_text("#!/opt/deleted/venv/bin/python3\n")
        case "not a program":
            stand_in.write_bytes(b"\x7fELF" + bytes(60))
    _assert_is_gccs(compiler, compiler.run(COMMAND))


def test_another_python_without_our_packages_is_not_noticed(
    with_python: Callable[[str], Compiler],
) -> None:
    # As after an upgrade: a python is there, what was installed for the old one is not found.
    body = f'exec {sys.executable} -S "$@" 2> "$4/said"\n'
    compiler = with_python(body)
    _assert_is_gccs(compiler, compiler.run(COMMAND))
    assert "ModuleNotFoundError" in (compiler.cache / "said").read_text()


def test_what_python_stores_is_used_at_once(with_python: Callable[[str], Compiler]) -> None:
    # $4 is the cache, $5 the key: -I -c <code> <cache> <key> …
    compiler = with_python(
        'mkdir -p "$4/units/$(expr substr "$5" 1 2)"\n'
        'cp "$4/prepared" "$4/units/$(expr substr "$5" 1 2)/$(expr substr "$5" 3 62)"\n'
    )
    text = compiler.unit(COMMAND)
    source = describe_source(compiler.folder / "a.c")
    entry = UnitEntry(text.replace("\tret\n", "\tnop\n\tret\n"), (source,))
    compiler.store.put("00" * 32, entry)
    shutil.copy(compiler.store.path("00" * 32), compiler.cache / "prepared")

    assert compiler.run(COMMAND).stderr == b""

    made = (compiler.folder / "a.o").read_bytes()
    compiler.gcc(COMMAND)
    assert made != (compiler.folder / "a.o").read_bytes()


def test_python_gets_the_unit_and_no_foreign_descriptors(
    with_python: Callable[[str], Compiler],
) -> None:
    compiler = with_python('cat > "$4/got"; ls /proc/self/fd > "$4/descriptors"\n')
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [str(compiler.launcher), *COMMAND],
        cwd=compiler.folder,
        env=compiler.environment(),
        pass_fds=(reading, writing),
    )
    assert process.wait() == 0
    os.close(reading)
    os.close(writing)
    assert (compiler.cache / "got").read_text("latin-1") == compiler.unit(COMMAND)
    # ls itself has one more, for the folder it lists
    assert len((compiler.cache / "descriptors").read_text().split()) == 4


@pytest.mark.parametrize("mode", ["apply", "off"])
def test_python_is_not_started_in_other_modes(
    with_python: Callable[[str], Compiler], mode: str
) -> None:
    compiler = with_python('touch "$4/started"\n')
    _assert_is_gccs(compiler, compiler.run(COMMAND, LLMCC_MODE=mode))
    assert not (compiler.cache / "started").exists()


def test_a_reproducible_build_starts_no_python(with_python: Callable[[str], Compiler]) -> None:
    compiler = with_python('touch "$4/started"\n')
    compiler.run(COMMAND, SOURCE_DATE_EPOCH="1")
    assert not (compiler.cache / "started").exists()
