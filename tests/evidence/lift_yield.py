"""What becomes of loops compiled anew: `python -m tests.evidence.lift_yield --help`.

Loops: some of every family of the catalogue, and with --harvested some of training projects. For
each ISA and compiler: loops with a candidate, with one that passes the gate, the battery (quick),
and the timing (quick, `RegionJudge`), and the geometric mean of the best accepted ratios.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import click

from llmcc.asm.parse import parse
from llmcc.outcome import Outcome
from llmcc.regions.find import find_regions
from llmcc.regions.model import Region
from llmcc.sandbox.runner import Sandbox
from llmcc.training.corpus import _assembly
from llmcc.training.dataset import read_pairs
from llmcc.training.families.catalogue import FAMILIES
from llmcc.training.families.vector import NotExpressible
from llmcc.training.judgement import Judgement
from llmcc.training.lift.recompile import RECOMPILERS, recompiled
from llmcc.training.region_judge import RegionJudge, Thoroughness
from llmcc.training.surroundings import c_unit, function_text

_OPTIMISATIONS = (("-O2",), ("-O3",))


def drawn_regions(seed: int, each: int) -> Iterator[tuple[str, Region]]:
    """Give `each` loops of each family, at -O2 and -O3 in turn, with the families' names."""
    rng = random.Random(seed)
    for family in FAMILIES.values():
        for number in range(each):
            text = _assembly(
                c_unit([function_text(family.draw(rng).c, "f", rng)]), _OPTIMISATIONS[number % 2]
            )
            found = [one for one in find_regions(parse(text)) if isinstance(one, Region)]
            yield from ((family.name, one) for one in found[:1])


def harvested_regions(folder: Path, seed: int, count: int) -> Iterator[tuple[str, Region]]:
    """Give loops of training projects, drawn from the files that `llmcc-train harvest` leaves."""
    records = [
        record
        for path in sorted(folder.glob("*.jsonl"))
        for record in read_pairs(path)
        if record.split == "train" and record.isa == "avx2" and record.region is not None
    ]
    for record in random.Random(seed).sample(records, min(count, len(records))):
        assert record.region is not None
        yield record.group, record.region


@click.command()
@click.option("--each", default=2, help="Loops of each family.")
@click.option("--harvested", type=click.Path(path_type=Path), help="Folder of harvested loops.")
@click.option("--count", default=50, help="Harvested loops.")
@click.option("--seed", default=1)
@click.option("--isa", "isas", multiple=True, default=("avx2", "avx512"))
@click.option("--minutes", default=60.0, help="For each ISA; the loops that were reached count.")
@click.option("--timing", default="quick", help='"none" leaves timing out.')
@click.option("--reasons", is_flag=True, help="Print why loops are not expressible.")
def lift_yield(
    each: int,
    harvested: Path | None,
    count: int,
    seed: int,
    isas: tuple[str, ...],
    minutes: float,
    timing: str,
    reasons: bool,
) -> None:
    """Print a table."""
    if harvested is None:
        regions = list(drawn_regions(seed, each))
    else:
        regions = list(harvested_regions(harvested, seed, count))
    random.Random(seed).shuffle(regions)
    print(len(regions), "loops")
    with Sandbox() as sandbox:
        judge = RegionJudge(sandbox, seed=seed, thoroughness=Thoroughness("quick", timing))
        for isa in isas:
            _report(isa, regions, judge, timeout_s=minutes * 60, reasons=reasons)


def _report(
    isa: str,
    regions: list[tuple[str, Region]],
    judge: RegionJudge,
    *,
    timeout_s: float,
    reasons: bool,
) -> None:
    deadline_s = time.monotonic() + timeout_s
    why: Counter[str] = Counter()
    rows: dict[str, list[list[Judgement]]] = defaultdict(list)
    for _, region in regions:
        if time.monotonic() > deadline_s:
            break
        texts: dict[str, str] = {}
        for how in RECOMPILERS:
            try:
                texts[how.name] = recompiled(region, isa, how)
            except NotExpressible as error:
                why[f"{how.name}: {str(error)[:60]}"] += 1
        judged = dict(zip(texts, judge.judge(region, isa, list(texts.values())), strict=True))
        for how_name, one in judged.items():
            why[f"{how_name} -> {one.outcome.name}"] += 1
        for compiler in ("gcc", "clang"):
            rows[compiler].append([j for h, j in judged.items() if h.split()[0] == compiler])
        rows["either"].append(list(judged.values()))
    for compiler, loops in rows.items():
        print(isa, compiler, json.dumps(_counts(loops)))
    if reasons:
        for reason, number in sorted(why.items()):
            print(f"{number:5d} {reason}")


def _counts(loops: list[list[Judgement]]) -> dict[str, float]:
    best = [
        max(j.ratio or 1.0 for j in some if j.outcome is Outcome.ACCEPTED)
        for some in loops
        if any(j.outcome is Outcome.ACCEPTED for j in some)
    ]
    return {
        "loops": len(loops),
        "lifted": sum(bool(some) for some in loops),
        "gated": sum(any(not j.outcome.name.startswith("GATE") for j in some) for some in loops),
        "verified": sum(any(j.is_right for j in some) for some in loops),
        "accepted": len(best),
        "geomean": round(math.exp(sum(map(math.log, best)) / len(best)), 3) if best else 0.0,
    }


if __name__ == "__main__":
    lift_yield()
