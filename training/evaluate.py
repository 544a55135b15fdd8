"""``llmcc-train eval``: how well models do on loops they have not seen, beside rows without one."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from llmcc.backends.embedded.backend import SHIPPED_WEIGHTS
from llmcc.training.dataset import SPLITS, PairRecord
from llmcc.training.evaluation import (
    AA_ROW,
    SECTIONS,
    Question,
    comparisons_of,
    families_of,
    judge_itself,
    judge_row,
    read_question,
    sections_of,
)
from llmcc.training.evaluation_table import Report, markdown, tables, to_json
from llmcc.training.judging import JudgePool
from llmcc.training.loop_results import LoopResult, ResultFile
from llmcc.training.proposers import (
    Proposer,
    compiler_proposers,
    model_proposer,
    nobody,
    random_proposer,
)

_SECTIONS = dict(zip(("seen", "compositions", "families", "projects"), SECTIONS, strict=True))
_THOROUGHNESS = click.Choice(["quick", "full"])


@click.command(name="eval")
@click.argument(
    "pairs_files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME=PATH",
    help="A row: exported weights or a checkpoint; several may be given. Default: the shipped one.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs/eval"),
    show_default=True,
    help="Folder of evaluation.json, evaluation.md and what is known from a stopped run.",
)
@click.option(
    "--split", type=click.Choice(SPLITS), default="test", show_default=True, help="Which."
)
@click.option(
    "--per-family",
    type=click.IntRange(min=1),
    default=None,
    help="Use only so many loops of each family or project, in each section.",
)
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(list(_SECTIONS)),
    help="Use these sections of the loops; several may be given. Default: all.",
)
@click.option(
    "--samples", type=click.IntRange(min=1), default=32, show_default=True, help="Per loop."
)
@click.option(
    "--temperature",
    type=click.FloatRange(min=0, min_open=True),
    default=0.8,
    show_default=True,
    help="Of the sampling.",
)
@click.option(
    "--temperature-of",
    "temperatures",
    multiple=True,
    metavar="NAME=TEMPERATURE",
    help="Sample this model at another one.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of samples and tests.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Samplers, judges.",
)
@click.option(
    "--battery", type=_THOROUGHNESS, default="quick", show_default=True, help="How to verify."
)
@click.option(
    "--timing", type=_THOROUGHNESS, default="quick", show_default=True, help="How to time."
)
@click.option(
    "--baselines/--no-baselines",
    default=True,
    show_default=True,
    help="Also the rows without a model: none, random valid, compilers, A/A.",
)
@click.option(
    "--compare",
    "compared",
    multiple=True,
    metavar="NEW=OLD",
    help="Compare two rows. Default: the last model with each of the others.",
)
@click.option("--k", type=click.IntRange(min=1), default=8, show_default=True, help="Compared at.")
@click.option(
    "--parts",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Disjoint parts of the loops that a comparison has to hold on.",
)
def evaluate(
    pairs_files: tuple[Path, ...],
    models: tuple[str, ...],
    out: Path,
    split: str,
    per_family: int | None,
    only: tuple[str, ...],
    samples: int,
    temperature: float,
    temperatures: tuple[str, ...],
    seed: int,
    jobs: int,
    battery: str,
    timing: str,
    baselines: bool,
    compared: tuple[str, ...],
    k: int,
    parts: int,
) -> None:
    """Judge models on the held-out loops of PAIRS_FILES; a stopped run goes on where it was."""
    paths = [_named(text) for text in models] or [("shipped", str(SHIPPED_WEIGHTS))]
    question, training = read_question(
        pairs_files,
        split=split,
        per_family=per_family,
        sections=[_SECTIONS[name] for name in only or _SECTIONS],
    )
    if not question.records:
        raise click.ClickException(f"there is no loop with a region in split {split!r}")
    own = dict(map(_named, temperatures))
    if unknown := own.keys() - {name for name, _ in paths}:
        raise click.ClickException(f"--temperature-of: no model {', '.join(sorted(unknown))}")
    proposers = _baselines(training, samples=samples, seed=seed) if baselines else []
    proposers += [
        model_proposer(
            name,
            Path(path),
            samples=samples,
            temperature=_temperature(own[name]) if name in own else temperature,
            seed=seed,
        )
        for name, path in paths
    ]
    names = [proposer.name for proposer in proposers]
    if len(set(names)) < len(names):
        raise click.ClickException("two rows have one name")
    pairs = [_named(text) for text in compared]
    pairs = pairs or [(paths[-1][0], old) for old, _ in reversed(paths[:-1])]
    if unknown := {name for pair in pairs for name in pair} - set(names):
        raise click.ClickException(f"--compare: there is no row {', '.join(sorted(unknown))}")
    out.mkdir(parents=True, exist_ok=True)
    rests_on = f"{seed} {battery} {timing}"

    def store(name: str, fingerprint: str) -> ResultFile:
        return ResultFile(out, name, rests_on=f"{fingerprint} {rests_on}")

    results: dict[str, Sequence[LoopResult]] = {}
    with (
        JudgePool(
            jobs=jobs, seed=seed, battery=battery, timing=timing, cache=out / "judgements.jsonl"
        ) as pool,
        Progress() as progress,
    ):
        for proposer in proposers:
            results[proposer.name] = judge_row(
                proposer,
                question.records,
                judges=pool,
                store=store(proposer.name, proposer.fingerprint),
                advance=_bar(progress, proposer.name, len(question.records)),
                jobs=jobs,
            )
        if baselines:
            results[AA_ROW] = judge_itself(
                question.records,
                timing=timing,
                seed=seed,
                store=store(AA_ROW, ""),
                advance=_bar(progress, AA_ROW, len(question.records)),
            )
    report = _report(question, results, pairs, k=k, parts=parts, seed=seed)
    _write(out / "evaluation.json", json.dumps(to_json(report), indent=1) + "\n")
    _write(out / "evaluation.md", markdown(report))
    console = Console(width=None if sys.stdout.isatty() else 160)
    for table in tables(report):
        console.print(table)
    click.echo(f"wrote {out / 'evaluation.json'} and {out / 'evaluation.md'}")


def _report(
    question: Question,
    results: dict[str, Sequence[LoopResult]],
    pairs: Sequence[tuple[str, str]],
    *,
    k: int,
    parts: int,
    seed: int,
) -> Report:
    return Report(
        made_by=" ".join(["llmcc-train", *sys.argv[1:]]),
        machine=f"{_processor()}, {os.cpu_count()} cores",
        sections=tuple(sections_of(question, results, seed=seed)),
        families=tuple(families_of(results, seed=seed)),
        comparisons=tuple(comparisons_of(question, results, pairs, k=k, parts=parts, seed=seed)),
    )


def _baselines(training: Sequence[PairRecord], *, samples: int, seed: int) -> list[Proposer]:
    strangers = random_proposer(training, samples=samples, seed=seed)
    return [nobody(), strangers, *compiler_proposers()]


def _named(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise click.ClickException(f"{text!r} is not NAME=VALUE")
    return name, value


def _temperature(text: str) -> float:
    with suppress(ValueError):
        if (value := float(text)) > 0:
            return value
    raise click.ClickException(f"{text!r} is no temperature: give a number above 0")


def _bar(progress: Progress, name: str, total: int) -> Callable[[int], None]:
    task = progress.add_task(name, total=total)
    return lambda count: progress.advance(task, count)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
