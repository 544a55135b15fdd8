"""Real gcc through a launcher and shim built once, with an empty store for each test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import llmcc
from llmcc.native.build import build
from llmcc.store.keys import unit_key
from llmcc.store.units import UnitStore
from llmcc.toolchain import find_gcc
from tests.interception.comparison import Result, compare, plain_program

SCRIPT = Path(llmcc.__file__).parent / "native" / "bin" / "llmcc"
SEARCH = """\
int find(const int *a, int n) { for (int i = 0; i < n; i++) if (a[i] == 7) return i; return -1; }
"""


@dataclass
class Compiler:
    """llmcc in a test's own cache."""

    cache: Path
    folder: Path
    launcher: Path
    environ: dict[str, str] = field(default_factory=dict)

    def run(
        self, arguments: Sequence[str], *, stdin: bytes = b"", **environ: str
    ) -> subprocess.CompletedProcess[bytes]:
        """Run llmcc in the test's folder, in mode apply unless told."""
        return subprocess.run(
            [str(self.launcher), *arguments],
            cwd=self.folder,
            env=self.environment(**environ),
            input=stdin,
            capture_output=True,
            check=False,
        )

    def environment(self, **environ: str) -> dict[str, str]:
        return {**os.environ, "LLMCC_MODE": "apply", **self.environ, **environ}

    def gcc(
        self, arguments: Sequence[str], *, stdin: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        """Run plain gcc in the test's folder."""
        return subprocess.run(
            [str(find_gcc()), *arguments],
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            check=False,
        )

    def compare(
        self,
        *steps: str,
        program: str = "gcc",
        stdin: bytes = b"",
        before: Sequence[str] = (),
        **environ: str,
    ) -> Result:
        """Do the same with gcc (or g++) and with llmcc: see `comparison.compare`.

        `before`: words in front of both compilers.
        """
        ours = self.launcher.with_name(f"llmcc-{program}")
        if not ours.exists():
            ours.symlink_to(self.launcher)
        return compare(
            [*before, str(ours)],
            [*before, plain_program(program)],
            steps=steps,
            folder=self.folder,
            environ=self.environment(**environ),
            stdin=stdin,
        )

    def compare_all(self, *commands: str, program: str = "gcc") -> None:
        """Compare commands that end well, one after the other.

        (One that fails with both compilers would show little.)
        """
        for command in commands:
            (ending,) = self.compare(command, program=program).endings
            assert ending.returncode == 0, ending

    def unit(self, arguments: Sequence[str]) -> str:
        """Return the text gcc makes of a command that ends in -S -o -."""
        return self.gcc([*arguments, "-S", "-o", "-"]).stdout.decode("latin-1")

    def key(self, text: str, arguments: Sequence[str]) -> str:
        """Return the key the shim looks a unit up by."""
        words = [os.fsencode(word) for word in (str(find_gcc()), *arguments)]
        return unit_key(
            text.encode("latin-1"),
            generation=self._fact("LLMCC_GENERATION"),
            command=words,
            folder=os.fsencode(self.folder),
        )

    def _fact(self, name: str) -> str:
        """Return what the programs were built with."""
        header = (self.launcher.parent / "facts.h").read_text()
        return header.partition(f'#define {name} "')[2].partition('"')[0]

    @property
    def store(self) -> UnitStore:
        return UnitStore(self.cache)


@pytest.fixture(scope="session")
def native(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs, built once."""
    return build(tmp_path_factory.mktemp("native"), entries=())


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `native_for_stand_in` looks for python; what lies there is the test's."""
    return tmp_path_factory.mktemp("python") / "bin" / "python"


@pytest.fixture(scope="session")
def native_for_stand_in(stand_in: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs, built once for a python that tests put there and take away."""
    return build(tmp_path_factory.mktemp("native"), entries=(), python=str(stand_in))


@pytest.fixture
def with_python(
    native_for_stand_in: Path, stand_in: Path, own_cache: Path, tmp_path: Path
) -> Iterator[Callable[[str], Compiler]]:
    """Set up llmcc in mode sync with a shell script of the given body for python.

    The script is started with -I -c <code> <cache> <key> <pid of gcc> <as>. `a.c` has one loop.
    """

    def make(body: str) -> Compiler:
        stand_in.parent.mkdir(exist_ok=True)
        stand_in.write_text("#!/bin/sh\n" + body)
        stand_in.chmod(0o755)
        compiler = make_compiler(native_for_stand_in, own_cache, tmp_path)
        compiler.environ["LLMCC_MODE"] = "sync"
        (tmp_path / "a.c").write_text(SEARCH)
        return compiler

    yield make
    shutil.rmtree(stand_in.parent, ignore_errors=True)


@pytest.fixture(scope="session")
def script_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A python to put beside an installed script: it can import llmcc, as a venv's can."""
    python = tmp_path_factory.mktemp("script-python") / "python"
    root = Path(llmcc.__file__).parent.parent
    # The script starts it with -I -m llmcc.native.build, three words that are dropped here.
    code = f"import sys, runpy; sys.path.insert(0, {str(root)!r}); del sys.argv[1:4]; "
    code += "runpy.run_module('llmcc.native.build', run_name='__main__')"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{code}" "$@"\n')
    python.chmod(0o755)
    return python


@pytest.fixture
def compiler(native: Path, own_cache: Path, tmp_path: Path) -> Compiler:
    """llmcc with an empty store, in an empty folder."""
    return make_compiler(native, own_cache, tmp_path)


def make_compiler(native: Path, cache: Path, folder: Path) -> Compiler:
    home = cache / "llmcc-native" / native.name
    shutil.copytree(native, home, symlinks=True)
    return Compiler(cache, folder, home / "launcher")


def run_script(
    script: Path, folder: Path, arguments: list[str], **environ: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [str(script), *arguments],
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        check=False,
    )


@pytest.fixture
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The entry script as pip installs it, in a folder of its own without python."""
    folder = tmp_path_factory.mktemp("venv") / "bin"
    folder.mkdir()
    return Path(shutil.copy(SCRIPT, folder / "llmcc"))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "a.c"
    path.write_text(SEARCH)
    return path
