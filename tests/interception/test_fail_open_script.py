"""The installed script: whatever is missing round it, it is gcc."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.interception.conftest import SCRIPT, run_script

COMMAND = ["-O3", "-c", "a.c"]


@pytest.mark.parametrize(
    "cache", ["/proc/no-such", "/dev/null/x", "relative/cache"], ids=["proc", "file", "relative"]
)
def test_script_without_python_and_cache_is_gcc(
    script: Path, source: Path, tmp_path: Path, cache: str
) -> None:
    got = run_script(script, tmp_path, COMMAND, LLMCC_DIR=cache)
    assert (got.returncode, got.stdout, got.stderr) == (0, b"", b"")
    assert (tmp_path / "a.o").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.c", "a.o"]


def test_script_without_home_is_gcc(script: Path, source: Path, tmp_path: Path) -> None:
    got = subprocess.run(
        [str(script), *COMMAND], cwd=tmp_path, env={"PATH": os.environ["PATH"]}, check=False
    )
    assert got.returncode == 0


def test_script_gives_gccs_exit_code_and_messages(script: Path, tmp_path: Path) -> None:
    got = run_script(script, tmp_path, ["-c", "missing.c"], LLMCC_DIR="/proc/no-such")
    assert got.returncode == 1
    assert b"missing.c: No such file or directory" in got.stderr


def test_script_called_gcc_does_not_find_itself(script: Path, source: Path, tmp_path: Path) -> None:
    alias = script.with_name("gcc")
    alias.symlink_to("llmcc")
    got = run_script(
        alias,
        tmp_path,
        COMMAND,
        LLMCC_DIR="/proc/no-such",
        PATH=f"{script.parent}:{os.environ['PATH']}",
    )
    assert (got.returncode, got.stderr) == (0, b"")


def test_script_builds_the_launcher_once(
    script: Path, script_python: Path, source: Path, tmp_path: Path, own_cache: Path
) -> None:
    python = Path(shutil.copy(script_python, script.parent / "python"))
    first = run_script(script, tmp_path, [*COMMAND, "-v"], LLMCC_MODE="apply")
    assert str(own_cache).encode() in first.stderr
    python.unlink()
    second = run_script(script, tmp_path, [*COMMAND, "-v"], LLMCC_MODE="apply")
    assert b"libexec/as" in second.stderr


def test_script_and_launcher_called_gcc_do_not_find_each_other(
    script: Path, script_python: Path, source: Path, tmp_path: Path
) -> None:
    shutil.copy(script_python, script.parent / "python")
    alias = script.with_name("gcc")
    alias.symlink_to("llmcc")
    path = f"{script.parent}:{os.environ['PATH']}"
    got = run_script(alias, tmp_path, [*COMMAND, "-v"], LLMCC_MODE="apply", PATH=path)
    assert got.returncode == 0
    assert b"libexec/as" in got.stderr


def test_script_called_gxx_is_gxx(
    script: Path, script_python: Path, source: Path, tmp_path: Path
) -> None:
    shutil.copy(script_python, script.parent / "python")
    gxx = Path(shutil.copy(SCRIPT, script.with_name("llmcc-g++")))
    source.rename(tmp_path / "a.cpp")
    got = run_script(gxx, tmp_path, ["-O3", "-v", "-c", "a.cpp"], LLMCC_MODE="apply")
    assert b"libexec/as" in got.stderr
    assert got.returncode == 0


@pytest.mark.parametrize("compiler", ["/usr/bin/gcc", "gcc", "itself"])
def test_script_in_front_of_a_compiler_is_that_compiler(
    script: Path, source: Path, tmp_path: Path, compiler: str
) -> None:
    if compiler == "itself":
        link = script.with_name("gcc")
        link.symlink_to("llmcc")
        compiler = str(link)
    for command in ([*COMMAND, "-Wall"], ["-O3", "a.c", "-shared", "-fPIC", "-o", "a.so"]):
        got = run_script(script, tmp_path, [compiler, *command], LLMCC_DIR="/proc/no-such")
        assert (got.returncode, got.stdout, got.stderr) == (0, b"", b"")
    told = run_script(script, tmp_path, ["gcc", "--version"], LLMCC_DIR="/proc/no-such")
    assert told.stdout.startswith(b"gcc ")
