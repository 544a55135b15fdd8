"""The launcher where its script was installed: it needs nothing beside it to be gcc."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from llmcc.native.build import build, take_places
from tests.interception.conftest import SCRIPT, run_script

COMMAND = ["-O3", "-c", "a.c"]


@pytest.fixture
def in_place(
    script: Path, script_python: Path, source: Path, native: Path, own_cache: Path
) -> Path:
    """The launcher where the script was installed."""
    shutil.copy(script_python, script.parent / "python")
    shutil.copytree(native, own_cache / "llmcc-native" / native.name, symlinks=True)
    home = build(own_cache, entries=[script])
    take_places(home / "launcher", [script])
    assert script.read_bytes().startswith(b"\x7fELF")
    return script


def test_launcher_in_the_scripts_place_starts_our_as(in_place: Path, tmp_path: Path) -> None:
    got = run_script(in_place, tmp_path, [*COMMAND, "-v"], LLMCC_MODE="apply")
    assert b"/libexec/as" in got.stderr


def test_launcher_builds_a_cache_that_was_removed_anew(
    in_place: Path, tmp_path: Path, own_cache: Path
) -> None:
    shutil.rmtree(own_cache)
    first = run_script(in_place, tmp_path, COMMAND, LLMCC_MODE="apply")
    assert (first.returncode, first.stdout, first.stderr) == (0, b"", b"")
    got = run_script(in_place, tmp_path, [*COMMAND, "-v"], LLMCC_MODE="apply")
    assert b"/libexec/as" in got.stderr


@pytest.mark.parametrize("cache", ["/proc/no-such", "/dev/null/x", "relative/cache"])
def test_launcher_without_python_and_cache_is_gcc(
    in_place: Path, tmp_path: Path, cache: str
) -> None:
    (in_place.parent / "python").unlink()
    got = run_script(in_place, tmp_path, COMMAND, LLMCC_DIR=cache)
    assert (got.returncode, got.stdout, got.stderr) == (0, b"", b"")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.c", "a.o"]


def test_launcher_called_gcc_without_a_cache_does_not_find_itself(
    in_place: Path, tmp_path: Path
) -> None:
    (in_place.parent / "python").unlink()
    other = tmp_path / "masquerade"
    other.mkdir()
    for name in ("gcc", "g++"):
        (other / name).symlink_to(in_place)
    path = f"{other}:{os.environ['PATH']}"
    for name in ("gcc", "g++"):
        got = run_script(other / name, tmp_path, COMMAND, LLMCC_DIR="/proc/no", PATH=path)
        assert (got.returncode, got.stderr) == (0, b"")


def test_launcher_called_gxx_is_gxx_even_after_the_script(
    in_place: Path, source: Path, tmp_path: Path, own_cache: Path
) -> None:
    shutil.rmtree(own_cache)
    alias = tmp_path / "g++"
    alias.symlink_to(in_place)
    source.rename(tmp_path / "a.cpp")
    for _ in range(2):
        got = run_script(alias, tmp_path, ["--version"], LLMCC_MODE="apply")
        assert b"g++" in got.stdout.splitlines()[0]
        got = run_script(alias, tmp_path, ["-O3", "-c", "a.cpp"], LLMCC_MODE="apply")
        assert (got.returncode, got.stderr) == (0, b"")


def test_an_installed_script_is_used_again_at_once(in_place: Path, tmp_path: Path) -> None:
    shutil.copy(SCRIPT, in_place)  # as pip does it
    got = run_script(in_place, tmp_path, [*COMMAND, "-v"], LLMCC_MODE="apply")
    assert b"/libexec/as" in got.stderr
    assert in_place.read_bytes().startswith(b"\x7fELF")


def test_what_is_not_llmccs_is_not_replaced(script: Path, native: Path) -> None:
    others = {name: script.with_name(name) for name in ("llmcc-gcc", "llmcc-g++")}
    others["llmcc-gcc"].write_text("#!/bin/sh\nexec gcc\n")
    others["llmcc-g++"].symlink_to("llmcc")
    take_places(native / "launcher", [script, *others.values()])
    assert others["llmcc-gcc"].read_text() == "#!/bin/sh\nexec gcc\n"
    assert others["llmcc-g++"].is_symlink()
