"""``llmcc-train ppo-verl``: train a large model with verl on programs or loops."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click

from llmcc.errors import LlmccError
from llmcc.training.dataset import read_pairs
from llmcc.training.program.judging import PROTOCOLS
from llmcc.training.program.readers import read_rows
from llmcc.training.rewards import REWARDS
from llmcc.training.verl_engine import HOW_TO_MAKE, VerlSettings, launch
from llmcc.training.verl_rows import Problem, program_problem, region_problem

_DEFAULTS = VerlSettings()


def read_problems(path: Path) -> Iterator[Problem]:
    """Read the problems of a file: rows of programs, or pairs (pairs.jsonl).

    Raises:
        ValueError: the file is neither; the message names the line.
    """
    if _holds_pairs(path):
        return (region_problem(r) for r in read_pairs(path) if r.region is not None)
    return map(program_problem, read_rows(path))


def hold_back(problems: list[Problem]) -> list[Problem]:
    """Make every tenth problem of the split train one of validation, if there is none of it."""
    if any(problem.split == "validation" for problem in problems):
        return problems
    train = itertools.count()
    return [
        Problem(p.data_source, p.id, "validation", p.prompt, p.document)
        if p.split == "train" and next(train) % 10 == 9
        else p
        for p in problems
    ]


@click.command("ppo-verl")
@click.argument("problems_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--engine", type=click.Choice(["verl"]), expose_value=False, help="Always verl here.")
@click.option("--model", default=_DEFAULTS.model, show_default=True, help="Model, or its folder.")
@click.option(
    "--nnodes",
    "nodes",
    type=click.IntRange(min=1),
    default=_DEFAULTS.nodes,
    show_default=True,
    help="Nodes of the Ray cluster.",
)
@click.option(
    "--gpus",
    type=click.IntRange(min=1),
    default=_DEFAULTS.gpus_per_node,
    show_default=True,
    help="GPUs a node.",
)
@click.option(
    "--reward",
    type=click.Choice(sorted(REWARDS)),
    default=_DEFAULTS.reward,
    show_default=True,
    help="What is paid for.",
)
@click.option(
    "--protocol",
    type=click.Choice(PROTOCOLS),
    default=None,
    help="How programs are timed. Default: as the paper does for its rewards, ours for lcb.",
)
@click.option(
    "--epochs", type=click.IntRange(min=1), default=1, show_default=True, help="Passes over all."
)
@click.option(
    "--out",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs/verl"),
    show_default=True,
    help="Rows, hook, train.sh and checkpoints; all nodes must see it at the same path.",
)
@click.option(
    "--verl-python",
    type=click.Path(path_type=Path),
    default=Path("verl-venv/bin/python"),
    show_default=True,
    help="Python of the environment with verl.",
)
@click.option("--dry-run", is_flag=True, help="Write everything, print the command, start nothing.")
def ppo_verl(
    problems_file: Path,
    model: str,
    nodes: int,
    gpus: int,
    reward: str,
    protocol: str | None,
    epochs: int,
    folder: Path,
    verl_python: Path,
    dry_run: bool,
) -> None:
    """Train on PROBLEMS_FILE: rows of programs (.jsonl, .csv, .parquet) or pairs (pairs.jsonl)."""
    settings = VerlSettings(
        model=model,
        nodes=nodes,
        gpus_per_node=gpus,
        epochs=epochs,
        reward=reward,
        protocol=protocol,
    )
    try:
        problems = hold_back(list(read_problems(problems_file)))
        script = launch(problems, settings, folder, verl_python=verl_python, is_dry_run=dry_run)
    except (LlmccError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    except subprocess.CalledProcessError as error:
        raise click.ClickException(f"verl ended with {error.returncode}") from error
    if dry_run:
        click.echo(script)
        click.echo(f"# written to {folder}; verl's own environment: {HOW_TO_MAKE}", err=True)


def _holds_pairs(path: Path) -> bool:
    if path.suffix != ".jsonl":
        return False
    with path.open(encoding="utf-8") as stream:
        first = next(iter(stream), "{}")
    record = json.loads(first)
    return isinstance(record, dict) and "rewrite" in record
