"""`llmcc-train corpus`: verified pairs of a loop as gcc writes it and an expert's rewrite.

Random loops of every family are written as ordinary C, compiled with plain gcc -O2 or -O3, found by
llmcc's own region finder, rewritten by the teachers, and kept only if the rewrite passes llmcc's
own gate and a short battery, and is faster. A loop without such a rewrite is kept as a prompt
alone, its rewrite empty. Work is cut into shards by seed; a finished shard is a
file, so that a stopped run goes on where it was.

Two things are held out. Whole families (`Family.split`) are unseen: all their records are of that
split. Within the families trained on, a few shapes are: the test records of such a family are its
unseen shapes. A held-out record whose shape is trained on under another family's name is left out.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from llmcc.asm.parse import parse
from llmcc.backends.embedded.prompt import prompt_text
from llmcc.optimize.crew import Crew
from llmcc.outcome import Outcome, OutcomeClass
from llmcc.propose import Request
from llmcc.regions.find import RefusedLoop, find_regions
from llmcc.regions.model import Region
from llmcc.sandbox.runner import Sandbox
from llmcc.toolchain import find_gcc, run_gcc
from llmcc.training.budget import Budget
from llmcc.training.dataset import PairRecord, pair_to_line, read_pairs, write_pairs
from llmcc.training.experts import ISAS, is_packed, loop_rewrites
from llmcc.training.families.catalogue import FAMILIES, families_of
from llmcc.training.families.loop import Family, Loop
from llmcc.training.leave_it import LEFT_ALONE
from llmcc.training.lift import lifted_rewrites
from llmcc.training.region_judge import RegionJudge, Thoroughness
from llmcc.training.rewards import is_about_proposal
from llmcc.training.surroundings import c_unit, function_text

# What gcc is given; -fPIC changes how constants and functions are referred to.
_FLAGS = (("-O2",), ("-O3",), ("-O3",), ("-O2", "-fPIC"), ("-O3", "-fPIC"))
# Of every hundred loops so many are of families that are not trained on.
_HELD_OUT_FAMILIES_PER_CENT = {"test": 8, "validation": 4}
_HELD_OUT_PER_MILLE = {"test": 40, "validation": 20}
# No rewrite of such a loop can be accepted: there is nothing to try.
_CANNOT_BE_JUDGED = {
    Outcome.NOT_COVERED.name,
    *(o.name for o in Outcome if o.kind in (OutcomeClass.INELIGIBLE, OutcomeClass.ENVIRONMENT)),
}
_MOST_PER_SHAPE = 4
_UNASKED = "no teacher asked"
_WORKER_DIED = "not made, its worker died; the next call tries again"
_WAIT_S = 60.0
_REGISTER = re.compile(r"%[a-z][a-z0-9]*")


@dataclass(frozen=True, slots=True)
class ShardResult:
    """What one shard came to."""

    seed: int
    pairs: int
    prompts: int  # without a rewrite
    endings: dict[str, int]  # how candidates and loops ended


@dataclass(frozen=True, slots=True)
class _Job:
    """One shard to make."""

    out: Path
    seed: int
    loops: int
    families: tuple[str, ...]  # to draw from; () for all
    is_taught: bool  # whether teachers are asked


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder for shards and pairs.jsonl.",
)
@click.option("--shards", default=100, show_default=True, help="How many shards to make in all.")
@click.option("--seed", default=1, show_default=True, help="Seed of the first shard.")
@click.option("--loops", default=48, show_default=True, help="Loops drawn for one shard.")
@click.option("--jobs", default=2, show_default=True, help="Worker processes.")
@click.option("--minutes", type=float, default=None, help="Stop after this long, over all calls.")
@click.option(
    "--family",
    "families",
    multiple=True,
    type=click.Choice(sorted(FAMILIES)),
    help="Draw from these families only (again for each); by default from all.",
)
@click.option(
    "--taught/--untaught",
    "is_taught",
    default=True,
    show_default=True,
    help="Ask teachers for rewrites; without them loops come fast: to evaluate on, or for ppo.",
)
def corpus(
    out: Path,
    shards: int,
    seed: int,
    loops: int,
    jobs: int,
    minutes: float | None,
    families: tuple[str, ...],
    is_taught: bool,
) -> None:
    """Make verified pairs; an interrupted run goes on where it was."""
    (out / "shards").mkdir(parents=True, exist_ok=True)
    budget = Budget(out / "spent.json", minutes)
    waiting = [s for s in range(seed, seed + shards) if not _shard_path(out, s).exists()]
    tasks = [_Job(out, s, loops, families, is_taught) for s in reversed(waiting)]
    started = time.monotonic()
    totals: Counter[str] = Counter()
    pairs = done = 0
    with Crew(jobs, _shard_maker) as crew:
        while (tasks or crew.at_work) and not budget.is_over():
            while tasks and crew.has_idle:
                crew.begin(tasks.pop())
            for job, result in crew.wait(_WAIT_S):
                done += 1
                if result is None:
                    click.echo(f"shard {job.seed}: {_WORKER_DIED}", err=True)
                    totals[f"shard {_WORKER_DIED}"] += 1
                    continue
                pairs += result.pairs
                totals.update(result.endings)
                rate = pairs / (time.monotonic() - started)
                click.echo(
                    f"shard {result.seed}: {result.pairs} pairs, {result.prompts} prompts; "
                    f"{pairs} pairs in all, {rate:.1f}/s, "
                    f"{done}/{len(waiting)}"
                )
            budget.note()
    for ending, count in totals.most_common():
        click.echo(f"{count:7d}  {ending}")
    merged = merge(out)
    click.echo(f"{merged} distinct records in {out / 'pairs.jsonl'}")


def _shard_path(out: Path, seed: int) -> Path:
    return out / "shards" / f"{seed:06d}.jsonl"


def _shard_maker() -> Callable[[_Job], ShardResult]:
    """Begin a worker."""
    os.nice(5)
    return _make_shard


def _make_shard(job: _Job) -> ShardResult:
    seed = job.seed
    rng = random.Random(seed)
    drawn = [family.draw(rng) for family in _families(rng, job)]
    flags = rng.choice(_FLAGS)
    source = c_unit([function_text(loop.c, f"f{number}", rng) for number, loop in enumerate(drawn)])
    text = _assembly(source, flags)
    endings: Counter[str] = Counter()
    records: list[PairRecord] = []
    with Sandbox() as sandbox:
        judge = RegionJudge(sandbox, seed=seed, thoroughness=Thoroughness("quick", "quick"))
        for region in find_regions(parse(text)):
            if isinstance(region, RefusedLoop):
                endings[f"loop {region.outcome.name}"] += 1
                continue
            loop = drawn[int(region.function.removeprefix("f").partition(".")[0])]
            if job.is_taught:
                records += _pairs(region, loop, flags, seed=seed, judge=judge, endings=endings)
            else:
                records += [
                    _record(region, loop, isa, "", flags, _UNASKED, seed=seed) for isa in ISAS
                ]
    write_pairs(_shard_path(job.out, seed), records)
    pairs = sum(bool(record.rewrite) for record in records)
    return ShardResult(seed, pairs, len(records) - pairs, dict(endings))


def _assembly(source: str, flags: tuple[str, ...]) -> str:
    """Gcc's text of a unit; the source is ours, so an error is ours too."""
    with tempfile.TemporaryDirectory(prefix="llmcc-corpus-") as folder:
        place = Path(folder)
        (place / "unit.c").write_text(source)
        done = run_gcc(
            [str(find_gcc()), "-w", *flags, "-S", "unit.c", "-o", "unit.s"], cwd=place, timeout_s=60
        )
        if done.returncode:
            raise RuntimeError(done.stderr.decode("utf-8", "replace"))
        return (place / "unit.s").read_text(encoding="latin-1")


