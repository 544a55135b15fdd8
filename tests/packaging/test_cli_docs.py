"""The commands' help: complete, and the same in docs/cli.md."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from llmcc.ctl.main import main as ctl
from llmcc.training.main import main as train


def _commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None, f"{name} {below} is listed but not there"
            yield from _commands(found, f"{name} {below}")


@pytest.mark.train
@pytest.mark.parametrize(("main", "name"), [(ctl, "llmcc-ctl"), (train, "llmcc-train")])
def test_every_command_and_option_has_a_help_text(main: click.Group, name: str) -> None:
    for path, command in _commands(main, name):
        assert command.help, path
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{path} {parameter.name}"


@pytest.mark.train
def test_docs_hold_what_the_commands_say(checkout: Path) -> None:
    done = subprocess.run(
        [sys.executable, "docs/write_cli.py", "--check"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_training_without_its_packages_says_how_to_get_them(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError('as if', name='torch')\n")
    done = subprocess.run(
        [sys.executable, "-m", "llmcc.training.main", "sft", "--help"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: sft needs torch, which is not installed: `make train-")
