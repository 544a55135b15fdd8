"""The teachers' rewrites pass llmcc's own battery, and the corpus keeps shapes apart."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from llmcc.asm.parse import parse
from llmcc.backends.embedded.tokens import UNKNOWN, standard_vocabulary
from llmcc.gate.check import Gated, check
from llmcc.outcome import Refusal
from llmcc.propose import Proposal
from llmcc.regions.find import find_regions
from llmcc.regions.model import Region
from llmcc.sandbox.runner import Sandbox
from llmcc.training.corpus import corpus, shape_key, split_of
from llmcc.training.dataset import SPLITS, read_pairs
from llmcc.training.experts import is_packed, loop_rewrites
from llmcc.training.families import (
    backwards,
    byte_sets,
    carried,
    chosen,
    classic,
    conversions,
    formulas,
    lanewise,
    maps,
    popcounts,
    reductions,
    scans,
    strided,
    string_copies,
    sums,
    weighted,
)
from llmcc.training.families.catalogue import FAMILIES
from llmcc.training.families.loop import Loop
from llmcc.training.surroundings import c_unit, function_text
from llmcc.verify.battery import Battery
from llmcc.verify.verify import Verified, verify

_MODULES = (
    *(classic, sums, maps, chosen, scans, popcounts, weighted, conversions, formulas, reductions),
    *(carried, byte_sets, backwards, lanewise, strided, string_copies),
)
OWN_FAMILIES = [family.name for module in _MODULES for family in module.FAMILIES]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One sandbox for all tests of the module."""
    with Sandbox() as opened:
        yield opened


# Families whose teacher has no AVX2 form.
_AVX512_ONLY = {"convert_narrower", "select_by_mask", "strided_fill"}
_DRAWS = 10
# Of the newer families' loops, most have a rewrite.
_FEWER_DRAWS = 6
_OLDER = {family.name for module in _MODULES[:6] for family in module.FAMILIES}
_CASES = [
    (family, isa)
    for family in OWN_FAMILIES
    for isa in ("avx512", "avx2")
    if not (isa == "avx2" and family in _AVX512_ONLY)
]


def _draws(family: str) -> int:
    return _DRAWS if family in _OLDER else _FEWER_DRAWS


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Region, Loop]]]:
    """Loops of every family, as gcc -O2 compiles them, by family."""
    rng = random.Random(11)
    loops = [FAMILIES[name].draw(rng) for name in OWN_FAMILIES for _ in range(_draws(name))]
    place = tmp_path_factory.mktemp("loops")
    functions = [loop.c.replace("@NAME@", f"f{number}") for number, loop in enumerate(loops)]
    (place / "unit.c").write_text(c_unit(functions))
    subprocess.run(["gcc", "-w", "-O2", "-S", "unit.c"], check=True, cwd=place)
    found: dict[str, list[tuple[Region, Loop]]] = {name: [] for name in OWN_FAMILIES}
    for region in find_regions(parse((place / "unit.s").read_text())):
        if isinstance(region, Region):
            loop = loops[int(region.function.removeprefix("f"))]
            found[loop.family].append((region, loop))
    return found


@pytest.mark.parametrize(("family", "isa"), _CASES)
def test_a_rewrite_of_every_family_is_verified(
    drawn: dict[str, list[tuple[Region, Loop]]], sandbox: Sandbox, family: str, isa: str
) -> None:
    if isa not in sandbox.features():
        pytest.skip(f"this CPU has no {isa}")
    assert any(
        _is_verified(region, loop_rewrites(region, loop, isa), isa, sandbox)
        for region, loop in drawn[family]
    )


@pytest.mark.parametrize("family", OWN_FAMILIES)
def test_rewrites_follow_from_the_prompt_alone(
    drawn: dict[str, list[tuple[Region, Loop]]], family: str
) -> None:
    vocabulary = standard_vocabulary()
    texts = [
        (loop_rewrites(region, loop, isa), loop_rewrites(region, loop, isa))
        for region, loop in drawn[family][:4]
        for isa in ("avx512", "avx2")
    ]
    assert any(first for first, _ in texts)
    for first, second in texts:
        assert first == second
        for text in first:
            assert vocabulary.ids[UNKNOWN] not in vocabulary.encode(text)