def _families(rng: random.Random, job: _Job) -> list[Family]:
    if job.families:
        return [FAMILIES[rng.choice(job.families)] for _ in range(job.loops)]
    shares = {**_HELD_OUT_FAMILIES_PER_CENT}
    shares["train"] = 100 - sum(shares.values())
    present = [split for split in shares if families_of(split)]
    splits = rng.choices(present, [shares[split] for split in present], k=job.loops)
    return [_one_of(families_of(split), rng) for split in splits]


def _one_of(families: tuple[Family, ...], rng: random.Random) -> Family:
    return rng.choices(families, [family.weight for family in families])[0]


def _pairs(
    region: Region,
    loop: Loop,
    flags: tuple[str, ...],
    *,
    seed: int,
    judge: RegionJudge,
    endings: Counter[str],
) -> Iterator[PairRecord]:
    for isa in ISAS:
        ending, teacher, rewrite = "no expert", "", ""
        for name, text in _candidates(region, loop, isa):
            judgement = judge.judge(region, isa, [text])[0]
            ending, teacher = judgement.outcome.name, name
            if judgement.is_faster:
                rewrite = text
                break
            if not is_about_proposal(judgement):
                break
        kind = "packed" if is_packed(region) else "scalar"
        endings[" ".join((loop.family, kind, isa, teacher.partition(" ")[0], ending))] += 1
        if ending not in _CANNOT_BE_JUDGED:
            yield _record(region, loop, isa, rewrite, flags, teacher, seed=seed)


