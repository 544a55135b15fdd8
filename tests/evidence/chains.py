"""Loops whose time is known: chains of dependent one-cycle instructions, longer and shorter.

An integer add or xor of two registers takes one cycle on every x86-64 CPU with AVX2 (immediates are
avoided: some CPUs add them at no cost), and none of these loops does anything that takes longer
than its chain. So a loop of 27 in place of 25 is 8 % slower, whatever the machine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from llmcc.asm.parse import parse
from llmcc.outcome import Refusal
from llmcc.regions.find import find_regions
from llmcc.regions.model import Region
from llmcc.sandbox.model import Blob
from llmcc.states.blob import guarded_blob
from tests.evidence.loop_as_rewrite import loop_as_rewrite

# Each is entered with rdi an array, rsi its end or a count, rdx and rcx numbers. `{chain}` makes
# rax of rax; what stands beside it does not wait for it, but for one instruction of the chain.
_SHAPES: Mapping[str, str] = MappingProxyType(
    {
        "sum of an array": """
        xorl %eax, %eax
        cmpq %rsi, %rdi
        je .L9
        .p2align 4
.L3:
        xorq (%rdi), %rax
{chain}
        addq $8, %rdi
        cmpq %rdi, %rsi
        jne .L3
.L9:
        ret
""",
        "hash of bytes": """
        xorl %eax, %eax
        testq %rsi, %rsi
        je .L9
        addq %rdi, %rsi
        .p2align 4
.L3:
        movzbl (%rdi), %r8d
        addq $1, %rdi
        xorq %r8, %rax
{chain}
        cmpq %rsi, %rdi
        jne .L3
.L9:
        ret
""",
        "search with a hash": """
        xorl %eax, %eax
        cmpq %rsi, %rdi
        je .L9
        .p2align 4
.L3:
        movl (%rdi), %r8d
        cmpl %edx, %r8d
        je .L9
        xorq %r8, %rax
{chain}
        addq $4, %rdi
        cmpq %rsi, %rdi
        jne .L3
.L9:
        ret
""",
        "running hash of an array": """
        xorl %eax, %eax
        cmpq %rsi, %rdi
        je .L9
        .p2align 4
.L3:
        xorq (%rdi), %rax
{chain}
        movl %eax, (%rdi)
        addq $8, %rdi
        cmpq %rsi, %rdi
        jne .L3
.L9:
        ret
""",
    }
)
_LINKS = ("addq %rdx, %rax", "xorq %rcx, %rax")


@dataclass(frozen=True, slots=True)
class Chain:
    """A region whose iteration takes `length` cycles, with a rewrite of another length."""

    shape: str
    length: int
    rewrite_length: int
    region: Region
    rewrite: Blob  # as it would stand in a unit, its CPU check included

    @property
    def speedup_ratio(self) -> float:
        """What the rewrite is worth by construction."""
        return self.length / self.rewrite_length


def chains(length: int, rewrite_length: int, *, isa: str = "avx2") -> tuple[Chain, ...]:
    """One pair of each shape. The shape's own xor is the first instruction of each chain."""
    return tuple(_chain(shape, length, rewrite_length, isa) for shape in _SHAPES)


def _chain(shape: str, length: int, rewrite_length: int, isa: str) -> Chain:
    region = _region(shape, length)
    rewrite = guarded_blob(region, loop_as_rewrite(_region(shape, rewrite_length)), isa)
    assert not isinstance(rewrite, Refusal), rewrite
    return Chain(shape, length, rewrite_length, region, rewrite)


def _region(shape: str, length: int) -> Region:
    chain = "\n".join("        " + _LINKS[number % 2] for number in range(length - 1))
    body = re.sub(
        r"^ +(\w+|\.p2align) ?", r"\t\1\t", _SHAPES[shape].format(chain=chain), flags=re.M
    )
    text = f"\t.text\n\t.globl\tchain\n\t.type\tchain, @function\nchain:\n\t.cfi_startproc{body}"
    (region,) = find_regions(parse(text + "\t.cfi_endproc\n\t.size\tchain, .-chain\n"))
    assert isinstance(region, Region), region
    return region
