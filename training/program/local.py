"""``llmcc-train program-ppo``: the paper's recipe on a CPU with a small model of one's own.

Supervised training on gcc's own -O3 answers (the paper's SFT), then the same PPO loop as for loops.
A model of this size learns to copy and little more; this is for following the whole recipe on real
programs, end to end, where there is no GPU.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import click
from rich.progress import Progress

from llmcc.training import checkpoint, ppo, ppo_state, sft
from llmcc.training.checkpoint import Checkpoint, Position
from llmcc.training.model import ModelShape
from llmcc.training.ppo_settings import Settings, Sinks
from llmcc.training.ppo_state import RunState
from llmcc.training.program.environment import ProgramEnvironment, train_tokenizer, vocabulary_of
from llmcc.training.program.judging import PROTOCOLS, Protocol
from llmcc.training.program.pool import ProgramPool
from llmcc.training.program.readers import read_rows
from llmcc.training.rewards import REWARDS

_HEAD_SIZE = 64
_VOCABULARY = 4096


def teach_copying(
    environment: ProgramEnvironment,
    start: Checkpoint,
    *,
    settings: sft.Settings,
    log: Callable[[dict[str, object]], None],
) -> Checkpoint:
    """Train on gcc's own answers; the result is what PPO starts from."""
    taught = sft.train(
        start,
        environment.pairs("train"),
        validation=environment.pairs("validation"),
        settings=settings,
        save=lambda _: None,
        log=log,
    )
    return Checkpoint(taught.shape, taught.vocabulary, taught.weights, {}, Position(), {})


@click.command("program-ppo")
@click.argument("rows_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs/program-ppo"),
    show_default=True,
    help="Directory of tokenizer, checkpoints and log.",
)
@click.option(
    "--reward",
    type=click.Choice(sorted(REWARDS)),
    default="so",
    show_default=True,
    help="What is paid for.",
)
@click.option(
    "--protocol",
    type=click.Choice(PROTOCOLS),
    default="ours",
    show_default=True,
    help="How programs are timed.",
)
@click.option(
    "--sft-minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="Budget of the supervised training.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=20.0,
    show_default=True,
    help="Budget of PPO.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of weights and samples.")
@click.option("--layers", type=click.IntRange(min=1), default=4, show_default=True, help="Depth.")
@click.option(
    "--hidden", type=click.IntRange(min=64), default=256, show_default=True, help="Width."
)
@click.option(
    "--context",
    type=click.IntRange(min=128),
    default=1024,
    show_default=True,
    help="Longest prompt and response together, in tokens.",
)
@click.option(
    "--prompts",
    type=click.IntRange(min=1),
    default=16,
    show_default=True,
    help="Programs an iteration.",
)
@click.option(
    "--samples", type=click.IntRange(min=2), default=4, show_default=True, help="Responses each."
)
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Judges.")
@click.option(
    "--max-iterations", type=click.IntRange(min=1), default=None, help="Stop after so many."
)
@click.option(
    "--nice",
    type=click.IntRange(0, 19),
    default=10,
    show_default=True,
    help="How far to step back.",
)
def program_ppo(
    rows_file: Path,
    directory: Path,
    reward: str,
    protocol: Protocol,
    sft_minutes: float,
    minutes: float,
    seed: int,
    layers: int,
    hidden: int,
    context: int,
    prompts: int,
    samples: int,
    jobs: int,
    max_iterations: int | None,
    nice: int,
) -> None:
    """Train a small model on ROWS_FILE: its split train, and validation if there is one.

    Leaves in --out: tokenizer.json, sft.pt, ppo.pt, checkpoint.pt and best.pt, log.jsonl.
    """
    os.nice(nice)
    directory.mkdir(parents=True, exist_ok=True)
    try:
        rows = list(read_rows(rows_file))
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    train_rows = [row for row in rows if row.split == "train"]
    if not train_rows:
        raise click.ClickException(f"{rows_file} has no row of the split train")
    # The pool forks: before torch starts its threads.
    with ProgramPool(jobs=jobs, seed=seed, protocol=protocol) as pool:
        tokenizer = train_tokenizer(train_rows, vocabulary_size=_VOCABULARY)
        tokenizer.save(str(directory / "tokenizer.json"))
        environment = ProgramEnvironment(rows, tokenizer, context=context, judge=pool.judge)
        count = len(environment.prompts("train"))
        click.echo(f"{count} programs to train on, {environment.left_out} too long")
        if not count:
            raise click.ClickException(f"no program fits into {context} tokens")
        vocabulary = vocabulary_of(tokenizer)
        shape = ModelShape(
            len(vocabulary),
            hidden_size=hidden,
            layer_count=layers,
            head_count=hidden // _HEAD_SIZE,
            feed_forward_size=(hidden * 8 // 3 + 15) // 16 * 16,
            context=context,
        )
        start = teach_copying(
            environment,
            sft.new_checkpoint(shape, vocabulary, seed=seed),
            settings=sft.Settings(minutes=sft_minutes, seed=seed),
            log=_log(directory, click.echo),
        )
        checkpoint.save(start, directory / "sft.pt")
        settings = Settings(
            reward=reward,
            minutes=minutes,
            seed=seed,
            prompts=prompts,
            samples=samples,
            has_plain_reward=True,  # this and best_of as in the paper
            best_of=1,
            max_new_tokens=context,
            max_iterations=max_iterations,
        )
        with Progress() as bar:
            task = bar.add_task("", total=None)
            ppo.train(
                RunState.new(start, problem_count=count),
                environment,
                settings,
                _sinks(
                    directory,
                    settings,
                    echo=lambda line: bar.console.print(line, highlight=False),
                    progress=lambda what, done, total: bar.update(
                        task, description=what, completed=done, total=total
                    ),
                ),
            )


def _sinks(
    directory: Path,
    settings: Settings,
    *,
    echo: Callable[[str], None],
    progress: Callable[[str, int, int], None],
) -> Sinks:
    description = {"method": "program-ppo", **asdict(settings)}

    def save(state: RunState) -> None:
        ppo_state.save(state, directory / "ppo.pt")
        checkpoint.save(state.checkpoint(description), directory / "checkpoint.pt")

    return Sinks(
        save=save,
        save_best=lambda state: checkpoint.save(
            state.checkpoint(description), directory / "best.pt"
        ),
        log=_log(directory, echo),
        # A program has its tests and no others: there is no held-out battery to ask.
        verify_again=lambda _: None,
        progress=progress,
    )


def _log(directory: Path, echo: Callable[[str], None]) -> Callable[[dict[str, object]], None]:
    def log(record: dict[str, object]) -> None:
        sft.append_line(directory / "log.jsonl", record)
        echo(
            "  ".join(
                f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
                for name, value in record.items()
            )
        )

    return log
