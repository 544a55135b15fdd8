"""`llmcc-ctl`: look at what llmcc did and why. Sub-commands are loaded when they are called."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

import click
from click.shell_completion import CompletionItem

import llmcc
from llmcc.settings_files import read_settings

# name: module and what the list of commands says
_COMMANDS = {
    "bench": ("llmcc.ctl.bench", "Time gcc, clang and llmcc on a folder of kernels."),
    "bisect": ("llmcc.ctl.bisect", "Find and refuse the rewrites that make a command fail."),
    "clean": ("llmcc.ctl.clean", "Make the store smaller, or empty."),
    "completion": ("llmcc.ctl.completion", "Print the completion script of a shell."),
    "config": ("llmcc.ctl.config", "Print every setting and where it comes from."),
    "diff": ("llmcc.ctl.diff", "Show what llmcc changed in gcc's assembly."),
    "doctor": ("llmcc.ctl.doctor", "Check that llmcc works here, and say what to do if not."),
    "explain": ("llmcc.ctl.explain", "Tell what became of every loop of a file, and why."),
    "lock": ("llmcc.ctl.lock", "Pin the accepted fast paths of a project in a file."),
    "optimize": ("llmcc.ctl.optimize", "Try the loops that compiles in mode record have left."),
    "overhead": (
        "llmcc.ctl.overhead",
        "Time what llmcc adds to a compile that it has nothing to do in.",
    ),
    "regions": ("llmcc.ctl.regions", "Print the loops of an assembly file as llmcc sees them."),
    "report": ("llmcc.ctl.report", "Write a page about a build: what was tried, what won."),
    "revert": ("llmcc.ctl.revert", "Take the fast paths of a function out again, for good."),
    "stats": ("llmcc.ctl.stats", "Count what became of all loops so far."),
}


class _LazyGroup(click.Group):
    """A group whose commands are imported when they are used: numpy is slow to load."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = getattr(importlib.import_module(_COMMANDS[cmd_name][0]), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete names without importing the commands."""
        names = [
            CompletionItem(name, help=sentence)
            for name, (_, sentence) in _COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in _COMMANDS.items()])


@click.command(cls=_LazyGroup)
@click.version_option(llmcc.__version__, prog_name="llmcc-ctl")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Look at what llmcc did and why."""
    # https://no-color.org; off a terminal click leaves colours out by itself.
    ctx.color = False if os.environ.get("NO_COLOR") else None
    settings = read_settings(os.environ, Path.cwd())
    # As the launcher does for a compile: everything below reads variables.
    os.environ.update(settings.from_files())
    ctx.obj = settings


if __name__ == "__main__":
    main()
