"""Loops that are compiled anew pass llmcc's own gate and battery, and keep to their contract."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcc.asm.parse import parse
from llmcc.gate.check import Gated, check
from llmcc.propose import Proposal
from llmcc.regions.find import find_regions
from llmcc.regions.model import Region
from llmcc.sandbox.runner import Sandbox
from llmcc.training.families.vector import NotExpressible
from llmcc.training.lift import RECOMPILERS, lifted_rewrites
from llmcc.training.lift.assembly import Compiled, read_assembly
from llmcc.training.lift.c_text import changed_registers, passed_registers
from llmcc.training.lift.constants import without_data
from llmcc.training.lift.recompile import recompiled
from llmcc.training.lift.registers import in_contract
from llmcc.verify.verify import Verified, verify
from llmcc.x86.registers import GPR

_HOW = {one.name: one for one in RECOMPILERS}
_LOOPS = {
    "count": "int f(const int *a, long n, int t) { int s = 0;"
    " for (long i = 0; i < n; i++) s += a[i] < t; return s; }",
    "conditional": "void f(int *a, const int *b, long n) {"
    " for (long i = 0; i < n; i++) if (b[i] > 0) a[i] = b[i]; }",
}
# Which loop, by which compiler, for which ISA; gcc for AVX2 has a test of its own.
_CASES = [("count", "clang whole", "avx2"), ("conditional", "gcc whole", "avx512")]


def _region(folder: Path, source: str) -> Region:
    (folder / "unit.c").write_text(source)
    subprocess.run(["gcc", "-O2", "-fno-tree-vectorize", "-S", "unit.c"], check=True, cwd=folder)
    (region,) = find_regions(parse((folder / "unit.s").read_text()))
    assert isinstance(region, Region)
    return region


@pytest.mark.parametrize(("name", "how", "isa"), _CASES)
def test_a_recompiled_loop_passes_gate_and_battery(
    tmp_path: Path, name: str, how: str, isa: str
) -> None:
    if shutil.which(_HOW[how].compiler) is None:
        pytest.skip("the compiler is not installed")
    region = _region(tmp_path, _LOOPS[name])
    text = recompiled(region, isa, _HOW[how])
    (gated,) = check(region, [Proposal(text, isa, 0.0, "")])
    assert isinstance(gated, Gated), gated
    assert "%ymm" in text or "%zmm" in text
    with Sandbox() as sandbox:
        if isa not in sandbox.features():
            pytest.skip(f"this CPU has no {isa}")
        verdict = verify(region, gated, sandbox=sandbox, seed=3, quick=True)
    assert isinstance(verdict, Verified), verdict


def test_a_loop_with_two_ways_out_is_left_alone(tmp_path: Path) -> None:
    source = "long f(const int *a, long n) { long i = 0; for (; i < n; i++) if (!a[i]) break;"
    region = _region(tmp_path, source + " return i; }")
    assert list(lifted_rewrites(region, "avx2")) == []


def test_a_contract_with_few_vector_registers_is_kept_to(tmp_path: Path) -> None:
    region = _region(tmp_path, _LOOPS["count"])
    few = replace(region.contract, vector_scratch=("xmm9", "xmm11", "xmm12", "xmm13"))
    text = recompiled(replace(region, contract=few), "avx2", _HOW["gcc whole"])
    assert set(re.findall(r"[xy]mm(\d+)", text)) <= {"9", "11", "12", "13"}


def test_a_contract_with_too_few_registers_is_refused(tmp_path: Path) -> None:
    region = _region(tmp_path, _LOOPS["count"])
    none = replace(region.contract, vector_scratch=())
    with pytest.raises(NotExpressible, match="too few registers"):
        recompiled(replace(region, contract=none), "avx2", _HOW["gcc whole"])


def test_a_loop_entered_in_its_middle_counts_whole_iterations(tmp_path: Path) -> None:
    source = "long f(const unsigned char *a, long n) { long s = 0; for (long i = 0; i < n; i++)"
    region = _region(tmp_path, source + " if (a[i] < 40 || a[i] == 77) s++; return s; }")
    text = recompiled(region, "avx2", _HOW["gcc whole"])
    (gated,) = check(region, [Proposal(text, "avx2", 0.0, "")])
    assert isinstance(gated, Gated), gated
    with Sandbox() as sandbox:
        if "avx2" not in sandbox.features():
            pytest.skip("this CPU has no avx2")
        assert isinstance(verify(region, gated, sandbox=sandbox, seed=3, quick=True), Verified)


def test_a_value_keeps_its_register_through_a_broadcast_over_itself(tmp_path: Path) -> None:
    # Capstone does not say that this form reads its source.
    region = _region(tmp_path, _LOOPS["count"])
    values = [*GPR[:4], *GPR[5 : len(passed_registers(region)) + 2]]
    changed = " ".join(f"%{name}" for name in values[: len(changed_registers(region))])
    lines = [
        "\tenter\t" + " ".join(f"%{name}" for name in values),
        "\tvmovd\t%eax, %xmm16",
        "\tvmovd\t%ecx, %xmm17",
        "\tvpbroadcastd\t%xmm16, %zmm16",
        "\tvpbroadcastd\t%xmm17, %zmm17",
        "\tvpaddd\t%zmm16, %zmm17, %zmm16",
        "\tvmovd\t%xmm16, %eax",
        f"\tleave\t{changed}",
    ]
    text = "\n".join(in_contract(lines, region, "avx512", region.contract.scratch[0]))
    made = re.findall(r"vmovd\t%e\w+, %xmm(\d+)", text)
    assert re.findall(r"vpbroadcastd\t%xmm(\d+)", text) == made
    assert len(set(made)) == 2


def test_lanes_of_a_masked_load_that_hold_nothing_are_zeroed(tmp_path: Path) -> None:
    region = _region(tmp_path, _LOOPS["count"])
    values = [*GPR[:4], *GPR[5 : len(passed_registers(region)) + 2]]
    changed = " ".join(f"%{name}" for name in values[: len(changed_registers(region))])
    lines = [
        "\tenter\t" + " ".join(f"%{name}" for name in values),
        "\tkxnorw\t%k1, %k1, %k1",
        "\tvmovdqu32\t(%rax), %zmm3{%k1}",
        "\tvpblendmw\t%zmm3, %zmm3, %zmm4{%k1}",
        "\tvmovd\t%xmm4, %eax",
        f"\tleave\t{changed}",
    ]
    text = "\n".join(in_contract(lines, region, "avx512", region.contract.scratch[0]))
    assert re.search(r"vmovdqu32.*\{%k1\}\{z\}", text)
    assert "{z}" not in text.partition("vpblendmw")[2]


@given(st.binary(min_size=4, max_size=4))
def test_a_constant_of_equal_lanes_is_made_in_a_register(lane: bytes) -> None:
    lines = ("\tenter\t%rax", "\tvpaddd\t.LC0(%rip), %ymm1, %ymm2")
    made = without_data(Compiled(lines, {".LC0": lane * 8}), ["xmm2", "xmm5"])
    assert made[0] == lines[0]
    assert made[-1] == "\tvpaddd\t%ymm5, %ymm1, %ymm2"
    assert not any(".LC" in line for line in made)


@given(st.lists(st.integers(-128, 127), min_size=8, max_size=8))
def test_a_vector_of_small_numbers_is_widened_from_bytes(numbers: list[int]) -> None:
    data = b"".join(number.to_bytes(4, "little", signed=True) for number in numbers)
    lines = ("\tenter\t%rax", "\tvmovdqa\t.LC0(%rip), %ymm3")
    made = without_data(Compiled(lines, {".LC0": data}), ["xmm5"])
    assert not any(".LC" in line for line in made)
    assert "%ymm3" in made[-1] or "%xmm3" in made[-1]


def test_a_constant_of_many_different_elements_is_refused() -> None:
    lines = ("\tenter\t%rax", "\tvmovdqa\t.LC0(%rip), %ymm3")
    with pytest.raises(NotExpressible, match="different elements"):
        without_data(Compiled(lines, {".LC0": bytes(range(100, 132))}), ["xmm5"])


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=8), st.integers(0, 40))
def test_data_directives_are_read_as_the_assembler_reads_them(
    numbers: list[int], zeros: int
) -> None:
    data = "".join(f"\t.long\t{number}\n" for number in numbers) + f"\t.zero\t{zeros}\n"
    text = f"lifted:\n\tenter %rax\n\tleave %rax\n\t.size lifted, .-lifted\n.LC0:\n{data}"
    unit = read_assembly(text + "\t.set\t.LC1,.LC0+4\n")
    whole = b"".join(number.to_bytes(4, "little") for number in numbers) + bytes(zeros)
    assert unit.data == {".LC0": whole, ".LC1": whole[4:]}


def test_a_spilled_value_gets_a_register_of_its_own() -> None:
    unit = read_assembly(
        "lifted:\n\tenter %rax %rbx\n\tmovq %rax, -8(%rsp)\n\taddq -8(%rsp), %rbx\n\tleave %rbx\n"
    )
    moved = re.fullmatch(r"\tmovq\t%rax, %(r\w+)", unit.lines[1])
    assert moved is not None
    assert unit.lines[2] == f"\taddq\t%{moved[1]}, %rbx"


def test_an_address_on_the_stack_is_refused() -> None:
    with pytest.raises(NotExpressible, match="the stack"):
        read_assembly("lifted:\n\tenter %rax\n\tleaq -8(%rsp), %rbx\n\tleave %rax\n")


def test_a_part_of_a_spilled_vector_is_refused() -> None:
    with pytest.raises(NotExpressible, match="part of a vector on the stack"):
        read_assembly(
            "lifted:\n\tenter %xmm0\n\tmovdqa %xmm0, -24(%rsp)\n\tmovl -24(%rsp), %eax\n"
            "\tleave %rax\n"
        )
