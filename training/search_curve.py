"""``llmcc-train search-curve``: what more samples, other temperatures and other rankings gain.

For each number of samples and temperature the product's own search proposes; everything it proposes
is judged; then the gain is read off as if only the first few of a ranking had been.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np
from rich.progress import track

from llmcc.backends.embedded.backend import (
    SHIPPED_WEIGHTS,
    LoadedModel,
    load_model,
    propose_with,
)
from llmcc.propose import Proposal, Request
from llmcc.training.corpus import shape_key
from llmcc.training.dataset import SPLITS, PairRecord
from llmcc.training.estimators import Interval, geomean_interval
from llmcc.training.evaluation import read_question
from llmcc.training.judgement import Judgement
from llmcc.training.judging import Case, JudgePool
from llmcc.training.static_cost import cost_per_iteration

RANKINGS = ("probability", "static cost", "both")
_TRIED = (1, 2, 4, 32)  # how many of a ranking's first are verified and timed


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the curve."""

    n: int
    temperature: float
    ranking: str
    tried: int  # first ones of the ranking that were judged
    gain: Interval  # geometric mean over loops of the best accepted one's speed-up
    propose_s: float  # mean over loops, of processor time
    proposals: float  # distinct ones, mean over loops


@dataclass(frozen=True, slots=True)
class _Search:
    """What one search found for one loop."""

    proposals: tuple[Proposal, ...]
    seconds: float
    costs: tuple[float, ...]


@click.command(name="search-curve")
@click.argument(
    "pairs_files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option(
    "--model",
    "model_path",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=SHIPPED_WEIGHTS,
    help="Exported weights. Default: the shipped ones.",
)
@click.option("--split", type=click.Choice(SPLITS), default="test", show_default=True, help="Loops")
@click.option(
    "--per-family", type=click.IntRange(min=1), default=4, show_default=True, help="Most of each."
)
@click.option(
    "--n", "counts", default="1,2,4,8,16,32", show_default=True, help="Numbers of samples."
)
@click.option("--temperatures", default="0.6,0.8,1.0", show_default=True, help="Of the sampling.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of samples and tests.")
@click.option("--jobs", type=click.IntRange(min=1), default=2, show_default=True, help="Judges.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs/search"),
    show_default=True,
    help="Folder of curve.json and of what is judged already.",
)
def search_curve(
    pairs_files: tuple[Path, ...],
    model_path: Path,
    split: str,
    per_family: int,
    counts: str,
    temperatures: str,
    seed: int,
    jobs: int,
    out: Path,
) -> None:
    """Measure gain against seconds of the search at inference on the loops of PAIRS_FILES."""
    question, _ = read_question(pairs_files, split=split, per_family=per_family)
    if not question.records:
        raise click.ClickException(f"there is no loop with a region in split {split!r}")
    model = load_model(model_path)
    out.mkdir(parents=True, exist_ok=True)
    points: list[Point] = []
    shapes = [shape_key(record.region.text) for record in question.records if record.region]
    with JudgePool(jobs=jobs, seed=seed, cache=out / "judgements.jsonl") as pool:
        for temperature in map(float, temperatures.split(",")):
            for n in map(int, counts.split(",")):
                found = [
                    _search(model, record, n, temperature=temperature, seed=seed)
                    for record in track(question.records, f"n {n}, temperature {temperature:g}")
                ]
                judged = _judge(question.records, found, pool)
                points += points_of(found, judged, shapes, n=n, temperature=temperature, seed=seed)
    document = [asdict(point) for point in points]
    (out / "curve.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    click.echo(markdown(points))


def points_of(
    found: Sequence[_Search],
    judged: Sequence[Sequence[Judgement]],
    shapes: Sequence[str],
    *,
    n: int,
    temperature: float,
    seed: int,
) -> list[Point]:
    """Read the gain off for every ranking and every number of proposals tried."""
    return [
        Point(
            n,
            temperature,
            ranking,
            tried,
            geomean_interval(
                np.array(
                    [
                        _best(search, judgements, ranking, tried)
                        for search, judgements in zip(found, judged, strict=True)
                    ]
                ),
                shapes,
                seed=seed,
            ),
            float(np.mean([search.seconds for search in found])),
            float(np.mean([len(search.proposals) for search in found])),
        )
        for ranking in RANKINGS
        for tried in _TRIED
        if tried <= n or tried == _TRIED[-1]
    ]


def markdown(points: Sequence[Point]) -> str:
    """Write the curve as a table."""
    lines = [
        "| n | temperature | ranking | tried | gain | CPU s to propose | distinct |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {p.n} | {p.temperature:g} | {p.ranking} | {p.tried if p.tried <= p.n else 'all'} "
        f"| {p.gain.value:.3f} [{p.gain.low:.3f}, {p.gain.high:.3f}] | {p.propose_s:.2f} "
        f"| {p.proposals:.1f} |"
        for p in points
    ]
    return "\n".join(lines)


def _search(
    model: LoadedModel, record: PairRecord, n: int, *, temperature: float, seed: int
) -> _Search:
    if record.region is None:
        raise ValueError(f"{record.id} has no region")
    began = time.process_time()
    request = Request(record.region, record.isa)
    proposals = propose_with(model, request, n, seed=seed, temperature=temperature)
    seconds = time.process_time() - began
    contract = record.region.contract
    costs = tuple(cost_per_iteration(proposal.text, contract) for proposal in proposals)
    return _Search(proposals, seconds, costs)


def _judge(
    records: Sequence[PairRecord], found: Sequence[_Search], pool: JudgePool
) -> list[list[Judgement]]:
    cases = [
        Case(record.region, record.isa, proposal.text)
        for record, search in zip(records, found, strict=True)
        for proposal in search.proposals
        if record.region is not None
    ]
    judged = iter(pool.judge(cases))
    return [[next(judged) for _ in search.proposals] for search in found]


def _best(search: _Search, judgements: Sequence[Judgement], ranking: str, tried: int) -> float:
    """The best accepted speed-up among the first of a ranking; 1.0 for none."""
    order = sorted(range(len(judgements)), key=lambda n: _rank(search, n, ranking))
    first = (judgements[n] for n in order[:tried])
    return max((j.ratio or 1.0 for j in first if j.is_faster), default=1.0)


def _rank(search: _Search, number: int, ranking: str) -> tuple[float, int]:
    """Less is better; what is equal stays in the order of probability."""
    cost = search.costs[number]
    if ranking == "static cost":
        return cost, number
    if ranking == "both":
        # A proposal half as probable has to be guessed twice as fast.
        return (float(np.log(cost)) - search.proposals[number].log_probability), number
    return number, number
