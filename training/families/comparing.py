"""Comparing two strings up to a difference or the end of the first, a vector at a time."""

from __future__ import annotations

import random
from collections.abc import Iterator

from llmcc.regions.model import Access, Region
from llmcc.training.families.loop import Family, Loop
from llmcc.training.families.trip import address, advance, advance_by
from llmcc.training.families.vector import NotExpressible
from llmcc.x86.registers import XMM, spelled


def _difference(region: Region, isa: str) -> Iterator[str]:
    """Yield `while (*a && *a == *b) a++, b++`, where *a is carried from the iteration before."""
    contract = region.contract
    first = [access for access in contract.accesses if access.disp == 1]
    second = [access for access in contract.accesses if access.disp == 0]
    if len(first) != 1 or len(second) != 1 or len(contract.accesses) != 2:
        raise NotExpressible("two strings, one a byte ahead of the other")
    if len(contract.accumulators) != 1 or len(contract.scratch) < 3 or contract.latches:
        raise NotExpressible("one byte is carried")
    if any(a.is_store or a.size_bytes != 1 or a.stride_bytes != 1 for a in contract.accesses):
        raise NotExpressible("not bytes walked forwards")
    yield _compared(region, first[0], second[0], isa)


def _compared(region: Region, ahead: Access, other: Access, isa: str) -> str:
    contract = region.contract
    place, hits, moved = contract.scratch[:3]
    carried = contract.accumulators[0]
    low = f"%{spelled(place, 32)}"
    is_512 = isa == "avx512"
    block, suffix, bits = (64, "q", 64) if is_512 else (32, "l", 32)
    found = f"%{spelled(hits, bits)}"
    behind = address(other, offset_bytes=1)
    out = [f"\tcmpb\t{address(other)}, %{spelled(carried, 8)}", "\tjne\t.LH"]
    out += [f"\txorl\t%{spelled(moved, 32)}, %{spelled(moved, 32)}", *_zero(region, isa), ".LR0:"]
    # gcc's loop reads the first byte of one block, and the byte before the other: both pages.
    for text, last in ((address(ahead), 4096 - block), (address(other), 4095 - block)):
        out += [f"\tleaq\t{text}, %{place}", f"\tandl\t$4095, {low}"]
        out += [f"\tcmpl\t${last}, {low}", "\tja\t.LR2"]
    out += _stops(region, address(ahead), behind, found, isa)
    out += [f"\ttest{suffix}\t{found}, {found}", "\tjne\t.LR1", *advance(contract, block)]
    out += [f"\taddq\t${block}, %{moved}", "\tjmp\t.LR0"]
    out += [".LR1:", f"\ttzcnt{suffix}\t{found}, {found}", f"\taddq\t%{hits}, %{moved}"]
    out += [*advance_by(contract, hits, place), ".LR2:"]
    out += [] if is_512 else ["\tvzeroupper"]
    out += [f"\ttestq\t%{moved}, %{moved}", "\tje\t.LH"]
    out += [f"\tmovzbl\t{address(ahead, offset_bytes=-1)}, %{spelled(carried, 32)}", "\tjmp\t.LH"]
    return "\n".join(out) + "\n"


def _registers(region: Region) -> tuple[str, str, str]:
    free = region.contract.vector_scratch[:3]
    if len(free) < 3:
        raise NotExpressible("out of vector registers")
    zero, text, equal = (f"%ymm{XMM.index(name)}" for name in free)
    return zero, text, equal


def _zero(region: Region, isa: str) -> list[str]:
    if isa == "avx512":
        return ["\tvpxord\t%zmm17, %zmm17, %zmm17"]
    zero = _registers(region)[0]
    return [f"\tvpxor\t{zero}, {zero}, {zero}"]


def _stops(region: Region, first: str, second: str, found: str, isa: str) -> list[str]:
    """One bit in `found` for each byte of the first string that is 0 or another in the second."""
    if isa == "avx512":
        return [
            f"\tvmovdqu8\t{first}, %zmm16",
            "\tvpcmpneqb\t%zmm17, %zmm16, %k1",
            f"\tvpcmpeqb\t{second}, %zmm16, %k2{{%k1}}",
            f"\tkmovq\t%k2, {found}",
            f"\tnotq\t{found}",
        ]
    zero, text, equal = _registers(region)
    return [
        f"\tvmovdqu\t{first}, {text}",
        f"\tvpcmpeqb\t{second}, {text}, {equal}",
        f"\tvpcmpeqb\t{zero}, {text}, {text}",
        f"\tvpandn\t{equal}, {text}, {equal}",
        f"\tvpmovmskb\t{equal}, {found}",
        f"\tnotl\t{found}",
    ]


def _draw_compare(rng: random.Random) -> Loop:
    result = rng.choice(("(unsigned char)*a - (unsigned char)*b", "*a == *b", "*a < *b"))
    test = rng.choice(("*a && *a == *b", "*a != 0 && *b == *a"))
    loop = rng.choice((f"while ({test}) {{ a++; b++; }}", f"for (; {test}; a++, b++) ;"))
    c = f"int @NAME@(const char *a, const char *b) {{ {loop} return {result}; }}\n"
    return Loop("string_compare", "u8", c, _difference)


FAMILIES = (Family("string_compare", "test", 0.3, _draw_compare),)
