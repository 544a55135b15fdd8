"""Bits set in arrays, and in the differences of two: a table of nibbles in a vector register."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial

from llmcc.regions.model import Region
from llmcc.training.families.frame import (
    broadcast_16_bytes,
    counted_text,
    fold,
    lowest_to,
    passing,
    vectors_of,
    zero,
)
from llmcc.training.families.loop import Family, Loop
from llmcc.training.families.mapping import distinct
from llmcc.training.families.plain_c import c_array_function
from llmcc.training.families.tree import TYPES, ElementType
from llmcc.training.families.vector import NotExpressible
from llmcc.x86.registers import spelled


def _bits_rewrites(
    element: ElementType, arrays: int, bits: int, region: Region, isa: str
) -> Iterator[str]:
    """Count nibbles by a table of 16 in a register (Mula, Kurz, Lemire 2018, section 3)."""
    contract = region.contract
    loads = distinct([access for access in contract.accesses if access.is_load])
    if len(loads) != arrays or len(contract.accumulators) != 1:
        raise NotExpressible("another number of inputs or sums")
    vector = vectors_of(region, isa, element, loads=tuple(loads))
    registers: dict[str, int] = {}
    temporary = passing(contract)
    logic = "d" if vector.is_512 else ""

    def setup() -> None:
        registers["total"], registers["zero"] = zero(vector), zero(vector)
        registers["table"] = broadcast_16_bytes(
            vector, 0x0302020102010100, 0x0403030203020201, temporary
        )
        registers["low"] = broadcast_16_bytes(
            vector, 0x0F0F0F0F0F0F0F0F, 0x0F0F0F0F0F0F0F0F, temporary
        )

    def body(mask: str) -> None:
        mark = vector.mark()
        table, low, total = (vector.name(registers[x]) for x in ("table", "low", "total"))
        x = vector.name(vector.load(0, mask))
        if arrays == 2:
            vector.emit(f"vpxor{logic}", vector.name(vector.load(1, mask)), x, x)
        y = vector.name(vector.new())
        vector.emit("vpsrlw", "$4", x, y)
        for part in (x, y):
            vector.emit(f"vpand{logic}", low, part, part)
            vector.emit("vpshufb", part, table, part)
        vector.emit("vpaddb", y, x, x)
        vector.emit("vpsadbw", vector.name(registers["zero"]), x, x)
        vector.emit("vpaddq", x, total, total)
        vector.release(mark)

    def finish() -> None:
        fold(vector, registers["total"], "vpaddq", bits=64)
        lowest = lowest_to(vector, registers["total"], temporary, bits=bits)
        own = spelled(contract.accumulators[0], bits)
        vector.emit(f"add{'q' if bits == 64 else 'l'}", lowest, f"%{own}")

    yield counted_text(
        contract,
        vector,
        lanes=vector.lanes,
        overlap_bytes=0,
        setup=setup,
        body=body,
        finish=finish,
    )


def _draw_bits(rng: random.Random, arrays: int) -> Loop:
    element = TYPES[rng.choice(("u32", "u32", "u16", "u8"))]
    bits = rng.choice((32, 64))
    t = element.c_name
    top = "x = (x + (x >> 4)) & 0x0f; "
    if element.bits == 32:
        top = "x = (x + (x >> 4)) & 0x0f0f0f0f; x = (x * 0x01010101) >> 24; "
    if element.bits == 16:
        top = "x = (x + (x >> 4)) & 0x0f0f; x = (x + (x >> 8)) & 31; "
    fives, threes = ("0x" + digit * (element.bits // 4) for digit in "53")
    body = (
        f"uint32_t x = a[i]{' ^ b[i]' if arrays == 2 else ''}; x -= (x >> 1) & {fives};"
        f" x = (x & {threes}) + ((x >> 2) & {threes}); {top}s += x;"
    )
    result = "size_t" if bits == 64 else "int"
    parameters = [f"const {t} *a"] + [f"const {t} *b"] * (arrays == 2)
    c = c_array_function(rng, result, parameters, f"{result} s = 0;", body, "return s;")
    return Loop(
        "hamming_distance" if arrays == 2 else "popcount_array",
        element.name,
        c,
        partial(_bits_rewrites, element, arrays, bits),
    )


FAMILIES = (
    Family("popcount_array", "train", 0.8, partial(_draw_bits, arrays=1)),
    Family("hamming_distance", "test", 1.0, partial(_draw_bits, arrays=2)),
)
