"""Do the same in the same folder twice, with gcc and with llmcc, and compare all that came of it.

A case is one or more steps: `-O3 -c a.c` is a command of the compiler, `./program` is run as it is
(that makes the .gcda files of a profile).
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Ending:
    """What one step gave."""

    step: str
    returncode: int
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True, slots=True)
class Result:
    """What a case gave; equal when nobody could tell which compiler it was."""

    endings: tuple[Ending, ...]
    files: Mapping[str, bytes]  # made or changed, by path in the folder


def compare(
    ours: Sequence[str],
    plain: Sequence[str],
    *,
    steps: Sequence[str],
    folder: Path,
    environ: Mapping[str, str] | None = None,
    stdin: bytes = b"",
) -> Result:
    """Run a case with both compilers and assert that the results are the same.

    Args:
        ours: the words that start llmcc.
        plain: the words that start gcc.
        steps: of the case.
        folder: holds the sources; is as before afterwards.
        environ: of both.
        stdin: of each step.

    Returns what both gave.
    """
    environ = os.environ if environ is None else environ
    before = read_files(folder)
    expected = _run_steps(plain, steps, folder=folder, environ=environ, stdin=stdin, before=before)
    _put_back(folder, before)
    got = _run_steps(ours, steps, folder=folder, environ=environ, stdin=stdin, before=before)
    _put_back(folder, before)
    # pytest explains only asserts in test modules.
    assert got.endings == expected.endings, f"{got.endings}\nnot as gcc's\n{expected.endings}"
    names = got.files.keys() ^ expected.files.keys()
    assert not names, f"{steps}: made by one of the two only: {names}"
    names = {name for name in got.files if got.files[name] != expected.files[name]}
    assert not names, f"{steps}: different: {names}"
    return got


def read_files(folder: Path) -> dict[str, bytes]:
    """Return the content of every file in a folder and below."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _put_back(folder: Path, before: Mapping[str, bytes]) -> None:
    """Take away what was made, so that an output which is not written again is missed."""
    for name, data in read_files(folder).items():
        if name not in before:
            (folder / name).unlink()
        elif data != before[name]:
            (folder / name).write_bytes(before[name])


def _run_steps(
    compiler: Sequence[str],
    steps: Sequence[str],
    *,
    folder: Path,
    environ: Mapping[str, str],
    stdin: bytes,
    before: Mapping[str, bytes],
) -> Result:
    endings = []
    for step in steps:
        words = shlex.split(step)
        done = subprocess.run(
            words if step.startswith("./") else [*compiler, *words],
            cwd=folder,
            env=dict(environ),
            input=stdin,
            capture_output=True,
            check=False,
        )
        endings.append(Ending(step, done.returncode, done.stdout, done.stderr))
    files = read_files(folder)
    made = {name: data for name, data in files.items() if before.get(name) != data}
    return Result(tuple(endings), made)


def plain_program(name: str) -> str:
    """Return the path of gcc or g++ itself."""
    found = shutil.which(name)
    assert found is not None
    return found
