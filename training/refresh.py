"""``llmcc-train refresh``: go on training the model in use on the loops a user's builds recorded.

The loops come from the spool that `LLMCC_MODE=record` fills. A third of their shapes is held out;
the model in use is replaced only if the new one is better on those, beyond the noise.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click

from llmcc.backends.embedded.backend import SHIPPED_WEIGHTS
from llmcc.config import read_config
from llmcc.pipeline import unit_name
from llmcc.store.spool import Spool
from llmcc.training.corpus import shape_key
from llmcc.training.dataset import PairRecord, write_pairs
from llmcc.training.estimators import part_of
from llmcc.training.project_loops import find_project_loops, prompt_records
from llmcc.training.project_units import ProjectUnit
from llmcc.training.stages import run_command

_GROUP = "own"
_PARTS = 6
_SPLITS = {0: "test", 1: "test", 2: "validation"}  # part -> split; the others train
_LEAST_HELD_OUT = 8
_SURVEY_TIMEOUT_S = 600.0


@click.command()
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Budget of the training.",
)
@click.option(
    "--weights",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=SHIPPED_WEIGHTS,
    help="The model to go on from, and to replace. Default: the one llmcc uses.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs/refresh"),
    show_default=True,
    help="Folder of loops, run and evaluation; a stopped run goes on there.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of samples and tests.")
def refresh(minutes: float, weights: Path, out: Path, seed: int) -> None:
    """Train on the loops of recorded builds; keep the result only if it is better."""
    if not os.access(weights, os.W_OK):
        raise click.ClickException(f"{weights} cannot be written, so no model can be replaced")
    out.mkdir(parents=True, exist_ok=True)
    loops, former = out / "loops.jsonl", out / "former"
    if not loops.exists():
        records = own_records()
        held_out = sum(record.split == "test" for record in records)
        if held_out < _LEAST_HELD_OUT:
            raise click.ClickException(
                f"the spool gives {len(records)} loops, {held_out} of them to be held out; "
                f"{_LEAST_HELD_OUT} are needed. Build more with LLMCC_MODE=record."
            )
        copy_model(weights, former)
        write_pairs(loops, records)
    best = out / "ppo" / "best.pt"
    _train_and_judge(loops, former, out, minutes=minutes, seed=seed)
    evaluation = out / "eval" / "evaluation.json"
    gain = gain_of(json.loads(evaluation.read_text(encoding="utf-8")))
    shown = f"{gain['value']:.3f} [{gain['low']:.3f}, {gain['high']:.3f}]"
    if not is_better(gain):
        click.echo(f"speedup@8 on held-out loops, new over old: {shown}; the old model stays")
        _file_away(loops)
        return
    new = out / "new"
    _run(["export", str(best), "--out", str(new), "--evaluation", str(evaluation)])
    copy_model(new, weights)
    click.echo(f"speedup@8 on held-out loops, new over old: {shown}; the model is replaced")
    click.echo(f"the old one is in {former}")
    _file_away(loops)


def _file_away(loops: Path) -> None:
    """End a refresh, so that the next one in this folder reads the spool again."""
    shutil.rmtree(loops.parent / "ppo", ignore_errors=True)
    loops.replace(loops.with_suffix(".used.jsonl"))


def own_records() -> list[PairRecord]:
    """Find the loops of the units in the user's spool; both ISAs of a shape are in one split."""
    with tempfile.TemporaryDirectory(prefix="llmcc-refresh-") as scratch:
        found = find_project_loops(
            spooled_units(), scratch=Path(scratch), timeout_s=_SURVEY_TIMEOUT_S
        )
    return [with_split(record) for record in prompt_records(_GROUP, "train", found.loops)]


def spooled_units() -> Iterator[ProjectUnit]:
    """Read the spool of the user's cache; nothing is taken out of it."""
    spool = Spool(read_config().cache)
    for key in spool.waiting():
        unit = spool.get(key)
        if unit is not None:
            yield ProjectUnit(unit_name(unit.text), unit.text, unit.driver)


def with_split(record: PairRecord) -> PairRecord:
    """Put a loop where its shape belongs: about half to train, a third to test."""
    if record.region is None:
        return record
    part = part_of(shape_key(record.region.text), _PARTS)
    return replace(record, split=_SPLITS.get(part, "train"))


def gain_of(evaluation: dict[str, list[dict[str, object]]]) -> dict[str, float]:
    """Read the paired gain over all held-out loops out of an evaluation.

    Raises:
        ValueError: it holds no such comparison.
    """
    for comparison in evaluation["comparisons"]:
        if comparison["section"] == "all" and isinstance(comparison["gain"], dict):
            return comparison["gain"]
    raise ValueError("the evaluation compares nothing")


def is_better(gain: dict[str, float]) -> bool:
    """Whether the whole interval of the gain lies over 1."""
    return gain["low"] > 1.0


def copy_model(source: Path, target: Path) -> None:
    """Copy a model's files, each by rename, the weights last."""
    target.mkdir(parents=True, exist_ok=True)
    files = sorted(source.iterdir(), key=lambda path: path.suffix == ".safetensors")
    for path in files:
        temporary = target / (path.name + ".tmp")
        shutil.copyfile(path, temporary)
        temporary.replace(target / path.name)


def _train_and_judge(loops: Path, former: Path, out: Path, *, minutes: float, seed: int) -> None:
    seeded = ("--seed", str(seed))
    run = out / "ppo"
    _run(
        [
            *("ppo", str(loops), "--model", str(former), "--out", str(run), "--resume"),
            *("--minutes", f"{minutes:g}", *seeded),
        ]
    )
    _run(
        [
            *("eval", str(loops), f"--model=old={former}", f"--model=new={run / 'best.pt'}"),
            *("--compare", "new=old", "--no-baselines", "--parts", "1", "--samples", "16"),
            *("--out", str(out / "eval"), *seeded),
        ]
    )


def _run(arguments: Sequence[str]) -> None:
    status = run_command(arguments, None)
    if status != 0:
        raise click.ClickException(f"llmcc-train {arguments[0]} ended with status {status}")
