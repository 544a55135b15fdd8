"""llmcc that starts llmcc, by whatever name and way, ends at gcc."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.interception.comparison import plain_program
from tests.interception.conftest import SEARCH, Compiler


@pytest.fixture
def links(compiler: Compiler, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which llmcc is called gcc, cc and g++, to be put in front of PATH."""
    (compiler.folder / "a.c").write_text(SEARCH)
    folder = tmp_path_factory.mktemp("links")
    for name in ("gcc", "cc", "g++", "x86_64-linux-gnu-gcc", "gcc-99"):
        (folder / name).symlink_to(compiler.launcher)
    compiler.environ["PATH"] = f"{folder}:{os.environ['PATH']}"
    return folder


def _script(path: Path, body: str) -> Path:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def _assert_gccs(compiler: Compiler, command: list[str]) -> None:
    done = subprocess.run(
        [*command, "-O3", "-c", "a.c"],
        cwd=compiler.folder,
        env=compiler.environment(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    made = (compiler.folder / "a.o").read_bytes()
    (compiler.folder / "a.o").unlink()
    subprocess.run([plain_program("gcc"), "-O3", "-c", "a.c"], cwd=compiler.folder, check=True)
    assert made == (compiler.folder / "a.o").read_bytes()


@pytest.mark.parametrize("name", ["gcc", "cc", "x86_64-linux-gnu-gcc", "gcc-99"])
def test_llmcc_called_gcc_ends_at_gcc(compiler: Compiler, links: Path, name: str) -> None:
    _assert_gccs(compiler, [str(links / name)])
    _assert_gccs(compiler, [name])


@pytest.mark.parametrize("words", [1, 2, 5])
def test_llmcc_that_starts_llmcc_ends_at_gcc(compiler: Compiler, links: Path, words: int) -> None:
    # launcher form: llmcc …/gcc …, where that is llmcc again
    _assert_gccs(compiler, [str(compiler.launcher), *[str(links / "gcc")] * words])
    _assert_gccs(compiler, [str(compiler.launcher), *[str(links / "gcc")] * words, "gcc"])


def test_a_compiler_setting_that_names_llmcc_ends_at_gcc(compiler: Compiler, links: Path) -> None:
    compiler.environ["LLMCC_CC"] = str(links / "gcc")
    _assert_gccs(compiler, [str(compiler.launcher)])


def test_two_wrappers_that_find_one_another_end_at_gcc(compiler: Compiler, links: Path) -> None:
    # A wrapper that starts the first `gcc` in PATH, which is llmcc, which is told to start it.
    wrapper = _script(links / "wrapper", 'exec gcc "$@"')
    compiler.environ["LLMCC_CC"] = str(wrapper)
    _assert_gccs(compiler, [str(compiler.launcher)])
    _assert_gccs(compiler, [str(wrapper)])


def test_a_folder_of_llmcc_alone_ends_at_gcc(compiler: Compiler, links: Path) -> None:
    compiler.environ["PATH"] = f"{links}:/usr/bin"
    for name in ("gcc", "g++"):
        done = subprocess.run(
            [str(links / name), "--version"],
            env=compiler.environment(),
            capture_output=True,
            check=False,
        )
        plain = subprocess.run([plain_program(name), "--version"], capture_output=True, check=False)
        assert done.stdout == plain.stdout


def test_a_gcc_that_starts_gcc_many_times_is_counted_once_a_level(
    compiler: Compiler, links: Path
) -> None:
    # A build step that runs builds inside: the depth is that of ancestors, not of compiles so far.
    wrapper = _script(links / "twice", 'for i in 1 2 3 4 5 6; do gcc "$@" || exit; done')
    _assert_gccs(compiler, [str(wrapper)])
