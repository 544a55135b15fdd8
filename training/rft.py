"""``llmcc-train rft``: rejection fine-tuning, on the model's own verified and faster rewrites.

For each loop of the training split, k rewrites are sampled; the best that is right, shown faster
and not yet known is added to the pairs; then SFT goes on, from the model's weights, on all of them.
"""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from pathlib import Path

import click
import torch
from rich.progress import track

from llmcc.backends.embedded.backend import SHIPPED_WEIGHTS
from llmcc.training import checkpoint
from llmcc.training.budget import Budget
from llmcc.training.dataset import pair_to_line, read_pairs, write_pairs
from llmcc.training.judging import JudgePool
from llmcc.training.rft_sampling import (
    LOOPS_AT_ONCE,
    append_sampled,
    find_rewrites,
    finds_of,
    read_sampled,
)
from llmcc.training.sft import Settings, append_line, file_sink
from llmcc.training.sft import train as train_sft
from llmcc.training.sft_pairs import load_pairs
from llmcc.training.start import load_start

_VALIDATION_PAIRS = 256


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
    "--sample-minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=None,
    help="Sample no further loop after this long, over all calls. Default: all loops.",
)
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
@click.option(
    "--jobs", type=click.IntRange(min=1), default=2, show_default=True, help="Samplers, judges."
)
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
    sample_minutes: float | None,
    minutes: float,
    learning_rate: float,
    seed: int,
    jobs: int,
    nice: int,
) -> None:
    """Sample rewrites of the training loops of PAIRS_FILE, keep the verified faster ones, train.

    Leaves in --out: sampled.jsonl (what came of each loop), finds.jsonl, pairs.jsonl (PAIRS_FILE
    and the finds), checkpoint.pt, log.jsonl. An interrupted call goes on where it was.
    """
    os.nice(nice)
    directory.mkdir(parents=True, exist_ok=True)
    if not (directory / "pairs.jsonl").exists():
        budget = Budget(directory / "sampling.json", sample_minutes)
        _search(
            pairs_file, model_path, directory, samples=samples, seed=seed, jobs=jobs, budget=budget
        )
    if minutes:
        _fine_tune(model_path, directory, minutes=minutes, rate=learning_rate, seed=seed)


def _search(
    pairs_file: Path,
    model_path: Path,
    directory: Path,
    *,
    samples: int,
    seed: int,
    jobs: int,
    budget: Budget,
) -> None:
    records = [r for r in read_pairs(pairs_file) if r.split == "train"]
    results = directory / "sampled.jsonl"
    known = {one.record_id for one in read_sampled(results)}
    waiting = [record for record in records if record.id not in known]
    # The pool forks: before torch starts its threads.
    with JudgePool(jobs=jobs, seed=seed, cache=directory / "judged.jsonl") as pool:
        parts = find_rewrites(
            model_path, waiting, samples=samples, seed=seed, judge=pool.judge, jobs=jobs
        )
        for part in track(parts, "sampling", total=-(-len(waiting) // LOOPS_AT_ONCE)):
            append_sampled(results, part)
            budget.note()
            if budget.is_over():
                break
    sampled = read_sampled(results)
    finds = finds_of(sampled, records)
    write_pairs(directory / "finds.jsonl", finds)
    click.echo(f"{len(finds)} new rewrites for {len(sampled)} of {len(records)} loops")
    temporary = directory / "pairs.jsonl.tmp"
    with temporary.open("w", encoding="utf-8") as stream:
        with pairs_file.open(encoding="utf-8") as former:
            stream.writelines(former)
        stream.writelines(map(pair_to_line, finds))
    temporary.replace(directory / "pairs.jsonl")


def _fine_tune(
    model_path: Path, directory: Path, *, minutes: float, rate: float, seed: int
) -> None:
    torch.manual_seed(seed)
    own = directory / "checkpoint.pt"
    start = checkpoint.load(own) if own.exists() else load_start(model_path)
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
