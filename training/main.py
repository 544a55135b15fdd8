"""The command line of training: ``llmcc-train``. Sub-commands are imported when they are called."""

from __future__ import annotations

import os
from importlib import import_module
from itertools import pairwise

import click

# name -> module that holds a click command of the same name, and its help in the list
_COMMANDS = {
    "corpus": ("llmcc.training.corpus", "corpus", "Make verified pairs of loops and rewrites."),
    "harvest": ("llmcc.training.harvest", "harvest", "Collect loops of real C projects."),
    "sft": ("llmcc.training.sft_command", "sft", "Train a model on pairs."),
    "rft": (
        "llmcc.training.rft",
        "rft",
        "Add the model's own verified finds to the pairs, and train.",
    ),
    "ppo": ("llmcc.training.ppo_command", "ppo", "Train a model by its rewards."),
    "ppo-verl": (
        "llmcc.training.verl_command",
        "ppo_verl",
        "Train a large model by PPO with verl on GPUs.",
    ),
    "program-data": (
        "llmcc.training.program.making",
        "program_data",
        "Make rows of whole C programs with tests.",
    ),
    "program-ppo": (
        "llmcc.training.program.local",
        "program_ppo",
        "Train a small model on whole programs, on the CPU.",
    ),
    "program-eval": (
        "llmcc.training.program.evaluate",
        "program_eval",
        "Judge responses to whole programs, by the paper and by pairs.",
    ),
    "eval": ("llmcc.training.evaluate", "evaluate", "Judge models on held-out loops."),
    "export": ("llmcc.training.export", "export", "Write a checkpoint as the shipped weights."),
    "all": ("llmcc.training.all_command", "make_all", "Make and judge a model from nothing."),
    "refresh": ("llmcc.training.refresh", "refresh", "Go on training on your own builds' loops."),
    "search-curve": ("llmcc.training.search_curve", "search_curve", "Measure the search."),
}


class _LazyGroup(click.Group):
    """A group whose commands cost nothing until one of them is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        # Before numpy comes in: its threads spin while they wait, and beside judges and other work
        # the sampling of 32 rewrites took six times as long with two of them as with one.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        module, attribute, _ = _COMMANDS[cmd_name]
        try:
            command: click.Command = getattr(import_module(module), attribute)
        except ModuleNotFoundError as error:
            if (error.name or "llmcc").partition(".")[0] == "llmcc":
                raise
            raise click.ClickException(
                f"{cmd_name} needs {error.name}, which is not installed: "
                "`make train-setup` in llmcc's folder, or install llmcc with its extra [train]"
            ) from error
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Read `ppo --engine verl` as `ppo-verl`: that engine has options of its own."""
        if args[0] == "ppo" and ("--engine=verl" in args or "verl" in _values(args, "--engine")):
            args = ["ppo-verl", *args[1:]]
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, _, summary) in _COMMANDS.items()])


def _values(args: list[str], option: str) -> list[str]:
    return [value for name, value in pairwise(args) if name == option]


@click.group(cls=_LazyGroup)
def main() -> None:
    """Make the model that llmcc ships."""


if __name__ == "__main__":
    main()
