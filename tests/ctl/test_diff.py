"""What `llmcc-ctl diff` shows is the difference of what gcc made and what was assembled."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from llmcc.store.unit_records import UnitRecord, UnitRecords
from llmcc.store.units import UnitStore
from tests.ctl.conftest import failing, run


def test_patch_turns_gccs_text_into_the_one_that_was_assembled(
    planted: UnitRecord, own_cache: Path, tmp_path: Path
) -> None:
    subprocess.run([*planted.command, "-S", "-o", "gcc.s"], cwd=tmp_path, check=True)
    (tmp_path / "changes").write_text(run("diff", "loops.c"))
    subprocess.run(["patch", "-s", "gcc.s", "changes"], cwd=tmp_path, check=True)
    entry = UnitStore(own_cache).get(planted.key)
    assert entry is not None
    assert (tmp_path / "gcc.s").read_text() == entry.rewritten


@pytest.mark.usefixtures("planted")
def test_takes_nothing_away() -> None:
    (told,) = json.loads(run("diff", "loops.c", "--json"))
    taken = [line for line in told["diff"].split("\n")[2:] if line.startswith("-")]
    # Only the target of the jump into a loop may be another.
    assert all("j" in line for line in taken)
    assert told["added_lines"] > told["removed_lines"]


@pytest.mark.usefixtures("planted")
def test_shows_one_function_alone() -> None:
    told = run("diff", "loops.c:right_one")
    assert '+\t.string\t"right_one"' in told
    assert "right_two" not in told
    assert "llmcc.cpu" not in told


@pytest.mark.usefixtures("planted")
def test_shows_the_last_build_without_a_file() -> None:
    assert run("diff") == run("diff", "loops.c")


@pytest.mark.usefixtures("planted")
def test_says_so_when_the_function_is_not_there() -> None:
    assert "gcc's text has no function 'nothing'" in failing("diff", "loops.c:nothing")


@pytest.mark.usefixtures("build")
def test_says_so_when_nothing_was_changed() -> None:
    assert run("diff", "b.c").startswith("nothing was changed in ")


def test_says_so_when_there_is_nothing_yet(tmp_path: Path) -> None:
    assert run("diff") == "no loops yet. Compile something with llmcc.\n"
    (tmp_path / "a.c").touch()
    assert "Compile it with llmcc first" in failing("diff", str(tmp_path / "a.c"))


def test_refuses_to_guess_when_the_store_has_another_text(
    planted: UnitRecord, own_cache: Path
) -> None:
    store = UnitStore(own_cache)
    store.change_texts(lambda text: text.replace("\tvpaddd\t", "\tvpsubd\t"))
    assert UnitRecords(own_cache).all() == [planted]
    assert "Compile it again with llmcc" in failing("diff", "loops.c")