def _candidates(region: Region, loop: Loop, isa: str) -> Iterator[tuple[str, str]]:
    """Yield (teacher, text): what the family knows; compilers where that is not enough."""
    name = "widen" if is_packed(region) else "template"
    for text in loop_rewrites(region, loop, isa):
        yield name, text
    if FAMILIES[loop.family].split == "train" and loop.family not in LEFT_ALONE:
        for how, text in lifted_rewrites(region, isa):
            yield f"lift {how}", text


def _record(
    region: Region,
    loop: Loop,
    isa: str,
    rewrite: str,
    flags: tuple[str, ...],
    teacher: str,
    *,
    seed: int,
) -> PairRecord:
    prompt = prompt_text(Request(region, isa))
    own = FAMILIES[loop.family].split
    return PairRecord(
        id=f"{seed}-{region.function}-{region.placement.head_label}-{isa}",
        family=loop.family,
        element_type=loop.element_type,
        isa=isa,
        opt=flags[0].removeprefix("-"),
        split=split_of(shape_key(region.text)) if own == "train" else own,
        prompt=prompt,
        rewrite=rewrite,
        provenance=f"gcc {' '.join(flags)}, {_teacher(loop, teacher, rewrite)}",
        wide_follows_xmm=teacher == "widen" and isa == "avx512",
        region=region,
    )


def _teacher(loop: Loop, last: str, rewrite: str) -> str:
    if rewrite or last == _UNASKED:
        return last
    return "leave it" if loop.family in LEFT_ALONE else "no teacher"


def shape_key(text: str) -> str:
    """A digest of a loop's text with its registers renamed in order of appearance."""
    names: dict[str, str] = {}
    shape = _REGISTER.sub(lambda match: names.setdefault(match[0], f"%{len(names)}"), text)
    return hashlib.blake2b(shape.encode(), digest_size=12).hexdigest()


def split_of(shape: str) -> str:
    """Put a shape into train, validation or test; every loop of one shape goes the same way."""
    place = int(shape[:8], 16) % 1000
    if place < _HELD_OUT_PER_MILLE["test"]:
        return "test"
    return "validation" if place < sum(_HELD_OUT_PER_MILLE.values()) else "train"


def merge(out: Path) -> int:
    """Join all shards into pairs.jsonl: one record per prompt, at most four per shape and ISA."""
    shards = sorted((out / "shards").glob("*.jsonl"))
    trained = {
        _prompt_shape(record)
        for shard in shards
        for record in read_pairs(shard, with_regions=False)
        if record.split == "train"
    }
    seen: set[str] = set()
    per_shape: Counter[tuple[str, str]] = Counter()
    temporary = out / "pairs.jsonl.tmp"
    count = 0
    with temporary.open("w", encoding="utf-8") as stream:
        for shard in shards:
            for record in read_pairs(shard, with_regions=True):
                shape = _prompt_shape(record)
                if record.prompt in seen or per_shape[shape, record.isa] >= _MOST_PER_SHAPE:
                    continue
                if record.split != "train" and shape in trained:
                    continue
                seen.add(record.prompt)
                per_shape[shape, record.isa] += 1
                stream.write(pair_to_line(record))
                count += 1
    temporary.replace(out / "pairs.jsonl")
    return count


def _prompt_shape(record: PairRecord) -> str:
    """The shape of the loop in a prompt, whose first line is the contract."""
    return shape_key(record.prompt.partition("\n")[2])
