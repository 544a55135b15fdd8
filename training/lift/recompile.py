"""Compile a loop anew with gcc and clang, and turn their assembly into rewrite texts.

The new code does all iterations but the last, or a multiple of some number of them; gcc's loop does
the rest. Nothing here is trusted: gate and tests decide.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmcc.regions.model import Region
from llmcc.training.families.trip import counted_latch, iterations_but_one
from llmcc.training.families.vector import NotExpressible
from llmcc.training.lift.assembly import compiled
from llmcc.training.lift.c_text import loop_c
from llmcc.training.lift.constants import without_data
from llmcc.training.lift.registers import in_contract
from llmcc.x86.registers import WIDE_ONLY, XMM

_ALWAYS = (
    *("-O3", "-w", "-ffreestanding", "-fno-stack-protector", "-fcf-protection=none"),
    *("-fomit-frame-pointer", "-fno-asynchronous-unwind-tables", "-fno-pic"),
)
_MARCH = {"avx2": ("-march=x86-64-v3",), "avx512": ("-march=x86-64-v4", "-mprefer-vector-width=512")}
_VECTOR_BYTES = {"avx2": 32, "avx512": 64}
_SCALED = re.compile(r"\tleaq\t(-?\d*)\(,(%[a-z0-9]+),([248])\), (%[a-z0-9]+)$")


@dataclass(frozen=True, slots=True)
class Recompiler:
    """One way to compile a loop."""

    name: str  # the compiler first: "gcc whole"
    command: tuple[str, ...]
    is_whole: bool  # whole vectors only, so that nothing is left to single iterations


_CLANG = ("clang", "-fno-integrated-as")
_CLANG_ONE = (*_CLANG, "-mllvm", "-force-vector-interleave=1")
RECOMPILERS = (
    Recompiler("gcc whole", ("gcc",), is_whole=True),
    Recompiler("gcc", ("gcc",), is_whole=False),
    Recompiler("clang whole", _CLANG_ONE, is_whole=True),
    Recompiler("clang narrow", _CLANG_ONE, is_whole=False),
    Recompiler("clang", _CLANG, is_whole=False),
    Recompiler("clang scalar", (*_CLANG, "-fno-vectorize", "-funroll-loops"), is_whole=False),
)


def lifted_rewrites(
    region: Region, isa: str, *, recompilers: Sequence[Recompiler] = RECOMPILERS
) -> Iterator[tuple[str, str]]:
    """Yield (how it was made, candidate text) for each compiler that can express the loop.

    isa: a key of `toolchain.MARCH`. Yields nothing for a loop that `c_text` does not cover, nor for
    a compiler that is not installed.
    """
    for one in recompilers:
        if shutil.which(one.command[0]) is None:
            continue
        try:
            text = recompiled(region, isa, one)
        except NotExpressible:
            continue
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
    multiple = 1
    if how.is_whole:
        narrowest = min((a.size_bytes for a in contract.accesses), default=8)
        multiple = max(_VECTOR_BYTES[isa] // narrowest, 2)
    unit = compiled(loop_c(region, multiple), [*how.command, *_ALWAYS, *_MARCH[isa]])
    vectors = [*XMM, *WIDE_ONLY] if isa == "avx512" and contract.is_wide_free else XMM
    lines = in_contract(without_data(unit, vectors), region, isa, count)
    return "\n".join([*lead, *(part for line in lines for part in _with_base(line))]) + "\n"


def _with_base(line: str) -> list[str]:
    """The gate knows no `lea` without a base; this form sets flags, which tests would notice."""
    if (match := _SCALED.match(line)) is None:
        return [line]
    displacement, index, scale, target = match.groups()
    moved = [] if index == target else [f"\tmovq\t{index}, {target}"]
    added = [f"\taddq\t${displacement}, {target}"] if displacement else []
    return [*moved, f"\tshlq\t${int(scale).bit_length() - 1}, {target}", *added]
