"""``llmcc-train ppo``: proximal policy optimisation on the loops of a pairs file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click
import torch
from rich.progress import Progress

from llmcc.backends.embedded.backend import SHIPPED_WEIGHTS
from llmcc.backends.embedded.prompt import WHOLE
from llmcc.training import checkpoint, ppo_state
from llmcc.training.alarm import GAP_MOST
from llmcc.training.curriculum import Curriculum
from llmcc.training.curves import Board, draw_curves
from llmcc.training.dataset import PairRecord, read_pairs
from llmcc.training.judgement import Judgement
from llmcc.training.judging import Case, JudgePool
from llmcc.training.ppo import train
from llmcc.training.ppo_settings import Settings, Sinks
from llmcc.training.ppo_state import RunState
from llmcc.training.region_environment import RegionEnvironment
from llmcc.training.rewards import REWARDS
from llmcc.training.rft_sampling import Sampled, read_sampled
from llmcc.training.sft import append_line
from llmcc.training.start import load_start

_DEFAULTS = Settings()
# Another generator's states for the alarm: no seed a user is likely to give.
_HELD_OUT_SEED_STEP = 0x5EED
_TRIED_IN_VAIN = 16
_SHOWN = (
    *("reward_mean", "faster_share", "right_share", "entropy", "kl_to_reference"),
    *("explained_variance", "validation_reward_best", "validation_speedup", "alarm_gap"),
    *("sample_s", "judge_s", "score_s", "update_s"),
)


@click.command()
@click.argument("pairs_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--model",
    "model_path",
    type=click.Path(exists=True, path_type=Path),
    default=SHIPPED_WEIGHTS,
    help="Checkpoint or exported directory to start from. Default: the shipped weights.",
)
@click.option(
    "--reward",
    type=click.Choice(sorted(REWARDS)),
    default="lcb",
    show_default=True,
    help="lcb: lower confidence bound; cgs and so: the paper's.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Budget of the run, over all its sessions.",
)
@click.option(
    "--out",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs/ppo"),
    show_default=True,
    help="Directory of checkpoints, log, curves and alarm.",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "verl"]),
    default="local",
    show_default=True,
    expose_value=False,  # with verl, the command line is read as ppo-verl's
    help="verl: a large model on GPUs, with the options of ppo-verl.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of samples and judging.")
@click.option(
    "--jobs", type=click.IntRange(min=1), default=2, show_default=True, help="Samplers, judges."
)
@click.option(
    "--threads", type=click.IntRange(min=1), default=None, help="CPU threads. Default: torch's."
)
@click.option(
    "--prompts",
    type=click.IntRange(min=1),
    default=_DEFAULTS.prompts,
    show_default=True,
    help="Loops an iteration steps on.",
)
@click.option(
    "--draws",
    type=click.IntRange(min=1),
    default=_DEFAULTS.draws_per_prompt,
    show_default=True,
    help="Loops sampled for each of these; those whose rewrites differ in reward are taken first.",
)
@click.option(
    "--samples",
    type=click.IntRange(min=2),
    default=_DEFAULTS.samples,
    show_default=True,
    help="Rewrites sampled for each.",
)
@click.option(
    "--best-of",
    type=click.IntRange(min=1),
    default=_DEFAULTS.best_of,
    show_default=True,
    help="Pay a rewrite for what it adds to the best of so many; 1: for what it is worth itself.",
)
@click.option(
    "--plain-reward",
    "has_plain_reward",
    is_flag=True,
    help="Pay the reward, not what a rewrite is worth to a compile.",
)
@click.option(
    "--learning-rate",
    type=float,
    default=_DEFAULTS.learning_rate,
    show_default=True,
    help="Of the policy.",
)
@click.option(
    "--kl",
    type=click.FloatRange(min=0),
    default=_DEFAULTS.kl_coefficient,
    show_default=True,
    help="Weight of the KL to the model started from.",
)
@click.option(
    "--warm-up",
    type=click.IntRange(min=0),
    default=_DEFAULTS.warm_up_iterations,
    show_default=True,
    help="Iterations of the critic alone, at most.",
)
@click.option(
    "--validate-every",
    type=click.IntRange(min=1),
    default=_DEFAULTS.validate_every,
    show_default=True,
    help="Iterations from one validation to the next.",
)
@click.option(
    "--prompt-baseline/--no-prompt-baseline",
    default=True,
    show_default=True,
    help="Take each prompt's mean error off the advantages.",
)
@click.option(
    "--max-iterations", type=click.IntRange(min=1), default=None, help="Stop after so many."
)
@click.option(
    "--nice",
    type=click.IntRange(0, 19),
    default=10,
    show_default=True,
    help="How far to step back behind other processes.",
)
@click.option(
    "--pass-rates",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="sampled.jsonl of rft: a new run asks first about loops that were solved sometimes.",
)
@click.option("--resume", is_flag=True, help="Go on with the directory's run, if there is one.")
def ppo(
    pairs_file: Path,
    model_path: Path,
    reward: str,
    minutes: float,
    directory: Path,
    seed: int,
    jobs: int,
    threads: int | None,
    prompts: int,
    draws: int,
    samples: int,
    best_of: int,
    has_plain_reward: bool,
    learning_rate: float,
    kl: float,
    warm_up: int,
    validate_every: int,
    prompt_baseline: bool,
    max_iterations: int | None,
    nice: int,
    pass_rates: Path | None,
    resume: bool,
) -> None:
    """Train a model on the loops of PAIRS_FILE, those without a known rewrite included.

    Leaves in --out: best.pt (by validation) and checkpoint.pt (the last) for `eval` and `export`,
    ppo.pt to resume from, log.jsonl, curves.png, events for tensorboard, alarm.json.
    """
    os.nice(nice)
    if threads is not None:
        torch.set_num_threads(threads)
    directory.mkdir(parents=True, exist_ok=True)
    settings = Settings(
        reward=reward,
        minutes=minutes,
        seed=seed,
        prompts=prompts,
        draws_per_prompt=draws,
        samples=samples,
        best_of=best_of,
        has_plain_reward=has_plain_reward,
        samplers=jobs,
        learning_rate=learning_rate,
        kl_coefficient=kl,
        warm_up_iterations=warm_up,
        validate_every=validate_every,
        prompt_baseline=prompt_baseline,
        max_iterations=max_iterations,
    )
    with (
        # The pools fork: before torch starts its threads.
        JudgePool(jobs=jobs, seed=seed, cache=directory / "judged.jsonl") as pool,
        JudgePool(
            jobs=jobs, seed=seed + _HELD_OUT_SEED_STEP, battery="full", timing="none"
        ) as held_out,
    ):
        state, environment = _begin(
            directory, pairs_file, model_path, judge=pool.judge, resume=resume
        )
        if pass_rates is not None and state.iteration == 0:
            state.curriculum = curriculum_from(
                environment.prompts("train"), read_sampled(pass_rates)
            )
        if _is_over(state, settings):
            click.echo("the run is over")
            return
        with _sinks(state, environment, directory, settings, held_out) as sinks:
            train(state, environment, settings, sinks)


def _begin(
    directory: Path,
    pairs_file: Path,
    model_path: Path,
    *,
    judge: Callable[[list[Case]], list[Judgement]],
    resume: bool,
) -> tuple[RunState, RegionEnvironment]:
    former = directory / "ppo.pt"
    is_resumed = resume and former.exists()
    start = None if is_resumed else load_start(model_path)
    if start is not None and start.style != WHOLE:
        raise click.ClickException(f"{model_path} does not read whole prompts, which PPO writes")
    state = ppo_state.load(former) if start is None else RunState.new(start, problem_count=0)
    environment = RegionEnvironment(
        read_pairs(pairs_file),
        state.vocabulary,
        context=state.shape.context,
        judge=lambda cases: judge(list(cases)),
    )
    counts = {split: len(environment.prompts(split)) for split in ("train", "validation")}
    click.echo(
        f"{counts['train']} loops to train on, {counts['validation']} to validate, "
        f"{environment.left_out} left out"
    )
    if not counts["train"]:
        raise click.ClickException(f"{pairs_file} holds no usable loop of the split 'train'")
    if not is_resumed:
        state = RunState.new(start, problem_count=counts["train"]) if start else state
    elif len(state.curriculum.tried) != counts["train"]:
        raise click.ClickException(f"{former} was trained on other loops than {pairs_file} holds")
    return state, environment


def curriculum_from(problems: Sequence[PairRecord], sampled: Sequence[Sampled]) -> Curriculum:
    """Start a curriculum from the pass rates of rejection sampling.

    A loop that was not sampled is untried; where no teacher had a rewrite either, it counts as
    tried in vain: one in twenty of such loops is ever solved (docs/LOG.md), half of the others are.
    """
    known = {one.record_id: one for one in sampled}
    untried, hard = Sampled("", 0, 0, ""), Sampled("", _TRIED_IN_VAIN, 0, "")
    found = [known.get(one.id, untried if one.rewrite else hard) for one in problems]
    return Curriculum.sampled([one.tried for one in found], [one.accepted for one in found])


def _is_over(state: RunState, settings: Settings) -> bool:
    has_all = settings.max_iterations is not None and state.iteration >= settings.max_iterations
    return has_all or state.elapsed_s >= 60 * settings.minutes


@contextmanager
def _sinks(
    state: RunState,
    environment: RegionEnvironment,
    directory: Path,
    settings: Settings,
    held_out: JudgePool,
) -> Iterator[Sinks]:
    """Write what a run gives into its directory, and show how far it is."""
    description = {"method": "ppo", **asdict(settings)}
    board = Board(directory / "tensorboard", first_step=state.iteration + 1)
    problems = environment.prompts("train")

    def save(state: RunState) -> None:
        ppo_state.save(state, directory / "ppo.pt")
        checkpoint.save(state.checkpoint(description), directory / "checkpoint.pt")

    def save_best(state: RunState) -> None:
        checkpoint.save(state.checkpoint(description), directory / "best.pt")

    def log(record: dict[str, object]) -> None:
        append_line(directory / "log.jsonl", record)
        iteration = record["iteration"]
        assert isinstance(iteration, int)
        board.write(iteration, record)
        if "alarm_gap" in record:
            draw_curves(directory / "log.jsonl", directory / "curves.png")
        shown = (f"{name} {record[name]:.3g}" for name in _SHOWN if name in record)
        bar.console.print(f"iteration {iteration}  " + "  ".join(shown), highlight=False)

    def verify_again(state: RunState) -> None:
        state.alarm.check(lambda waiting: held_out.judge(_cases(problems, waiting)))
        state.alarm.write(directory / "alarm.json")
        if state.alarm.is_ringing:
            click.secho(
                f"warning: {state.alarm.gap:.2%} of what training accepted fails held-out tests "
                f"(at most {GAP_MOST:.1%} may): see {directory / 'alarm.json'}",
                fg="red",
                err=True,
            )

    (directory / "settings.json").write_text(json.dumps(description, indent=1) + "\n")
    with Progress() as bar:
        task = bar.add_task("", total=None)
        yield Sinks(
            save=save,
            save_best=save_best,
            log=log,
            verify_again=verify_again,
            progress=lambda what, done, total: bar.update(
                task, description=what, completed=done, total=total
            ),
        )


def _cases(problems: Sequence[PairRecord], waiting: Sequence[tuple[int, str]]) -> list[Case]:
    cases = []
    for problem, text in waiting:
        region = problems[problem].region
        assert region is not None, "the environment keeps only records with a region"
        cases.append(Case(region, problems[problem].isa, text))
    return cases
