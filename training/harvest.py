"""`llmcc-train harvest`: loops of real C projects, and what teachers know about them.

Debian source packages are fetched, built with `CC=llmcc` in record mode, and looked through as the
product would. A finished package is a file, so that a stopped run goes on where it was. Splits are
whole projects; a shape that a test project has is in no other project's part.
"""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from llmcc.training.budget import Budget
from llmcc.training.corpus import shape_key
from llmcc.training.dataset import PairRecord, read_pairs, write_pairs
from llmcc.training.debian_sources import MissingSource, Sources
from llmcc.training.packages import PACKAGES, Package
from llmcc.training.project_loops import ProjectLoops, find_project_loops, prompt_records
from llmcc.training.project_units import compiled_units, recorded_units

# Earlier ones keep a shape that several have.
_SPLIT_ORDER = ("test", "validation", "train")


@dataclass(frozen=True, slots=True)
class Harvest:
    """What one project came to."""

    records: list[PairRecord]
    facts: dict[str, object]  # for people, in the JSON file beside the records


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, resolve_path=True),
    required=True,
    help="Folder for a file a package and regions.jsonl.",
)
@click.option(
    "--package",
    "names",
    multiple=True,
    type=click.Choice([package.name for package in PACKAGES]),
    help="Only this package; may be given several times.",
)
@click.option(
    "--minutes-each", default=2.0, show_default=True, help="Most to build, look through or teach."
)
@click.option(
    "--minutes",
    type=float,
    default=None,
    help="Start no package, and teach none, after this long over all calls.",
)
@click.option("--teach", is_flag=True, help="Try the teachers on every harvested loop.")
@click.option("--jobs", default=2, show_default=True, help="Processes that judge for --teach.")
@click.option("--seed", default=1, show_default=True, help="Seed of the teachers' test batteries.")
def harvest(
    out: Path,
    names: tuple[str, ...],
    minutes_each: float,
    minutes: float | None,
    teach: bool,
    jobs: int,
    seed: int,
) -> None:
    """Collect loops of real C projects; an interrupted run goes on where it was."""
    chosen = [package for package in PACKAGES if not names or package.name in names]
    harvested: list[Package] = []
    out.mkdir(parents=True, exist_ok=True)
    budget = Budget(out / "spent.json", minutes)
    for package in chosen:
        if budget.is_over():
            break
        try:
            _collect(out, package, minutes_each * 60)
        except MissingSource as error:
            click.echo(f"{package.name}: {_reason(error)}", err=True)
            continue
        harvested.append(package)
        budget.note()
    if teach:
        _teach_all(out, harvested, timeout_s=minutes_each * 60, seed=seed, jobs=jobs, budget=budget)
    count = merge(out, PACKAGES)
    click.echo(f"{count} records of distinct loops in {out / 'regions.jsonl'}")


def _reason(error: MissingSource) -> str:
    """The first line in which apt-get tells of an error; else the first of all."""
    lines = str(error).splitlines()
    return next((line for line in lines if line.startswith("E: ")), lines[0])


def _collect(out: Path, package: Package, timeout_s: float) -> None:
    target = _harvested_path(out, package)
    if target.exists():
        return
    folder = out / "trees" / package.name
    Sources(out / "sources").unpack(package.name, folder, is_patched=package.is_patched)
    try:
        found = harvest_tree(
            package, folder, store=folder.with_suffix(".store"), timeout_s=timeout_s
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(folder.with_suffix(".store"), ignore_errors=True)
    _write(target, found)
    click.echo(f"{package.name}: {json.dumps(found.facts)}")


def harvest_tree(package: Package, folder: Path, *, store: Path, timeout_s: float) -> Harvest:
    """Build an unpacked project and find its loops; at most `timeout_s` for each of the two."""
    started_s = time.monotonic()
    store.mkdir(parents=True)
    facts: dict[str, object] = {"split": package.split, "how": "files"}
    loops: ProjectLoops | None = None
    if package.build:
        units, done = recorded_units(folder, package.build, store=store, timeout_s=timeout_s)
        facts |= {"how": "build", "status": done.status}
        if done.status:
            facts["error"] = done.errors[-300:]
        if units:
            loops = find_project_loops(units, scratch=store, timeout_s=timeout_s)
    if loops is None:
        facts["how"] = "files"
        files = compiled_units(folder, timeout_s=timeout_s)
        loops = find_project_loops(files, scratch=store, timeout_s=timeout_s)
    facts |= {
        "units": loops.units,
        "loops": loops.endings.total(),
        "distinct": len(loops.loops),
        "is_complete": loops.is_complete,
        "seconds": round(time.monotonic() - started_s, 1),
        "endings": dict(loops.endings.most_common()),
    }
    return Harvest(prompt_records(package.name, package.split, loops.loops), facts)


def _teach_all(
    out: Path,
    packages: Sequence[Package],
    *,
    timeout_s: float,
    seed: int,
    jobs: int,
    budget: Budget,
) -> None:
    waiting = [package for package in packages if not _taught_path(out, package).exists()]
    if not waiting or budget.is_over():
        return
    # Here, since all of the product is loaded with them.
    from llmcc.training.judging import JudgePool
    from llmcc.training.teach import teach_records

    # The cache makes a package that was stopped half-way go on where it was.
    with JudgePool(jobs=jobs, seed=seed, cache=out / "judgements.jsonl") as pool:
        for package in waiting:
            started_s = time.monotonic()
            endings: Counter[str] = Counter()
            harvested = list(read_pairs(_harvested_path(out, package)))
            records = teach_records(harvested, endings, pool=pool, timeout_s=timeout_s)
            facts: dict[str, object] = {
                "records": len(records),
                "taught": sum(bool(record.rewrite) for record in records),
                "seconds": round(time.monotonic() - started_s, 1),
                "endings": dict(endings.most_common()),
            }
            _write(_taught_path(out, package), Harvest(records, facts))
            click.echo(f"{package.name} taught: {json.dumps(facts)}")
            budget.note()
            if budget.is_over():
                break


def _harvested_path(out: Path, package: Package) -> Path:
    return out / "harvested" / f"{package.name}.jsonl"


def _taught_path(out: Path, package: Package) -> Path:
    return out / "taught" / f"{package.name}.jsonl"


def _write(target: Path, found: Harvest) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.with_suffix(".json").write_text(json.dumps(found.facts, indent=1) + "\n")
    write_pairs(target, found.records)


def merge(out: Path, packages: Sequence[Package]) -> int:
    """Join the packages' files into regions.jsonl, each shape and ISA once; returns the records."""
    ordered = sorted(packages, key=lambda package: _SPLIT_ORDER.index(package.split))
    seen: set[tuple[str, str]] = set()
    kept: list[PairRecord] = []
    for package in ordered:
        files = (_taught_path(out, package), _harvested_path(out, package))
        found = next((path for path in files if path.exists()), None)
        for record in () if found is None else read_pairs(found):
            assert record.region is not None
            key = (shape_key(record.region.text), record.isa)
            if key not in seen:
                seen.add(key)
                kept.append(record)
    return write_pairs(out / "regions.jsonl", kept)
