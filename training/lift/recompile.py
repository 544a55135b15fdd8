"""Compile a loop anew with gcc and clang, and turn their assembly into rewrite texts.

The new code does all iterations but the last, or a multiple of some number of them; gcc's loop does
the rest. Nothing here is trusted: gate and tests decide.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from llmcc.regions.model import Contract, Region
from llmcc.training.families.trip import counted_latch, iterations_but_one, overlap_guards
from llmcc.training.families.vector import NotExpressible
from llmcc.training.lift.assembly import compiled
from llmcc.training.lift.c_text import loop_c, passed_registers
from llmcc.training.lift.constants import without_data
from llmcc.training.lift.registers import TooFewRegisters, in_contract
from llmcc.x86.registers import GPR, WIDE_ONLY, XMM

_ALWAYS = (
    *("-O3", "-w", "-ffreestanding", "-fno-stack-protector", "-fcf-protection=none"),
    *("-fomit-frame-pointer", "-fno-asynchronous-unwind-tables", "-fno-pic", "-fno-unroll-loops"),
)
# What `toolchain.MARCH` does not have. (clang takes AVX-512 for off where FMA or F16C is.)
_WITHOUT = ("-mno-movbe",)
_MARCH = {
    "avx2": ("-march=x86-64-v3", *_WITHOUT),
    "avx512": ("-march=x86-64-v4", *_WITHOUT, "-mno-avx512cd", "-mprefer-vector-width=512"),
}
_VECTOR_BYTES = {"avx2": 32, "avx512": 64}
_SCALED = re.compile(r"\tleaq\t(-?\d*)\(,(%[a-z0-9]+),([248])\), (%[a-z0-9]+)$")


@dataclass(frozen=True, slots=True)
class Recompiler:
    """One way to compile a loop."""

    name: str  # the compiler first: "gcc whole"
    command: tuple[str, ...]
    options: tuple[str, ...]
    is_whole: bool  # whole vectors only, so that nothing is left to single iterations

    @property
    def compiler(self) -> str:
        """The program's name."""
        return self.command[0]


_GCC = ("gcc", "-mincoming-stack-boundary=6", "-mpreferred-stack-boundary=6")
_CLANG = ("clang", "-fno-integrated-as")
_ONE = ("-mllvm", "-force-vector-interleave=1")
RECOMPILERS = (
    Recompiler("gcc whole", _GCC, (), is_whole=True),
    Recompiler("gcc", _GCC, (), is_whole=False),
    Recompiler("clang whole", _CLANG, _ONE, is_whole=True),
    Recompiler("clang", _CLANG, (), is_whole=False),
    Recompiler("clang scalar", _CLANG, ("-fno-vectorize", "-funroll-loops"), is_whole=False),
)


def lifted_rewrites(
    region: Region, isa: str, *, recompilers: Sequence[Recompiler] = RECOMPILERS
) -> Iterator[tuple[str, str]]:
    """Yield (how it was made, candidate text) for each compiler that can express the loop.

    isa: a key of `toolchain.MARCH`. Texts are distinct. Yields nothing for a loop that `c_text`
    does not cover, nor for a compiler that is not installed.
    """
    seen: set[str] = set()
    for one in recompilers:
        if shutil.which(one.compiler) is None:
            continue
        with suppress(NotExpressible):
            text = recompiled(region, isa, one)
            if text not in seen:
                seen.add(text)
                yield one.name, text


def recompiled(region: Region, isa: str, how: Recompiler) -> str:
    """Compile the loop one way.

    Raises:
        NotExpressible: the loop, or what the compiler made of it, is not covered; says why.
    """
    contract = region.contract
    if not contract.scratch:
        raise NotExpressible("needs a scratch register")
    count, temporary = contract.scratch[0], contract.scratch[-1]
    lead = iterations_but_one(contract, counted_latch(contract), count, temporary)
    guards: list[str] | None = None
    multiple = 1
    if how.is_whole:
        multiple = max(_VECTOR_BYTES[isa] // _narrowest(contract), 2)
        guards = _guards(contract, multiple)
    source = loop_c(region, multiple, is_independent=guards is not None)
    lines = _compiled_for(
        region, isa, source, [*how.command, *_ALWAYS, *_MARCH[isa], *how.options], count
    )
    lead = [*(guards or []), *lead]
    return "\n".join([*lead, *(part for line in lines for part in _with_base(line))]) + "\n"


def _compiled_for(
    region: Region, isa: str, source: str, command: Sequence[str], count: str
) -> list[str]:
    """Compile, with fewer registers for the compiler as long as the contract's do not suffice."""
    is_wide = isa == "avx512" and region.contract.is_wide_free
    vectors = [*XMM, *WIDE_ONLY] if is_wide else XMM
    tried = _fewer_registers(region) if command[0] == "gcc" else [[]]
    refusal = NotExpressible("")
    for fixed in tried:
        try:
            unit = compiled(source, [*command, *fixed])
            return in_contract(without_data(unit, vectors), region, isa, count)
        except TooFewRegisters as error:
            refusal = error
    raise refusal


def _narrowest(contract: Contract) -> int:
    return min((access.size_bytes for access in contract.accesses), default=8)


def _guards(contract: Contract, iterations: int) -> list[str] | None:
    """Text that goes to the head unless so many iterations are independent; None: unknown."""
    stride = max((abs(access.stride_bytes) for access in contract.accesses), default=1)
    try:
        return overlap_guards(contract, max(iterations * stride, 3), contract.scratch[0])
    except NotExpressible:
        return None


def _fewer_registers(region: Region) -> list[list[str]]:
    """Options that leave gcc as many general registers as there are in the contract, and fewer."""
    given = {f for f in (*region.contract.may_write, *passed_registers(region)) if f in GPR}
    spare = ("r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8")
    forbidden = min(15 - len(given - {"rsp"}), len(spare))
    numbers = range(forbidden, min(forbidden + 4, len(spare) + 1))
    return [[f"-ffixed-{family}" for family in spare[:n]] for n in numbers]


def _with_base(line: str) -> list[str]:
    """The gate knows no `lea` without a base; this form sets flags, which tests would notice."""
    if (match := _SCALED.match(line)) is None:
        return [line]
    displacement, index, scale, target = match.groups()
    moved = [] if index == target else [f"\tmovq\t{index}, {target}"]
    added = [f"\taddq\t${displacement}, {target}"] if displacement else []
    return [*moved, f"\tshlq\t${int(scale).bit_length() - 1}, {target}", *added]
