"""The launcher notices that llmcc's code or weights changed, and builds itself anew."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.interception.conftest import SEARCH


@pytest.fixture
def copy(checkout: Path, tmp_path: Path) -> Path:
    """A copy of llmcc with a script and a python of its own that finds only the copy."""
    root = tmp_path / "copy"
    shutil.copytree(
        checkout / "llmcc", root / "llmcc", ignore=shutil.ignore_patterns("__pycache__")
    )
    (root / "pyproject.toml").touch()  # a checkout, where files are edited in place
    binaries = root / "bin"
    binaries.mkdir()
    shutil.copy(root / "llmcc/native/bin/llmcc", binaries / "llmcc")
    python = binaries / "python"
    real = checkout / ".venv/bin/python"
    python.write_text(f'#!/bin/sh\nshift\nPYTHONPATH={root} exec {real} -B "$@"\n')
    python.chmod(0o755)
    return root


def _compile(root: Path, folder: Path) -> subprocess.CompletedProcess[bytes]:
    (folder / "a.c").write_text(SEARCH)
    return subprocess.run(
        [root / "bin/llmcc", "-O3", "-c", "a.c"],
        cwd=folder,
        env={**os.environ, "LLMCC_MODE": "apply"},
        capture_output=True,
        check=False,
    )


def _built(cache: Path) -> set[str]:
    return {path.name for path in (cache / "llmcc-native").iterdir()}


def _linked(cache: Path, root: Path) -> str:
    return (cache / "entry" / str(root / "bin/llmcc").lstrip("/")).resolve().parent.name


def test_edited_code_and_new_weights_are_noticed(
    copy: Path, own_cache: Path, tmp_path: Path
) -> None:
    assert _compile(copy, tmp_path).returncode == 0
    first = _linked(own_cache, copy)

    weights = copy / "llmcc/backends/embedded/new"
    weights.mkdir()
    (weights / "model.safetensors").write_bytes(b"weights")
    assert _compile(copy, tmp_path).returncode == 0
    second = _linked(own_cache, copy)
    with (copy / "llmcc/decide.py").open("a") as file:
        file.write("# edited\n")
    done = _compile(copy, tmp_path)
    third = _linked(own_cache, copy)

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert len({first, second, third}) == 3
    assert _compile(copy, tmp_path).returncode == 0
    assert _linked(own_cache, copy) == third
    assert _built(own_cache) == {first, second, third}


def test_a_package_put_in_place_anew_is_noticed(
    copy: Path, own_cache: Path, tmp_path: Path
) -> None:
    (copy / "pyproject.toml").unlink()
    _compile(copy, tmp_path)
    first = _linked(own_cache, copy)
    code = copy / "llmcc/decide.py"
    text = code.read_text()
    code.unlink()  # as pip does it
    code.write_text(text + "# newer\n")
    _compile(copy, tmp_path)
    assert _linked(own_cache, copy) != first


def test_code_that_cannot_be_built_any_more_leaves_the_compile_alone(
    copy: Path, own_cache: Path, tmp_path: Path
) -> None:
    _compile(copy, tmp_path)
    before = _linked(own_cache, copy)
    (copy / "llmcc/native/build.py").write_text("broken(\n")
    done = _compile(copy, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert _linked(own_cache, copy) == before
