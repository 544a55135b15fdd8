"""Scalar and string families: their teachers' rewrites are verified, the leave-it ones silent."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcc.asm.parse import parse
from llmcc.backends.embedded.tokens import UNKNOWN, standard_vocabulary
from llmcc.gate.check import Gated, check
from llmcc.propose import Proposal
from llmcc.regions.find import find_regions
from llmcc.regions.model import Region
from llmcc.sandbox.runner import Sandbox
from llmcc.training.experts import loop_rewrites
from llmcc.training.families import (
    comparing,
    dynamic,
    leave,
    polynomials,
    recurrences,
    shift_loops,
    sorting,
    strings,
)
from llmcc.training.families.loop import Family, Loop
from llmcc.training.families.pattern import Rule, rewrites
from llmcc.verify.battery import Battery
from llmcc.verify.verify import Verified, verify

_MODULES = (
    shift_loops,
    recurrences,
    polynomials,
    dynamic,
    sorting,
    strings,
    comparing,
    leave,
)
_SILENT = {"decimal_length", *(family.name for family in leave.FAMILIES)}
_FAMILIES: dict[str, Family] = {
    family.name: family for module in _MODULES for family in module.FAMILIES
}
_TAUGHT = sorted(_FAMILIES.keys() - _SILENT)
_DRAWS = 3

Drawn = dict[str, list[tuple[Region, Loop]]]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One sandbox for all tests of the module."""
    with Sandbox() as opened:
        yield opened


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """Loops of every family, as gcc -O2 compiles them, by family."""
    rng = random.Random(7)
    loops = [_FAMILIES[name].draw(rng) for name in _FAMILIES for _ in range(_DRAWS)]
    functions = [loop.c.replace("@NAME@", f"f{number}") for number, loop in enumerate(loops)]
    text = _assembly("".join(functions), tmp_path_factory.mktemp("loops"))
    found: Drawn = {name: [] for name in _FAMILIES}
    for region in find_regions(parse(text)):
        if isinstance(region, Region):
            loop = loops[int(region.function.removeprefix("f"))]
            found[loop.family].append((region, loop))
    return found


def _assembly(c: str, place: Path) -> str:
    (place / "unit.c").write_text("#include <stddef.h>\n#include <stdint.h>\n" + c)
    subprocess.run(["gcc", "-w", "-O2", "-S", "unit.c"], check=True, cwd=place)
    return (place / "unit.s").read_text()


@pytest.mark.parametrize("isa", ["avx512", "avx2"])
@pytest.mark.parametrize("family", _TAUGHT)
def test_a_rewrite_of_every_taught_family_is_verified(
    drawn: Drawn, sandbox: Sandbox, family: str, isa: str
) -> None:
    if isa not in sandbox.features():
        pytest.skip(f"this CPU has no {isa}")
    assert any(
        _is_verified(region, loop_rewrites(region, loop, isa), isa, sandbox)
        for region, loop in drawn[family]
    )


def _is_verified(region: Region, texts: tuple[str, ...], isa: str, sandbox: Sandbox) -> bool:
    battery = Battery.build(region, sandbox=sandbox, seed=3)
    if not isinstance(battery, Battery):
        return False
    return any(
        isinstance(gated, Gated)
        and isinstance(
            verify(region, gated, sandbox=sandbox, seed=3, quick=True, battery=battery), Verified
        )
        for gated in check(region, [Proposal(text, isa, 0.0, "teacher") for text in texts])
    )


def test_every_rewrite_is_in_the_models_vocabulary(drawn: Drawn) -> None:
    vocabulary = standard_vocabulary()
    texts = {
        text
        for family in _TAUGHT
        for region, loop in drawn[family]
        for isa in ("avx512", "avx2")
        for text in loop_rewrites(region, loop, isa)
    }
    assert texts
    assert not [t for t in texts if vocabulary.ids[UNKNOWN] in vocabulary.encode(t)]


def test_loops_best_left_alone_are_regions_without_a_rewrite(drawn: Drawn) -> None:
    for family in sorted(_SILENT):
        assert drawn[family], family
        for region, loop in drawn[family]:
            assert not list(loop.rewrites(region, "avx512"))


_DOUBLING = Rule(".LH:\nadd~ {x.w}, {x.w}\nsubl $1, {n.32}\njne .LH", "shl~ $1, {x.w}\njmp .LH")


# A region whose text the tests replace; its contract is any.
_REGION = next(
    found
    for found in find_regions(
        parse(
            "\t.text\n\t.globl\tf\n\t.type\tf, @function\nf:\n\t.cfi_startproc\n"
            "\tmovl\t%esi, %eax\n.L2:\n\taddl\t%edi, %edi\n\tsubl\t$1, %eax\n\tjne\t.L2\n"
            "\tmovl\t%edi, %eax\n\tret\n\t.cfi_endproc\n\t.size\tf, .-f\n"
        )
    )
    if isinstance(found, Region)
)


def _with_text(lines: list[str]) -> Region:
    return replace(_REGION, text="".join(f"{line}\n" for line in [".LH:", *lines, "\tjmp\t.LX0"]))


@pytest.mark.parametrize(("register", "suffix"), [("%edx", "l"), ("%rdx", "q")])
def test_a_rule_matches_at_either_width(register: str, suffix: str) -> None:
    lines = [f"\tadd{suffix}\t{register}, {register}", "\tsubl\t$1, %eax", "\tjne\t.LH"]
    expected = f"\tshl{suffix}\t$1, {register}\n\tjmp\t.LH\n"
    assert list(rewrites(_with_text(lines), [_DOUBLING])) == [expected]


@pytest.mark.parametrize(
    "addition",
    ["\taddl\t%edx, %ecx", "\taddl\t%eax, %eax", "\taddl\t%rdx, %rdx", "\taddl\t$2, %edx"],
)
def test_a_rule_wants_one_register_in_one_hole_and_two_in_two(addition: str) -> None:
    lines = [addition, "\tsubl\t$1, %eax", "\tjne\t.LH"]
    assert not list(rewrites(_with_text(lines), [_DOUBLING]))


@given(st.lists(st.text("\tadlq%er$x()-,.LH01{}\\ ", max_size=20), max_size=4))
def test_other_text_matches_no_rule(lines: list[str]) -> None:
    assert not list(rewrites(_with_text(lines), [_DOUBLING]))
