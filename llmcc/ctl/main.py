"""The command line of administration: ``llmcc-ctl``. Sub-commands are imported when called."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

import click

from llmcc import __version__

# name -> its line in the list; llmcc.ctl.<name> holds a click command of the same name
COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "bench": "Time and check the example kernels, compiler by compiler.",
        "regions": "Print the loops of an assembly file as llmcc sees them.",
    }
)


class _LazyGroup(click.Group):
    """A group whose commands cost nothing until one of them is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"llmcc.ctl.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_LazyGroup)
@click.version_option(__version__, message="llmcc %(version)s")
def main() -> None:
    """Look after llmcc: what it did, why, and how much it gains."""


if __name__ == "__main__":
    main()
