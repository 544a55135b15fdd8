"""`llmcc-ctl clean`: what goes, what stays, what is said."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from llmcc.ctl.main import main
from llmcc.files import write_atomically
from llmcc.outcome import Outcome, Refusal
from llmcc.store.files import shard_path
from llmcc.store.generation import read_generation
from llmcc.store.refused import RefusedTexts

MEBIBYTE = 1 << 20
NOP = ("avx2", "\tnop\n")


def _run(*arguments: str, status: int = 0) -> str:
    result = CliRunner().invoke(main, ["clean", *arguments], catch_exceptions=False)
    assert result.exit_code == status, result.output
    return result.output


@pytest.fixture
def entries(own_cache: Path) -> list[Path]:
    """Three units of a MiB, 0, 10 and 20 days old, and a refusal."""
    RefusedTexts(own_cache).add(*NOP, Refusal(Outcome.FAILED_USER_TEST, "it failed"))
    paths = [shard_path(own_cache / "units", f"{number:02x}" * 32) for number in range(3)]
    for number, path in enumerate(paths):
        write_atomically(path, b"x" * MEBIBYTE)
        used_s = time.time() - 10 * number * 86_400
        os.utime(path, (used_s, used_s))
    return paths


def test_a_store_below_its_cap_stays_whole(entries: list[Path]) -> None:
    assert _run() == "0 entries removed (0.0 MB), 3 kept (3.1 MB)\n"
    assert all(path.exists() for path in entries)


def test_the_cap_is_the_users(entries: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMCC_CAP", "2M")
    assert _run() == "2 entries removed (2.1 MB), 1 kept (1.0 MB)\n"
    assert [path.exists() for path in entries] == [True, False, False]


def test_max_size_is_for_once_and_makes_another_store(entries: list[Path], own_cache: Path) -> None:
    _run("--max-size", "3M")
    assert [path.exists() for path in entries] == [True, True, True]
    assert read_generation(own_cache) == 0
    _run("--max-size", "2900K")
    assert read_generation(own_cache) == 1
    assert [path.exists() for path in entries] == [True, True, False]


def test_what_was_not_used_for_so_long_goes(entries: list[Path]) -> None:
    _run("--older-than", "15d")
    assert [path.exists() for path in entries] == [True, True, False]


def test_what_is_refused_stays_refused_unless_all_is_forgotten(
    entries: list[Path], own_cache: Path
) -> None:
    assert json.loads(_run("--max-size", "0", "--json")) == {
        "removed": 3,
        "removed_bytes": 3 * MEBIBYTE,
        "kept": 0,
        "kept_bytes": 0,
        "swept": 0,
    }
    assert RefusedTexts(own_cache).refusal(*NOP) is not None
    assert json.loads(_run("--all", "--json"))["removed"] == 1
    assert RefusedTexts(own_cache).refusal(*NOP) is None


def test_an_absent_store_is_clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LLMCC_DIR", str(tmp_path / "absent"))
    assert _run("--all") == "0 entries removed (0.0 MB), 0 kept (0.0 MB)\n"
    assert not (tmp_path / "absent").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--older-than", "old"], "'old' is not an age like 12h or 30d"),
        (["--max-size", "much"], "'much' is not a size like 500M or 1G"),
        (["--all", "--max-size", "1G"], "--all removes everything"),
    ],
)
def test_misuse_is_told(entries: list[Path], arguments: list[str], said: str) -> None:
    assert said in _run(*arguments, status=2)
    assert all(path.exists() for path in entries)
