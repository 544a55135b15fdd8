"""Real gcc through a launcher and shim built once, with an empty store for each test."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from llmcc.native.build import build
from llmcc.store.keys import unit_key
from llmcc.store.units import UnitStore
from llmcc.toolchain import find_gcc

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


@pytest.fixture
def compiler(native: Path, own_cache: Path, tmp_path: Path) -> Compiler:
    """llmcc with an empty store, in an empty folder."""
    return make_compiler(native, own_cache, tmp_path)


def make_compiler(native: Path, cache: Path, folder: Path) -> Compiler:
    home = cache / "llmcc-native" / native.name
    shutil.copytree(native, home, symlinks=True)
    return Compiler(cache, folder, home / "launcher")
