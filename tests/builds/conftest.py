"""llmcc as it is installed, and builds of small projects done by gcc and by llmcc in one folder.

llmcc runs in mode sync, round a stand-in for python that only notes which units it was asked
about: so that a build with gcc's objects also shows that llmcc saw its compiles.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

import llmcc
from llmcc.native.build import build
from tests.interception.comparison import read_files

SCRIPTS = Path(llmcc.__file__).parent / "native" / "bin"
# What holds times, paths of compilers or numbers of processes.
VOLATILE = (
    ".log", ".ninja_log", ".ninja_deps", ".cmake", ".json", ".dat", ".gcda", "CMakeCache.txt",
    "Makefile2", "Makefile", ".make", "build.ninja", "config.status", "libtool", ".bin", ".txt",
    ".internal", ".includecache", ".marks", ".check_cache", ".ts", ".pickle", "install.d",
    "rules.ninja",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Installed:
    """The scripts of a fresh install, their launcher built, with an empty store."""

    folder: Path  # of the scripts
    cache: Path

    def environ(self, **more: str) -> dict[str, str]:
        """Return the environment of a build that finds the scripts in PATH."""
        path = f"{self.folder}:{os.environ['PATH']}"
        own = {"LLMCC_DIR": str(self.cache), "LLMCC_MODE": "sync", "PATH": path, "LC_ALL": "C"}
        return {**os.environ, **own, **more}

    def add(self, links: Sequence[Path]) -> None:
        """Make further paths of the scripts known, as their first start does."""
        build(self.cache, entries=links, python=str(self.folder.parent / "python"))

    def asked_count(self) -> int:
        """Return how many units llmcc was asked to optimise since the last call."""
        try:
            keys = (self.cache / "asked").read_text().split()
        except FileNotFoundError:
            return 0
        (self.cache / "asked").unlink()
        return len(keys)


@dataclass(frozen=True, slots=True)
class Build:
    """What a build made and said."""

    files: Mapping[str, bytes]
    output: str


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Scripts and launcher, made once."""
    folder = tmp_path_factory.mktemp("installed") / "bin"
    folder.mkdir()
    recorder = folder.parent / "python"
    recorder.write_text('#!/bin/sh\necho "$5" >> "$4/asked"\n')
    recorder.chmod(0o755)
    scripts = [Path(shutil.copy(path, folder)) for path in SCRIPTS.iterdir()]
    # What llmcc-gcc-ar and its like become is gcc's.
    scripts = [path for path in scripts if "-gcc-" not in path.name]
    cache = tmp_path_factory.mktemp("builds-cache")
    made = Installed(folder, cache)
    made.add(scripts)
    return made


@pytest.fixture
def installed(built: Installed) -> Installed:
    """The same with nothing noted."""
    built.asked_count()
    return built


def run(command: str | Sequence[str], folder: Path, environ: Mapping[str, str]) -> str:
    """Run a command, a shell's if it is a string, that must end well; return all it said."""
    done = subprocess.run(
        command,
        shell=isinstance(command, str),
        cwd=folder,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout[-3000:]}"
    return done.stdout


def build_twice(
    folder: Path,
    commands: Sequence[str],
    *,
    plain: Mapping[str, str],
    ours: Mapping[str, str],
    look: Callable[[Path], None] = lambda folder: None,
    apart: str = "$^",
) -> tuple[Build, Build]:
    """Build a project with gcc, put its folder back, and build it with llmcc.

    Args:
        folder: of the project.
        commands: of the shell.
        plain: the environment of gcc's build.
        ours: the environment of llmcc's.
        look: looks at what a build left.
        apart: pattern of further files that may differ.

    Asserts that both made the same files, byte for byte, but for `VOLATILE` ones.
    """
    before = read_files(folder)
    builds = []
    for environ in (plain, ours):
        output = "".join(run(command, folder, environ) for command in commands)
        look(folder)
        files = {
            name: data for name, data in read_files(folder).items() if before.get(name) != data
        }
        builds.append(Build(files, output))
        for entry in folder.iterdir():
            if entry.name in {name.partition("/")[0] for name in files}:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        for name, data in before.items():
            path = folder / name
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
                if name == "configure":
                    path.chmod(0o755)
    expected, got = builds
    assert got.files.keys() == expected.files.keys()
    names = [name for name in got.files if not name.endswith(VOLATILE)]
    names = [name for name in names if not re.search(apart, name)]
    wrong = [name for name in names if got.files[name] != expected.files[name]]
    assert not wrong, wrong
    return expected, got


def need(*programs: str) -> None:
    """Skip the test, and say why, where a build system is not installed."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


def write_units(folder: Path, count: int, *, suffix: str = ".c") -> None:
    """Write `count` units, each with a loop of its own, and a `main` that adds them up."""
    for i in range(count):
        (folder / f"unit{i}{suffix}").write_text(
            f'#include "units.h"\nint unit{i}(const int *a, int n)\n'
            f"{{ int s = {i}; for (int i = 0; i < n; i++) s += a[i] ^ {i * 7 + 1}; return s; }}\n"
        )
    calls = " + ".join(f"unit{i}(a, 4)" for i in range(count))
    prototypes = "".join(f"int unit{i}(const int *, int);\n" for i in range(count))
    (folder / "units.h").write_text(prototypes)
    (folder / f"main{suffix}").write_text(
        '#include <stdio.h>\n#include "units.h"\n'
        f'int main(void) {{ int a[] = {{1, 2, 3, 4}}; printf("%d\\n", {calls}); return 0; }}\n'
    )