def test_families_are_held_out_whole_and_every_split_has_some() -> None:
    assert {family.split for family in FAMILIES.values()} == set(SPLITS)
    assert all(name == family.name for name, family in FAMILIES.items())


def test_a_loop_in_a_larger_function_leaves_fewer_registers(tmp_path: Path) -> None:
    c = "int @NAME@(const int *a, int n)\n{\n\tint s = 0;\n"
    c += "\tfor (int i = 0; i < n; i++) s ^= a[i];\n\treturn s;\n}\n"
    texts = {function_text(c, "f0", random.Random(seed)) for seed in range(40)}
    assert c.replace("@NAME@", "f0") in texts
    free: dict[bool, set[int]] = {True: set(), False: set()}
    for text in texts:
        (tmp_path / "unit.c").write_text(c_unit([text]))
        subprocess.run(["gcc", "-w", "-O2", "-S", "unit.c"], check=True, cwd=tmp_path)
        (region,) = find_regions(parse((tmp_path / "unit.s").read_text()))
        assert isinstance(region, Region)
        free["f0_loop" in text].add(len(region.contract.scratch))
    assert free[True]
    assert max(free[True]) < min(free[False])


@cache
def _battery(region: Region, sandbox: Sandbox) -> Battery | Refusal:
    """Both instruction sets are tried on one battery."""
    return Battery.build(region, sandbox=sandbox, seed=3)


def _is_verified(region: Region, texts: tuple[str, ...], isa: str, sandbox: Sandbox) -> bool:
    battery = _battery(region, sandbox) if texts else None
    if not isinstance(battery, Battery):
        return False
    for gated in check(region, [Proposal(text, isa, 0.0, "teacher") for text in texts]):
        if isinstance(gated, Gated) and isinstance(
            verify(region, gated, sandbox=sandbox, seed=3, quick=True, battery=battery), Verified
        ):
            return True
    return False


def test_corpus_goes_on_where_it_stopped_and_writes_distinct_pairs(tmp_path: Path) -> None:
    arguments = [
        "--out",
        str(tmp_path),
        "--shards",
        "1",
        "--loops",
        "3",
        "--jobs",
        "1",
        "--family",
        "sum_wide",
    ]
    first = CliRunner().invoke(corpus, arguments, catch_exceptions=False)
    assert first.exit_code == 0
    records = list(read_pairs(tmp_path / "pairs.jsonl", with_regions=True))
    assert records
    assert len({record.prompt for record in records}) == len(records)
    second = CliRunner().invoke(corpus, arguments, catch_exceptions=False)
    assert f"{len(records)} distinct records" in second.output
    assert "shard" not in second.output


def test_loops_that_differ_in_registers_only_share_a_shape_and_a_split() -> None:
    first = ".LH:\n\taddl\t(%rdi), %eax\n\taddq\t$4, %rdi\n\tcmpq\t%rdi, %rdx\n\tjne\t.LH\n"
    second = first.replace("%rdi", "%r9").replace("%rdx", "%rsi")
    assert shape_key(first) == shape_key(second)
    assert shape_key(first) != shape_key(first.replace("$4", "$8"))
    assert split_of(shape_key(first)) == split_of(shape_key(second))


def test_packed_loops_are_told_from_scalar_ones(tmp_path: Path) -> None:
    source = "int f(int *a, int n) { int s = 0; for (int i = 0; i < n; i++) s += a[i]; return s; }"
    (tmp_path / "unit.c").write_text(source)
    for level, expected in (("-O3", True), ("-O2", False)):
        subprocess.run(["gcc", level, "-S", "unit.c"], check=True, cwd=tmp_path)
        found = find_regions(parse((tmp_path / "unit.s").read_text()))
        assert [is_packed(r) for r in found if isinstance(r, Region)] == [expected]
