"""``llmcc-train sft``: read pairs, train for some minutes, leave a checkpoint and a log."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click
import torch

from llmcc.backends.embedded.prompt import PromptStyle
from llmcc.backends.embedded.tokens import standard_vocabulary
from llmcc.training import checkpoint
from llmcc.training.model import ModelShape
from llmcc.training.sft import Settings, append_line, file_sink, new_checkpoint, train
from llmcc.training.sft_pairs import LEAVE_SHARE, LEAVE_SHARE_MOST, load_pairs
from llmcc.training.start import deepen, load_start

_VALIDATION_PAIRS = 256


@click.command()
@click.argument("pairs_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs/sft"),
    show_default=True,
    help="Directory of the checkpoint and the log.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=36.0,
    show_default=True,
    help="Budget.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of weights and batches.")
@click.option(
    "--threads", type=click.IntRange(min=1), default=None, help="CPU threads. Default: torch's."
)
@click.option("--learning-rate", type=float, default=4e-3, show_default=True, help="Peak rate.")
@click.option("--layers", type=click.IntRange(min=1), default=4, show_default=True, help="Depth.")
@click.option(
    "--hidden", type=click.IntRange(min=64), default=256, show_default=True, help="Width."
)
@click.option(
    "--nice",
    type=click.IntRange(0, 19),
    default=10,
    show_default=True,
    help="How far to step back behind other processes.",
)
@click.option(
    "--without-contract", is_flag=True, help="Ablation: leave the contract out of the prompts."
)
@click.option("--without-isa", is_flag=True, help="Ablation: leave the ISA out of the prompts.")
@click.option(
    "--data-share",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="Ablation: train on this share of the pairs.",
)
@click.option(
    "--size",
    type=click.Choice(["full", "half"]),
    default="full",
    show_default=True,
    help="Ablation: half has half of the layers.",
)
@click.option(
    "--leave-share",
    type=click.FloatRange(0, LEAVE_SHARE_MOST),
    default=LEAVE_SHARE,
    show_default=True,
    help="Teach to leave loops alone for which nothing is faster: so many for each rewrite, drawn "
    "ones at most and harvested ones at most; 0: none.",
)
@click.option("--resume", is_flag=True, help="Go on from the directory's checkpoint, if any.")
@click.option(
    "--start",
    type=click.Path(exists=True, path_type=Path),
    default=None,
    help="Checkpoint or exported directory whose weights a new run starts from; layers that it "
    "lacks are added.",
)
def sft(
    pairs_file: Path,
    directory: Path,
    minutes: float,
    seed: int,
    threads: int | None,
    learning_rate: float,
    layers: int,
    hidden: int,
    nice: int,
    without_contract: bool,
    without_isa: bool,
    data_share: float,
    size: str,
    leave_share: float,
    resume: bool,
    start: Path | None,
) -> None:
    """Train a model on PAIRS_FILE and leave checkpoint.pt and log.jsonl in --out."""
    os.nice(nice)
    if threads is not None:
        torch.set_num_threads(threads)
    directory.mkdir(parents=True, exist_ok=True)
    vocabulary = standard_vocabulary()
    shape = ModelShape(
        len(vocabulary),
        hidden_size=hidden,
        layer_count=layers if size == "full" else max(layers // 2, 1),
        head_count=hidden // 64,
        feed_forward_size=(hidden * 8 // 3 + 15) // 16 * 16,
    )
    style = PromptStyle(has_contract=not without_contract, has_isa=not without_isa)
    state = replace(new_checkpoint(shape, vocabulary, seed=seed), style=style)
    if resume and (directory / "checkpoint.pt").exists():
        state = checkpoint.load(directory / "checkpoint.pt")
    elif start is not None:
        former = load_start(start)
        state = deepen(former, max(layers, former.shape.layer_count), seed=seed)
    pairs = load_pairs(pairs_file, state, data_share=data_share, leave_share=leave_share)
    click.echo(pairs)
    if not pairs.train:
        raise click.ClickException(f"{pairs_file} holds no usable pair of the split 'train'")
    train(
        state,
        pairs.train,
        validation=pairs.validation[:_VALIDATION_PAIRS],
        settings=Settings(minutes=minutes, seed=seed, learning_rate=learning_rate),
        save=file_sink(directory),
        log=_logger(directory / "log.jsonl"),
    )


def _logger(path: Path) -> Callable[[dict[str, object]], None]:
    def log(record: dict[str, object]) -> None:
        append_line(path, record)
        click.echo(
            "  ".join(
                f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
                for name, value in record.items()
            )
        )

    return log
