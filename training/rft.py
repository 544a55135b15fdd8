"""``llmcc-train rft``: rejection fine-tuning, on the model's own verified and faster rewrites.

For each loop of the training split, k rewrites are sampled; the best that is right, shown faster
and not yet known is added to the pairs; then SFT goes on, from the model's weights, on all of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import click
import torch
from rich.progress import track

from llmcc.backends.embedded.backend import SHIPPED_WEIGHTS
from llmcc.gate.text import check_text
from llmcc.outcome import Refusal
from llmcc.regions.model import Region
from llmcc.training.dataset import (
    PairRecord,
    pair_to_line,
    read_pairs,
    write_pairs,
)
from llmcc.training.judgement import Judgement
from llmcc.training.judging import Case, JudgePool
from llmcc.training.region_environment import RegionEnvironment
from llmcc.training.rewards import lcb
from llmcc.training.rollout import numpy_policy, sample_answers
from llmcc.training.sft import Settings, append_line, file_sink
from llmcc.training.sft import train as train_sft
from llmcc.training.sft_pairs import load_pairs
from llmcc.training.start import load_start

_LOOPS_AT_ONCE = 16
_VALIDATION_PAIRS = 256


def find_rewrites(
    model_path: Path,
    records: Sequence[PairRecord],
    *,
    samples: int,
    seed: int,
    judge: Callable[[Sequence[Case]], list[Judgement]],
) -> Iterator[list[PairRecord]]:
    """Give what is found, a few loops at a time: records with a new rewrite, provenance "rft".

    A find replaces nothing: the known rewrite of its loop stays a pair of its own.
    """
    start = load_start(model_path)
    environment = RegionEnvironment(
        records, start.vocabulary, context=start.shape.context, judge=judge
    )
    policy = numpy_policy(start.model())
    problems = environment.prompts("train")
    for first in range(0, len(problems), _LOOPS_AT_ONCE):
        part = problems[first : first + _LOOPS_AT_ONCE]
        answers = [
            answer
            for answer in sample_answers(
                policy,
                environment,
                part,
                samples=samples,
                seed=f"rft {seed} {first}",
                advance=lambda: None,
            )
            if answer.is_ended and is_new(part[answer.prompt], answer.text)
        ]
        judged = environment.judge([(part[a.prompt], a.text) for a in answers])
        best: dict[int, tuple[float, str]] = {}
        for answer, judgement in zip(answers, judged, strict=True):
            worth = (lcb(judgement), answer.text)
            if judgement.is_faster and worth > best.get(answer.prompt, (0.0, "")):
                best[answer.prompt] = worth
        yield [_found(part[prompt], text) for prompt, (_, text) in sorted(best.items())]


def is_new(record: PairRecord, text: str) -> bool:
    """Tell whether a rewrite differs from the known one in more than spelling."""
    region = record.region
    assert region is not None
    return _normal(region, text) != _normal(region, record.rewrite)


def _normal(region: Region, text: str) -> str:
    plain = check_text(region, text)
    return text if isinstance(plain, Refusal) else plain.text


def _found(record: PairRecord, text: str) -> PairRecord:
    return replace(record, id=f"{record.id}-rft", rewrite=text, provenance="rft")


@click.command()
@click.argument("pairs_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--model",
    "model_path",
    type=click.Path(exists=True, path_type=Path),
    default=SHIPPED_WEIGHTS,
    help="Checkpoint or exported directory to sample from and go on with. Default: the shipped.",
)
@click.option(
    "--out",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs/rft"),
    show_default=True,
    help="Directory of finds, pairs, checkpoint and log.",
)
@click.option("--samples", type=click.IntRange(min=1), default=16, show_default=True, help="k.")
@click.option(
    "--minutes",
    type=click.FloatRange(min=0),
    default=20.0,
    show_default=True,
    help="Budget of the fine-tuning that follows; 0: only find.",
)
@click.option(
    "--learning-rate", type=float, default=1e-3, show_default=True, help="Peak of the fine-tuning."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of samples and batches.")
@click.option("--jobs", type=click.IntRange(min=1), default=2, show_default=True, help="Judges.")
@click.option(
    "--nice",
    type=click.IntRange(0, 19),
    default=10,
    show_default=True,
    help="How far to step back behind other processes.",
)
def rft(
    pairs_file: Path,
    model_path: Path,
    directory: Path,
    samples: int,
    minutes: float,
    learning_rate: float,
    seed: int,
    jobs: int,
    nice: int,
) -> None:
    """Sample rewrites of the training loops of PAIRS_FILE, keep the verified faster ones, train.

    Leaves in --out: finds.jsonl, pairs.jsonl (PAIRS_FILE and the finds), checkpoint.pt, log.jsonl.
    An interrupted search starts anew, but what was judged is remembered; with all of pairs.jsonl
    there, only the fine-tuning is done.
    """
    os.nice(nice)
    directory.mkdir(parents=True, exist_ok=True)
    if not (directory / "pairs.jsonl").exists():
        _search(pairs_file, model_path, directory, samples=samples, seed=seed, jobs=jobs)
    if minutes:
        _fine_tune(model_path, directory, minutes=minutes, rate=learning_rate, seed=seed)


def _search(
    pairs_file: Path, model_path: Path, directory: Path, *, samples: int, seed: int, jobs: int
) -> None:
    records = [r for r in read_pairs(pairs_file) if r.split == "train"]
    finds: list[PairRecord] = []
    # The pool forks: before torch starts its threads.
    with JudgePool(jobs=jobs, seed=seed, cache=directory / "judged.jsonl") as pool:
        parts = find_rewrites(model_path, records, samples=samples, seed=seed, judge=pool.judge)
        for part in track(parts, "sampling", total=-(-len(records) // _LOOPS_AT_ONCE)):
            finds += part
    write_pairs(directory / "finds.jsonl", finds)
    click.echo(f"{len(finds)} new rewrites for {len(records)} loops")
    temporary = directory / "pairs.jsonl.tmp"
    with temporary.open("w", encoding="utf-8") as stream:
        with pairs_file.open(encoding="utf-8") as known:
            stream.writelines(known)
        stream.writelines(map(pair_to_line, finds))
    temporary.replace(directory / "pairs.jsonl")


def _fine_tune(
    model_path: Path, directory: Path, *, minutes: float, rate: float, seed: int
) -> None:
    torch.manual_seed(seed)
    start = load_start(model_path)
    pairs = load_pairs(directory / "pairs.jsonl", start)
    click.echo(pairs)
    if not pairs.train:
        raise click.ClickException("there is no pair to train on")

    def log(record: dict[str, object]) -> None:
        append_line(directory / "log.jsonl", record)
        click.echo(record)

    settings = Settings(minutes=minutes, seed=seed, learning_rate=rate)
    sink = file_sink(directory)
    train_sft(
        start,
        pairs.train,
        validation=pairs.validation[:_VALIDATION_PAIRS],
        settings=settings,
        # The model card tells which method made a model.
        save=lambda state: sink(replace(state, settings={"method": "rft", **asdict(settings)})),
        log=log,
    )
