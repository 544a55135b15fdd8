"""The battery accepts right rewrites, refuses wrong ones early, and is checked itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from llmcc.gate.check import Gated, check
from llmcc.outcome import Outcome, Refusal
from llmcc.propose import Proposal
from llmcc.sandbox.runner import Sandbox
from llmcc.verify.battery import MIN_MUTATION_SCORE, Battery
from llmcc.verify.coverage import instrument
from llmcc.verify.verify import Verified, verify
from tests.verify.regions import all_regions

RIGHT = sorted((Path(__file__).parent / "right").glob("*.s"))
LOOPS = [(level, name) for level in ("-O2", "-O3") for name in all_regions(level)]


def _gated(name: str, text: str) -> Gated:
    (gated,) = check(all_regions()[name], [Proposal(text, "avx512", 0.0, "test")])
    assert isinstance(gated, Gated), gated
    return gated


@pytest.mark.parametrize("path", RIGHT, ids=lambda path: path.stem)
@pytest.mark.parametrize("quick", [True, False])
def test_a_right_rewrite_is_verified(path: Path, quick: bool, sandbox: Sandbox) -> None:
    gated = _gated(path.stem, path.read_text())
    if "avx512" not in sandbox.features():
        pytest.skip("this CPU has no AVX-512; tests/adversarial does the same for AVX2")
    verdict = verify(all_regions()[path.stem], gated, sandbox=sandbox, seed=2, quick=quick)
    assert isinstance(verdict, Verified), verdict
    assert verdict.tests >= (400 if quick else 10_000)
    assert (verdict.mutation_score is None) == quick


@pytest.mark.parametrize(("level", "name"), LOOPS)
def test_the_battery_notices_mutants_of_gccs_own_loop(
    level: str, name: str, sandbox: Sandbox
) -> None:
    battery = Battery.build(all_regions(level)[name], sandbox=sandbox, seed=4)
    assert isinstance(battery, Battery), battery
    assert battery.mutation_score().share >= MIN_MUTATION_SCORE


def test_only_verify_makes_a_verified() -> None:
    with pytest.raises(TypeError):
        Verified(_gated("sum", "\taddl\t$0, %eax\n\tjmp\t.LH\n"), 10_000, 1.0, 0)


def test_a_wrong_rewrite_dies_in_the_first_chunk(sandbox: Sandbox) -> None:
    region = all_regions()["sum"]
    battery = Battery.build(region, sandbox=sandbox, seed=2)
    assert isinstance(battery, Battery)
    gated = _gated("sum", "\taddl\t$1, %eax\n\tjmp\t.LH\n")
    verdict = verify(region, gated, sandbox=sandbox, seed=2, battery=battery)
    assert isinstance(verdict, Refusal)
    assert verdict.outcome is Outcome.WRONG_OUTPUT
    assert verdict.detail.startswith("state 0: rax is ")


def test_a_rewrites_own_constants_join_the_dictionary(sandbox: Sandbox) -> None:
    region = all_regions()["find"]
    text = "\tcmpl\t$-987654321, %edx\n\tje\t.LX0\n\tjmp\t.LH\n"
    verdict = verify(region, _gated("find", text), sandbox=sandbox, seed=2, quick=True)
    assert isinstance(verdict, Refusal)
    assert verdict.outcome is Outcome.WRONG_EXIT


def test_marks_name_both_ways_of_a_branch() -> None:
    marked = instrument("\tcmpl\t$1, %eax\n\tjne\t.LR0\n\tincl\t%eax\n.LR0:\n\tjmp\t.LH\n")
    assert marked is not None
    assert marked.marks == (
        "block at `cmpl\t$1, %eax`",
        "`jne\t.LR0` not taken",
        "`jne\t.LR0` taken",
        "block .LR0",
    )


@pytest.mark.parametrize(
    ("instruction", "condition"),
    [
        ("setne\t%al", "ne"),
        ("cmovl\t%eax, %ecx", "l"),
        ("cmovll\t%eax, %ecx", "l"),
        ("cmovnel\t%eax, %ecx", "ne"),
        ("cmovbq\t%rax, %rcx", "b"),
        ("adcl\t$0, %eax", "c"),
        ("sbb\t%eax, %eax", "c"),
    ],
)
def test_marks_name_both_ways_of_a_condition_that_is_computed_with(
    instruction: str, condition: str
) -> None:
    marked = instrument(f"\tcmpl\t$1, %eax\n\t{instruction}\n\tjmp\t.LH\n")
    assert marked is not None
    assert marked.marks[1:] == (f"`{instruction}` not taken", f"`{instruction}` taken")
    assert f"\tj{condition}\t.LT101\n" in marked.text


def test_refuses_a_condition_that_no_state_fulfils(sandbox: Sandbox) -> None:
    text = """
        imull $-1640531527, (%rdi), %r9d
        cmpl $195934910, %r9d
        sete %r9b
        movzbl %r9b, %r9d
        addl %r9d, %eax
        jmp .LH
    """
    (gated,) = check(all_regions()["sum"], [Proposal(text, "avx2", 0.0, "test")])
    assert isinstance(gated, Gated), gated
    verdict = verify(all_regions()["sum"], gated, sandbox=sandbox, seed=2, quick=True)
    assert isinstance(verdict, Refusal)
    assert verdict.outcome is Outcome.NOT_COVERED


@pytest.mark.parametrize("is_special", [True, False])
def test_refuses_a_vector_comparison_that_is_never_true(is_special: bool, sandbox: Sandbox) -> None:
    # Adds 1 for a first element whose product is the constant; or for one that is 0, and takes
    # it back.
    text = f"""
        movl $-1640531527, %r9d
        vmovd %r9d, %xmm2
        movl ${195934910 if is_special else 0}, %r9d
        vmovd %r9d, %xmm3
        vmovd (%rdi), %xmm4
        vpmulld %xmm2, %xmm4, %xmm4
        vpcmpeqd %xmm3, %xmm4, %xmm4
        vmovd %xmm4, %r9d
        subl %r9d, %eax
        {"" if is_special else "addl %r9d, %eax"}
        jmp .LH
    """
    (gated,) = check(all_regions()["sum"], [Proposal(text, "avx2", 0.0, "test")])
    assert isinstance(gated, Gated), gated
    verdict = verify(all_regions()["sum"], gated, sandbox=sandbox, seed=2, quick=True)
    if not is_special:
        assert isinstance(verdict, Verified), verdict
        return
    assert isinstance(verdict, Refusal)
    assert verdict.outcome is Outcome.NOT_COVERED


def test_only_a_marks_own_value_counts_as_reached() -> None:
    marked = instrument(".LR0:\n\tjmp\t.LH\n")
    assert marked is not None
    page = np.zeros(4096, np.uint8)
    page.view("<u4")[0] = 1
    assert not marked.reached(page).any()
    page.view("<u4")[0] = marked.values[0]
    assert marked.reached(page).all()
