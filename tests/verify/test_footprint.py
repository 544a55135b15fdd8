"""Every byte that is read or written is seen, also where nothing faults and nothing changes."""

from __future__ import annotations

import pytest

from llmcc.gate.check import Gated, check
from llmcc.outcome import Outcome, Refusal
from llmcc.propose import Proposal
from llmcc.sandbox.runner import Sandbox
from llmcc.toolchain import MARCH, assemble
from llmcc.verify.battery import Battery
from llmcc.verify.operands import MemoryOperand, memory_operands
from llmcc.verify.verify import verify
from tests.verify.regions import all_regions

RSI, RDI, RAX, RCX = 6, 7, 0, 1


def _operand(text: str) -> MemoryOperand | None:
    made = assemble(text + "\n", march=MARCH["avx512"])
    assert not isinstance(made, Refusal), made
    (found,) = memory_operands(made.code).values()
    return found[0] if found else None


@pytest.mark.parametrize(
    ("text", "is_load", "is_store", "size_bytes"),
    [
        ("movl (%rdi), %eax", True, False, 4),
        ("movb %al, (%rdi)", False, True, 1),
        ("addq %rax, (%rdi)", True, True, 8),
        ("cmpw $3, (%rdi)", True, False, 2),
        ("imull (%rdi), %eax", True, False, 4),
        ("setne (%rdi)", False, True, 1),
        ("vpaddd (%rdi), %ymm1, %ymm2", True, False, 32),
        ("vmovdqu %ymm1, (%rdi)", False, True, 32),
        ("vextracti128 $1, %ymm1, (%rdi)", False, True, 16),
        ("vpmovzxbd (%rdi), %ymm1", True, False, 8),
        ("vpaddd (%rdi){1to16}, %zmm1, %zmm2", True, False, 4),
        ("kmovw %k1, (%rdi)", False, True, 2),
    ],
)
def test_an_operands_size_and_direction(
    text: str, is_load: bool, is_store: bool, size_bytes: int
) -> None:
    found = _operand(text)
    assert found is not None
    assert (found.base, found.index) == (RDI, None)
    assert (found.is_load, found.is_store, found.size_bytes) == (is_load, is_store, size_bytes)


@pytest.mark.parametrize(
    ("text", "mask", "is_opmask", "lane_bytes"),
    [
        ("vpmaskmovd %ymm1, %ymm2, (%rdi)", 2, False, 4),
        ("vpmaskmovq (%rdi), %ymm13, %ymm3", 13, False, 8),
        ("vmovdqu8 %zmm1, (%rdi){%k1}", 1, True, 1),
        ("vpcmpeqd (%rdi), %zmm1, %k1{%k4}", 4, True, 4),
        ("vpmovzxbd (%rdi), %zmm1{%k2}", 2, True, 1),
        ("vpmovdb %zmm1, (%rdi){%k3}", 3, True, 1),
    ],
)
def test_a_masked_operands_lanes(text: str, mask: int, is_opmask: bool, lane_bytes: int) -> None:
    found = _operand(text)
    assert found is not None
    assert (found.mask, found.is_opmask, found.lane_bytes) == (mask, is_opmask, lane_bytes)


@pytest.mark.parametrize("text", ["leaq 4(%rdi), %rax", "nopw 0(%rax,%rax)", "movl $1, %gs:0"])
def test_what_is_no_access_to_a_programs_memory(text: str) -> None:
    assert _operand(text) is None


def _judge(name: str, text: str, sandbox: Sandbox) -> Outcome:
    region = all_regions()[name]
    (gated,) = check(region, [Proposal(text, "avx2", 0.0, "test")])
    assert isinstance(gated, Gated), gated
    battery = Battery.build(region, sandbox=sandbox, seed=3)
    assert isinstance(battery, Battery)
    verdict = verify(region, gated, sandbox=sandbox, seed=3, quick=True, battery=battery)
    return verdict.outcome if isinstance(verdict, Refusal) else Outcome.ACCEPTED


def test_refuses_a_store_of_the_value_that_was_there(sandbox: Sandbox) -> None:
    # `cap` stores only what is too large; here the first element is always stored.
    text = "\tmovl\t(%rdi), %r9d\n\tmovl\t%r9d, (%rdi)\n\tjmp\t.LH\n"
    assert _judge("cap", text, sandbox) is Outcome.WRITES_BEYOND


def test_refuses_a_load_far_from_what_the_loop_reads(sandbox: Sandbox) -> None:
    # A line before the array, when it is on the same page: that never faults.
    text = """
        testq $4032, %rdi
        je .LR0
        movl -64(%rdi), %r9d
    .LR0:
        jmp .LH
    """
    assert _judge("sum", text, sandbox) is Outcome.READS_BEYOND


def test_accepts_a_load_of_what_the_loop_reads(sandbox: Sandbox) -> None:
    text = "\taddl\t(%rdi), %eax\n\tsubl\t(%rdi), %eax\n\tjmp\t.LH\n"
    assert _judge("sum", text, sandbox) is Outcome.ACCEPTED
