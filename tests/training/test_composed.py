"""Composed loops: drawn without what is held out, compiled by gcc, taught by compilers."""

from __future__ import annotations

import random
import re
import subprocess
from pathlib import Path

from click.testing import CliRunner

from llmcc.asm.parse import parse
from llmcc.regions.find import find_regions
from llmcc.regions.model import Region
from llmcc.training.corpus import corpus
from llmcc.training.dataset import PairRecord, read_pairs
from llmcc.training.families import composed
from llmcc.training.families.loop import Loop
from llmcc.training.surroundings import c_unit

_REDUCTION = re.compile(r"\bs (?:\+|\^|\||&)= (?P<value>.*);")


def _drawn(count: int) -> list[Loop]:
    rng = random.Random(11)
    return [family.draw(rng) for family in composed.FAMILIES for _ in range(count)]


def test_no_composed_loop_is_of_a_kind_that_is_held_out() -> None:
    for loop in _drawn(200):
        assert "i + 1]" not in loop.c
        for found in _REDUCTION.finditer(loop.c):
            assert "?" not in found["value"]
            assert " - " not in found["value"]
            assert "if" not in loop.c


def test_most_composed_loops_are_regions(tmp_path: Path) -> None:
    loops = _drawn(20)
    functions = [loop.c.replace("@NAME@", f"f{number}") for number, loop in enumerate(loops)]
    (tmp_path / "unit.c").write_text(c_unit(functions))
    subprocess.run(["gcc", "-w", "-O2", "-S", "unit.c"], check=True, cwd=tmp_path)
    found = find_regions(parse((tmp_path / "unit.s").read_text()))
    functions_of_regions = {one.function for one in found if isinstance(one, Region)}
    assert len(functions_of_regions) > 0.8 * len(loops)


def _made(folder: Path, *ways: str) -> list[PairRecord]:
    arguments = ["--out", str(folder), "--shards", "1", "--loops", "6", "--jobs", "1", *ways]
    for family in composed.FAMILIES:
        arguments += ["--family", family.name]
    CliRunner().invoke(corpus, arguments, catch_exceptions=False)
    return list(read_pairs(folder / "pairs.jsonl"))


def test_compilers_teach_composed_loops(tmp_path: Path) -> None:
    records = _made(tmp_path)
    taught = [record for record in records if record.rewrite]
    assert taught
    assert all(", lift " in record.provenance for record in taught)
    assert {record.provenance.rpartition(", ")[2] for record in records if not record.rewrite} <= {
        "no teacher"
    }


def test_loops_without_teachers_are_those_of_the_taught_corpus(tmp_path: Path) -> None:
    taught, plain = _made(tmp_path / "taught"), _made(tmp_path / "plain", "--untaught")
    assert {record.id for record in plain} >= {record.id for record in taught}
    assert {record.rewrite for record in plain} == {""}
    assert {record.provenance.rpartition(", ")[2] for record in plain} == {"no teacher asked"}
