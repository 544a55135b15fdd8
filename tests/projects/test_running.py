"""Running commands in trees, and the input files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmcc.training.project_tree import CommandFailed, Tree, plain_environ
from tests.process_end import ends
from tests.projects.__main__ import PROJECTS
from tests.projects.work import make_work


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path, plain_environ(tmp_path / "tools"))


@pytest.fixture
def foreign_settings() -> Iterator[None]:
    """Settings of the machine that starts the run."""
    names = ("LLMCC_MODE", "CFLAGS", "MAKEFLAGS", "SOURCE_DATE_EPOCH")
    before = dict(os.environ)
    os.environ.update(dict.fromkeys(names, "1"))
    yield
    os.environ.clear()
    os.environ.update(before)


def test_tells_how_a_command_ended_and_what_it_took(tree: Tree) -> None:
    done = tree.run(
        "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo out; echo err >&2; exit 3"
    )
    assert (done.status, done.output, done.errors) == (3, "out\n", "err\n")
    assert 0 < done.cpu_s <= done.wall_s * 1.5


def test_a_command_that_must_succeed_names_what_it_said(tree: Tree) -> None:
    with pytest.raises(CommandFailed, match="no such thing"):
        tree.must("echo no such thing; false; echo not reached")


def test_ends_a_command_with_all_it_started(tree: Tree) -> None:
    done = tree.run("sleep 1000 & echo $! > pid; wait", timeout_s=0.3)
    assert done.status == -1
    assert ends(int((tree.folder / "pid").read_text()))


@pytest.mark.usefixtures("foreign_settings")
def test_no_setting_of_the_machine_reaches_a_build(tmp_path: Path) -> None:
    environ = plain_environ(tmp_path)
    assert not {"LLMCC_MODE", "CFLAGS", "MAKEFLAGS", "SOURCE_DATE_EPOCH"} & set(environ)
    assert environ["PATH"].startswith(f"{tmp_path}:")


def test_input_files_are_the_same_in_every_run(tmp_path: Path) -> None:
    make_work(tmp_path / "one")
    make_work(tmp_path / "two")
    for name in ("text", "records.json"):
        one, two = (tmp_path / folder / name for folder in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()
        assert one.stat().st_size > 2_000_000
    assert len(json.loads((tmp_path / "one" / "records.json").read_text())) == 12_000


def test_no_project_comes_twice() -> None:
    names = [project.name for project in PROJECTS]
    assert len(names) == len(set(names)) == 9
