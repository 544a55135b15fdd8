"""What the gate lets a rewrite read: only what the loop knows or the rewrite has set itself."""

from __future__ import annotations

import pytest

from llmcc.gate.check import check
from llmcc.outcome import Outcome, Refusal
from llmcc.propose import Proposal
from tests.verify.regions import all_regions

END = "\tjmp\t.LH\n"


def _is_unset(text: str, *, region: str = "sum -O2", isa: str = "avx2") -> bool:
    name, level = region.split()
    lines = "".join(
        f"{line}\n" if line.endswith(":") else f"\t{line}\n" for line in text.split("; ")
    )
    (answer,) = check(all_regions(level)[name], [Proposal(lines + END, isa, 0.0, "test")])
    if not isinstance(answer, Refusal):
        return False
    assert answer.outcome is Outcome.GATE_READS_UNSET, answer
    return True


@pytest.mark.parametrize(
    "text",
    [
        "addl %r8d, %eax",
        "movl (%rdi,%r8), %r9d",
        "movl %ebx, %r9d",  # lives through the loop, which knows nothing of it
        "adcl $0, %eax",
        "je .LH; addl $1, %eax",
        "sete %r9b; addl %r9d, %eax",
        "movb $1, %r9b; addb %r9b, %al; addl %r9d, %eax",
        "cmpl %eax, (%rdi); cmovne %eax, %r9d",
        "imull $3, %eax, %r9d; je .LH; addl $1, %eax",
        "imull %eax, %eax; js .LH; addl $1, %eax",
        "tzcntl %eax, %r9d; js .LH; addl $1, %eax",
        "movl %eax, %ecx; shrl %cl, %eax; je .LH; addl $1, %eax",
        "pxor %xmm2, %xmm2; vpaddd (%rdi), %ymm2, %ymm2; vzeroupper",
        "vpaddd (%rdi), %xmm2, %xmm2",
        "cmpl $1, %eax; je .LR0; movl $1, %r9d; .LR0:; addl %r9d, %eax",
    ],
)
def test_refuses_rewrite_that_reads_what_holds_nothing(text: str) -> None:
    assert _is_unset(text)


@pytest.mark.parametrize(
    "text",
    [
        "xorl %r9d, %r9d; addl %r9d, %eax",
        "subq %r9, %r9; addl %r9d, %eax",
        "cmpl $1, %eax; sete %r9b; movzbl %r9b, %r9d; addl %r9d, %eax",
        "cmpl $1, %eax; sbbl %eax, %eax",
        "popcntl %eax, %r9d; je .LH; addl $1, %eax",
        "vpxor %xmm2, %xmm2, %xmm2; vpaddd (%rdi), %ymm2, %ymm2; vzeroupper",
        "vpcmpeqd %ymm2, %ymm2, %ymm2; vpaddd %ymm2, %ymm2, %ymm2; vzeroupper",
        "vzeroupper; movd %eax, %xmm2; pshufd $0, %xmm2, %xmm2",
        "testl %eax, %eax; je .LH; addl $0, %eax",
        "cmpl $1, %eax; je .LR0; movl $1, %r9d; .LR1:; addl %r9d, %eax; .LR0:; xorl %r9d, %r9d; "
        "addl $1, %eax; jne .LR1",
        "movl $3, %r9d; .LR0:; subl $1, %r9d; jne .LR0",
    ],
)
def test_lets_rewrite_read_what_it_has_set(text: str) -> None:
    assert not _is_unset(text)


def test_lets_rewrite_copy_the_known_half_of_an_invariant_only() -> None:
    assert not _is_unset("vinsertf128 $1, %xmm3, %ymm3, %ymm4; vzeroupper", region="fmap.1 -O3")
    assert _is_unset("vinsertf128 $0, %xmm3, %ymm3, %ymm4; vzeroupper", region="fmap.1 -O3")
    assert _is_unset("vmovaps %ymm3, %ymm4; vzeroupper", region="fmap.1 -O3")


def test_masks_and_merged_lanes_must_be_set() -> None:
    masked = "vmovdqu32 (%rdi), %zmm16{%k1}"
    assert _is_unset(masked + "{z}", isa="avx512")
    assert not _is_unset("kxnorw %k1, %k1, %k1; " + masked + "{z}", isa="avx512")
    assert _is_unset("kxnorw %k1, %k1, %k1; " + masked, isa="avx512")
    assert not _is_unset("vpternlogd $255, %zmm17, %zmm17, %zmm17", isa="avx512")
    assert _is_unset("vpternlogd $1, %zmm17, %zmm17, %zmm17", isa="avx512")


@pytest.mark.parametrize(
    "text",
    [
        "vpbroadcastd %xmm20, %zmm21",
        "vpxord %zmm21, %zmm21, %zmm21; kxnorq %k1, %k1, %k1; vpsubd %zmm20, %zmm21, %zmm21{%k1}",
        "vpxord %zmm21, %zmm21, %zmm21; vptestmb %zmm20, %zmm21, %k1",
        "vpxord %zmm21, %zmm21, %zmm21; vpaddd %zmm21, %zmm21, %zmm21{%k2}",
    ],
)
def test_refuses_evex_sources_that_hold_nothing(text: str) -> None:
    assert _is_unset(text, isa="avx512")


def test_a_mask_that_is_written_whole_may_have_held_nothing() -> None:
    text = "vpxord %zmm21, %zmm21, %zmm21; vptestnmb %zmm21, %zmm21, %k1; kmovq %k1, %r9"
    assert not _is_unset(text, isa="avx512")
