"""Write docs/cli.md from the commands' own help: `python docs/write_cli.py [--check]`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from llmcc.ctl.main import main as ctl
from llmcc.training.main import main as train

TARGET = Path(__file__).with_name("cli.md")
_WIDTH = 96


def pages(command: click.Command, name: str) -> Iterator[str]:
    """Yield the help of a command and of all below it as Markdown sections."""
    context = click.Context(
        command, info_name=name, terminal_width=_WIDTH, max_content_width=_WIDTH
    )
    yield f"## {name}\n\n```text\n{command.get_help(context).rstrip()}\n```\n"
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            if (found := command.get_command(context, below)) is not None:
                yield from pages(found, f"{name} {below}")


def text() -> str:
    """Return what docs/cli.md must hold."""
    head = "# Commands\n\nMade by `make docs`. `llmcc` itself takes gcc's arguments.\n"
    return "\n".join([head, *pages(ctl, "llmcc-ctl"), *pages(train, "llmcc-train")])


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        if not TARGET.exists() or TARGET.read_text() != text():
            sys.exit("docs/cli.md is not what the commands say. Run `make docs`")
    else:
        TARGET.write_text(text())
