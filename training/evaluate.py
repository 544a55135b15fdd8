"""``llmcc-train eval``: how often the model is right on loops it has not seen, family by family."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from llmcc.backends.embedded.backend import (
    SHIPPED_WEIGHTS,
    LoadedModel,
    load_model,
    propose_with,
)
from llmcc.propose import Request
from llmcc.training.dataset import SPLITS, PairRecord, read_pairs
from llmcc.training.scoring import Score, validator


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one family, or of all."""

    family: str
    count: int
    pass_1: float  # share of loops whose most probable proposal is right
    pass_n: float  # share of loops with a right one among all proposals
    no_proposal: float  # share of loops the model answered nothing to


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How a model did."""

    samples: int
    seed: int
    families: tuple[Row, ...]
    total: Row
    failed_ids: tuple[str, ...]  # records with no right proposal


@dataclass(frozen=True, slots=True)
class _Trial:
    record_id: str
    family: str
    proposal_count: int
    is_first_right: bool
    is_any_right: bool


def evaluate_pairs(
    model: LoadedModel,
    records: Iterable[PairRecord],
    *,
    score: Score,
    samples: int,
    seed: int,
) -> Evaluation:
    """Sample, judge and count. Records without a region are an error of the caller."""
    trials = [_trial(model, record, score=score, samples=samples, seed=seed) for record in records]
    families = sorted({trial.family for trial in trials})
    rows = (_row(family, [t for t in trials if t.family == family]) for family in families)
    failed = tuple(trial.record_id for trial in trials if not trial.is_any_right)
    return Evaluation(samples, seed, tuple(rows), _row("all", trials), failed)


def table(evaluation: Evaluation) -> str:
    """Write the figures for people, one family a line."""
    lines = [
        f"{'family':24} {'loops':>6} {'pass@1':>7} {f'pass@{evaluation.samples}':>7} {'none':>6}"
    ]
    lines += [
        f"{row.family:24} {row.count:6d} {row.pass_1:7.1%} {row.pass_n:7.1%} {row.no_proposal:6.1%}"
        for row in (*evaluation.families, evaluation.total)
    ]
    return "\n".join(lines)


@click.command(name="eval")
@click.argument("pairs_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--model",
    "model_path",
    type=click.Path(exists=True, path_type=Path),
    default=SHIPPED_WEIGHTS,
    help="Directory of exported weights, or a checkpoint. Default: the shipped weights.",
)
@click.option(
    "--split", type=click.Choice(SPLITS), default="test", show_default=True, help="Which."
)
@click.option(
    "--per-family",
    type=click.IntRange(min=1),
    default=None,
    help="Use only so many of each family.",
)
@click.option(
    "--samples", type=click.IntRange(min=1), default=8, show_default=True, help="Per loop."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of sampling and battery.")
@click.option(
    "--json",
    "json_path",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="Also write the figures here, for `llmcc-train export --evaluation`.",
)
def evaluate(
    pairs_file: Path,
    model_path: Path,
    split: str,
    per_family: int | None,
    samples: int,
    seed: int,
    json_path: Path | None,
) -> None:
    """Measure pass@1 and pass@N on the held-out loops of PAIRS_FILE."""
    records = list(_selected(pairs_file, split=split, per_family=per_family))
    if not records:
        raise click.ClickException(f"{pairs_file} holds no pair with a region in split {split!r}")
    with _exported(model_path) as directory:
        model = load_model(directory)
    evaluation = evaluate_pairs(model, records, score=validator(seed), samples=samples, seed=seed)
    click.echo(table(evaluation))
    if json_path is not None:
        json_path.write_text(json.dumps(asdict(evaluation), indent=1) + "\n", encoding="utf-8")


def _selected(path: Path, *, split: str, per_family: int | None) -> Iterator[PairRecord]:
    taken: dict[str, int] = {}
    for record in read_pairs(path):
        if record.split != split or record.region is None:
            continue
        taken[record.family] = taken.get(record.family, 0) + 1
        if per_family is None or taken[record.family] <= per_family:
            yield record


@contextmanager
def _exported(path: Path) -> Iterator[Path]:
    """Give a directory of weights: the path itself, or a checkpoint exported for the moment."""
    if path.is_dir():
        yield path
        return
    # Only a checkpoint needs torch.
    from llmcc.training.checkpoint import load
    from llmcc.training.export import write_model

    with tempfile.TemporaryDirectory() as directory:
        write_model(load(path), Path(directory))
        yield Path(directory)


def _trial(
    model: LoadedModel, record: PairRecord, *, score: Score, samples: int, seed: int
) -> _Trial:
    if record.region is None:
        raise ValueError(f"{record.id} has no region to judge its proposals by")
    proposals = propose_with(model, Request(record.region, record.isa), samples, seed=seed)
    verdicts = iter(score(record.region, proposals))
    is_first_right = next(verdicts, False)
    is_any_right = is_first_right or any(verdicts)
    return _Trial(record.id, record.family, len(proposals), is_first_right, is_any_right)


def _row(family: str, trials: Sequence[_Trial]) -> Row:
    count = len(trials)
    return Row(
        family,
        count,
        pass_1=sum(trial.is_first_right for trial in trials) / max(count, 1),
        pass_n=sum(trial.is_any_right for trial in trials) / max(count, 1),
        no_proposal=sum(trial.proposal_count == 0 for trial in trials) / max(count, 1),
    )
