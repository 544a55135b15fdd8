"""What the static gate lets through and what it names when it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmcc.gate.check import Gated, check
from llmcc.outcome import Outcome, Refusal
from llmcc.propose import Proposal
from llmcc.regions.model import Region
from tests.verify.regions import all_regions

END = "\tjmp\t.LH\n"
# Gives what the tests read a value first: nothing may be read that holds nothing.
SET = (
    "".join(f"\tmovl\t${n}, %r{n}d\n" for n in (9, 10, 11))
    + "".join(f"\tvpxord\t%zmm{n}, %zmm{n}, %zmm{n}\n" for n in (16, 17, 18, 19))
    + "\tkmovq\t%r9, %k1\n\tkmovq\t%r10, %k2\n\tcmpl\t%r9d, %r10d\n"
)


def _outcome(text: str, *, region: Region | None = None, isa: str = "avx512") -> Outcome | None:
    (answer,) = check(region or all_regions()["sum"], [Proposal(text, isa, 0.0, "test")])
    return answer.outcome if isinstance(answer, Refusal) else None


@pytest.mark.parametrize(
    "text",
    [
        "vpaddd (%rdi), %zmm16, %zmm16",
        "vmovdqu32 (%rdi), %zmm17{%k1}{z}",
        "vpcmpltud (%rdi){1to16}, %zmm16, %k1{%k2}",
        "vpaddd %zmm18, %zmm19, %zmm31",
        "kmovq %k1, %r9",
        "bzhil %r9d, %r10d, %r11d",
        "tzcntq %r9, %r9",
        "setne %r9b",
        "cmovbq %r10, %r9",
        "imulq $-3, %r9, %r10",
        "vcvttps2dq %ymm17, %ymm17",
    ],
)
def test_plain_instructions_pass(text: str) -> None:
    assert _outcome(f"{SET}\t{text}\n{END}") is None


@pytest.mark.parametrize(
    "text",
    [
        "syscall", "sysenter", "int3", "ud2", "hlt", "cpuid", "rdtsc", "rdtscp", "rdpmc", "xgetbv",
        "ret", "call .LH", "call *%r9", "jmp *%r9", "jmp *(%rdi)", "push %r9", "pop %r9", "leave",
        "std", "cld", "pushfq", "popfq", "ldmxcsr (%rdi)", "stmxcsr (%rdi)", "xchgl %eax, (%rdi)",
        "movsb", "rep stosq", "lock incl (%rdi)", "mfence", "clflush (%rdi)", "prefetcht0 (%rdi)",
        "movnti %eax, (%rdi)", "vmovntdq %ymm1, (%rdi)", "vpgatherdd (%rdi,%zmm1,4), %zmm2{%k1}",
        "vmaskmovdqu %xmm1, %xmm2", "movq %fs:(%rdi), %r9", "movabsq 0x10000000, %rax", "emms",
        "fldz", "in %dx, %al", "wrfsbase %r9", "swapgs", "xrstor (%rdi)", "loop .LR0", "vzeroall",
        "movl (%edi), %r9d", "movl 4096, %r9d", "movl .LH(%rip), %r9d", "lea .LX0(%rip), %r9",
        "addl $1, %eax # comment", ".byte 0x90", ".include \"x\"", "nop; nop", "movl $'a, %eax",
        "movl environ(%rip), %eax", "movl $environ, %eax", "data16 nop", "ADDL $1, %EAX",
        "movl %r9d, %gs", "movl %ds, %r9d", "movq %cr8, %r9", "movq %r9, %dr0", "movd %eax, %mm0",
        "paddd %mm0, %mm1", "movl 8(%rip), %r9d", "leaq 0(%rip), %r9", "movl (%rdi,%rip), %r9d",
        "movsl", "cmpsl", "bsfl %r9d, %r10d", "bsrq %r9, %r10", "movl $010, %r9d", "jmpw .LH",
        "jmpq .LH", "jrcxz .LH", "movq %rsp, %r9", "addq %rsp, %r9", "cmpq %rsp, %r9",
        "movl 8(%rsp), %r9d", "leaq 8(%rsp), %r9", "movb %spl, %r9b",
    ],
)  # fmt: skip
def test_everything_else_is_refused(text: str) -> None:
    assert _outcome(f".LR0:\n\t{text}\n{END}") is not None


@pytest.mark.parametrize(
    "prefix", "lock rep repe repne data16 addr32 cs ds es fs gs ss rex rex64 wait bnd".split()
)
def test_a_prefix_without_its_instruction_is_refused(prefix: str) -> None:
    assert _outcome(f"\t{prefix}\n\taddl\t$0, %eax\n{END}") is Outcome.GATE_BAD_TEXT


def test_a_constant_is_read_within_its_own_bytes_only() -> None:
    data = "\t.balign\t64\n.LK0:\n\t.long\t1, 2\n\t.quad\t3\n\t.balign\t64\n.LK1:\n\t.zero\t8\n"
    region = replace(all_regions()["sum"], constants=data)

    def outcome(text: str) -> Outcome | None:
        return _outcome(f"\t{text}\n{END}", region=region)

    assert outcome("vmovdqu .LK0(%rip), %xmm8") is None
    assert outcome("movq .LK0+8(%rip), %r9") is None
    assert outcome("movq .LK1(%rip), %r9") is None
    assert outcome("movq .LK0+12(%rip), %r9") is Outcome.GATE_SYMBOL
    assert outcome("movb .LK0-1(%rip), %r9b") is Outcome.GATE_SYMBOL
    assert outcome("vmovdqu .LK1(%rip), %xmm8") is Outcome.GATE_SYMBOL
    assert outcome("movl %r9d, .LK0(%rip)") is Outcome.GATE_FORBIDDEN_INSTRUCTION
    assert outcome("leaq .LK0(%rip), %r9") is Outcome.GATE_FORBIDDEN_INSTRUCTION


def test_the_stack_is_read_only_where_gccs_loop_has_an_array_there() -> None:
    region = all_regions()["sum"]
    (access,) = region.contract.accesses
    own = replace(access, base="rsp", index="rax")
    region = replace(region, contract=replace(region.contract, accesses=(own,)))
    assert _outcome(f"\tmovl\t8(%rsp,%rax,4), %r9d\n{END}", region=region) is None
    refused = _outcome(f"\tmovq\t%rsp, %r9\n{END}", region=region)
    assert refused is Outcome.GATE_FORBIDDEN_INSTRUCTION


def test_long_code_is_refused() -> None:
    text = "\tmovabsq\t$0x1122334455667788, %r9\n" * 210 + END
    assert _outcome(text) is Outcome.GATE_TOO_LARGE


def test_registers_that_are_not_given_away_are_refused() -> None:
    assert _outcome("\tmovl\t$1, %ebp\n" + END) is Outcome.GATE_CLOBBERS
    assert _outcome("\tmovl\t$1, %esi\n" + END) is Outcome.GATE_CLOBBERS
    assert _outcome("\tmulxq\t%r9, %r10, %rbx\n" + END) is Outcome.GATE_CLOBBERS


def test_a_unit_with_vectors_of_its_own_forbids_vex() -> None:
    region = all_regions()["sum"]
    region = replace(region, contract=replace(region.contract, is_wide_free=False))
    assert _outcome("\tvpxor\t%xmm5, %xmm5, %xmm5\n" + END, region=region) is Outcome.GATE_CLOBBERS
    assert _outcome("\tkmovd\t%r9d, %k1\n" + END, region=region) is Outcome.GATE_CLOBBERS
    assert _outcome("\tpxor\t%xmm5, %xmm5\n" + END, region=region) is None


def test_vzeroupper_is_needed_on_every_path() -> None:
    dirty = "\tvpxor\t%ymm5, %ymm5, %ymm5\n"
    assert _outcome(dirty + END) is Outcome.GATE_LEAVES_UPPER_DIRTY
    assert _outcome(dirty + "\tvzeroupper\n" + END) is None
    one_path = dirty + "\ttestl\t%eax, %eax\n\tje\t.LH\n\tvzeroupper\n" + END
    assert _outcome(one_path) is Outcome.GATE_LEAVES_UPPER_DIRTY


def test_masked_stores_pass_where_gccs_store_is_conditional() -> None:
    region = all_regions()["cap"]
    assert _outcome(SET + "\tvmovdqu32\t%zmm16, (%rdi){%k1}\n" + END, region=region) is None
    refused = _outcome(SET + "\tvmovdqu32\t%zmm16, (%rdi)\n" + END, region=region)
    assert refused is Outcome.GATE_FORBIDDEN_INSTRUCTION


def test_gccs_loop_again_is_identical() -> None:
    region = all_regions()["sum"]
    again = region.text.replace(".LH", ".LR0")
    assert _outcome(again, region=region) is Outcome.IDENTICAL
    assert _outcome(END, region=region) is Outcome.IDENTICAL


def test_leaving_the_loop_alone_is_identical_but_leaving_it_undone_is_not() -> None:
    region = all_regions()["sum"]
    assert _outcome(".LR0:\n" + END, region=region) is Outcome.IDENTICAL
    assert _outcome(END + END, region=region) is Outcome.IDENTICAL
    assert _outcome("\tjmp\t.LX0\n", region=region) is not Outcome.IDENTICAL
    assert _outcome(".LR0:\n\tjmp\t.LR0\n", region=region) is not Outcome.IDENTICAL


def test_one_bad_proposal_does_not_spoil_the_batch() -> None:
    good, bad = "\taddl\t$0, %eax\n" + END, "\taddl\t(%rdi), (%rsi)\n" + END
    answers = check(
        all_regions()["sum"], [Proposal(t, "avx512", 0.0, "t") for t in (good, bad, good)]
    )
    assert isinstance(answers[0], Gated)
    assert isinstance(answers[1], Refusal)
    assert isinstance(answers[2], Gated)
    assert answers[0].code == answers[2].code


def test_an_empty_batch_is_an_empty_answer() -> None:
    assert check(all_regions()["sum"], []) == ()
