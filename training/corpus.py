"""`llmcc-train corpus`: verified pairs of a loop as gcc writes it and an expert's rewrite.

Random loops of every family are written as ordinary C, compiled with plain gcc -O2 or -O3, found by
llmcc's own region finder, rewritten by the teachers, and kept only if the rewrite passes llmcc's
own gate and a short battery, and is faster. Work is cut into shards by seed; a finished shard is a
file, so that a stopped run goes on where it was.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from llmcc.asm.parse import parse
from llmcc.backends.embedded.prompt import prompt_text
from llmcc.gate.check import Gated, check
from llmcc.outcome import Refusal
from llmcc.propose import Proposal, Request
from llmcc.regions.find import RefusedLoop, find_regions
from llmcc.regions.model import Region
from llmcc.sandbox.runner import Sandbox
from llmcc.toolchain import find_gcc, run_gcc
from llmcc.training.dataset import PairRecord, pair_to_line, read_pairs, write_pairs
from llmcc.training.experts import ISAS, expert_rewrites, is_packed
from llmcc.training.families.spec import FAMILIES, LoopSpec, c_function, draw
from llmcc.training.faster import QuickTimer
from llmcc.verify.battery import Battery
from llmcc.verify.verify import verify

# What gcc is given; -fPIC changes how constants and functions are referred to.
_FLAGS = (("-O2",), ("-O3",), ("-O3",), ("-O2", "-fPIC"), ("-O3", "-fPIC"))
_WEIGHTS = {"popcount": 0.6, "reduce": 1.6, "map": 1.4, "byteclass": 1.2}
_HELD_OUT_PER_MILLE = {"test": 40, "validation": 20}
_REGISTER = re.compile(r"%[a-z][a-z0-9]*")


@dataclass(frozen=True, slots=True)
class ShardResult:
    """What one shard came to."""

    seed: int
    pairs: int
    refused: dict[str, int]  # how candidates and loops ended


@dataclass(frozen=True, slots=True)
class _Job:
    """One shard to make."""

    out: Path
    seed: int
    loops: int


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
@click.option("--minutes", type=float, default=None, help="Stop starting shards after this long.")
def corpus(out: Path, shards: int, seed: int, loops: int, jobs: int, minutes: float | None) -> None:
    """Make verified pairs; an interrupted run goes on where it was."""
    (out / "shards").mkdir(parents=True, exist_ok=True)
    waiting = [s for s in range(seed, seed + shards) if not _shard_path(out, s).exists()]
    started = time.monotonic()
    totals: Counter[str] = Counter()
    pairs = 0
    with multiprocessing.get_context("spawn").Pool(
        jobs, initializer=os.nice, initargs=(5,)
    ) as pool:
        for done, result in enumerate(
            pool.imap_unordered(_make_shard, [_Job(out, s, loops) for s in waiting]), 1
        ):
            pairs += result.pairs
            totals.update(result.refused)
            rate = pairs / (time.monotonic() - started)
            click.echo(
                f"shard {result.seed}: {result.pairs} pairs; {pairs} in all, {rate:.1f}/s, "
                f"{done}/{len(waiting)}"
            )
            if minutes is not None and time.monotonic() - started > minutes * 60:
                pool.terminate()
                break
    for ending, count in totals.most_common():
        click.echo(f"{count:7d}  {ending}")
    merged = merge(out)
    click.echo(f"{merged} distinct pairs in {out / 'pairs.jsonl'}")


def _shard_path(out: Path, seed: int) -> Path:
    return out / "shards" / f"{seed:06d}.jsonl"


def _make_shard(job: _Job) -> ShardResult:
    seed = job.seed
    rng = random.Random(seed)
    specs = [draw(family, rng) for family in _families(rng, job.loops)]
    flags = rng.choice(_FLAGS)
    source = "#include <stddef.h>\n#include <stdint.h>\n" + "".join(
        c_function(spec, f"f{number}") for number, spec in enumerate(specs)
    )
    text = _assembly(source, flags)
    endings: Counter[str] = Counter()
    records: list[PairRecord] = []
    with Sandbox() as sandbox:
        for region in find_regions(parse(text)):
            if isinstance(region, RefusedLoop):
                endings[f"loop {region.outcome.name}"] += 1
                continue
            spec = specs[int(region.function.removeprefix("f"))]
            records += _pairs(region, spec, flags, seed=seed, sandbox=sandbox, endings=endings)
    write_pairs(_shard_path(job.out, seed), records)
    return ShardResult(seed, len(records), dict(endings))


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


def _families(rng: random.Random, count: int) -> list[str]:
    weights = [_WEIGHTS.get(family, 1.0) for family in FAMILIES]
    return rng.choices(FAMILIES, weights, k=count)


def _pairs(
    region: Region,
    spec: LoopSpec,
    flags: tuple[str, ...],
    *,
    seed: int,
    sandbox: Sandbox,
    endings: Counter[str],
) -> Iterator[PairRecord]:
    battery = Battery.build(region, sandbox=sandbox, seed=seed)
    if isinstance(battery, Refusal):
        endings[f"{spec.family} {battery.outcome.name}"] += 1
        return
    timer: QuickTimer | None = None
    for isa in ISAS:
        candidates = expert_rewrites(region, spec, isa)
        proposals = [Proposal(text, isa, 0.0, "teacher") for text in candidates]
        ending = "no expert"
        for gated in check(region, proposals):
            if isinstance(gated, Refusal):
                ending = f"gate {gated.outcome.name}"
                continue
            verified = verify(
                region, gated, sandbox=sandbox, seed=seed, quick=True, battery=battery
            )
            if isinstance(verified, Refusal):
                ending = verified.outcome.name
                continue
            ending = "pair"
            timer = timer or QuickTimer(region, sandbox=sandbox, seed=seed)
            if not timer.is_faster(gated.blob):
                ending = "NOT_FASTER"
                break
            yield _record(region, spec, gated, flags, seed=seed)
            break
        endings[f"{spec.family} {'packed' if is_packed(region) else 'scalar'} {isa} {ending}"] += 1


def _record(
    region: Region, spec: LoopSpec, gated: Gated, flags: tuple[str, ...], *, seed: int
) -> PairRecord:
    isa = gated.proposal.isa
    prompt = prompt_text(Request(region, isa))
    shape = shape_key(region.text)
    return PairRecord(
        id=f"{seed}-{region.function}-{region.placement.head_label}-{isa}",
        family=spec.family,
        element_type=spec.element.name,
        isa=isa,
        opt=flags[0].removeprefix("-"),
        split=split_of(shape),
        prompt=prompt,
        rewrite=gated.proposal.text,
        provenance=f"gcc {' '.join(flags)}, {'widen' if is_packed(region) else 'template'}",
        wide_follows_xmm=is_packed(region) and isa == "avx512",
        region=region,
    )


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
    """Join all shards into pairs.jsonl, one pair per prompt and at most four per shape and ISA."""
    seen: set[str] = set()
    per_shape: Counter[tuple[str, str]] = Counter()
    temporary = out / "pairs.jsonl.tmp"
    count = 0
    with temporary.open("w", encoding="utf-8") as stream:
        for shard in sorted((out / "shards").glob("*.jsonl")):
            for record in read_pairs(shard, with_regions=True):
                assert record.region is not None
                shape = (shape_key(record.region.text), record.isa)
                if record.prompt in seen or per_shape[shape] >= 4:
                    continue
                seen.add(record.prompt)
                per_shape[shape] += 1
                stream.write(pair_to_line(record))
                count += 1
    temporary.replace(out / "pairs.jsonl")
    return count
