"""Loops that write what they carry: prefix sums and extremes, fills, and counting up."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial

from llmcc.regions.model import Access, Region
from llmcc.training.families.frame import (
    counted_text,
    lowest_to,
    passing,
    vectors_of,
    zero,
)
from llmcc.training.families.loop import Family, Loop
from llmcc.training.families.mapping import distinct
from llmcc.training.families.maps import Step, put
from llmcc.training.families.plain_c import c_array_function
from llmcc.training.families.tree import TYPES, ElementType, Parameter
from llmcc.training.families.vector import NotExpressible, VectorText


def _only_store(region: Region, element: ElementType) -> Access:
    stores = distinct([access for access in region.contract.accesses if access.is_store])
    if len(stores) != 1 or stores[0].stride_bytes != element.size_bytes:
        raise NotExpressible("not one output")
    return stores[0]


# -- prefix sums and extremes


def _scan_rewrites(element: ElementType, operator: str, region: Region, isa: str) -> Iterator[str]:
    contract = region.contract
    loads = distinct([access for access in contract.accesses if access.is_load])
    if len(loads) != 1 or len(contract.accumulators) != 1:
        raise NotExpressible("not one input and one carried value")
    carried = contract.accumulators[0]
    vector = vectors_of(region, isa, element, loads=tuple(loads), parameters=(carried,))
    yield _scan(element, operator, region, vector, _only_store(region, element))


def _scan(
    element: ElementType, operator: str, region: Region, vector: VectorText, store: Access
) -> str:
    """Scan within a vector in log2(lanes) steps, then join what was carried."""
    contract = region.contract
    bits = element.bits
    mnemonic = vector.mnemonic(operator)
    registers: dict[str, int] = {}

    def setup() -> None:
        vector.broadcast_scalars([Parameter(0)])
        registers["carry"] = vector.scalar(Parameter(0))
        if not vector.is_512:
            return
        if operator == "max" and element.is_signed:
            registers["fill"] = vector.broadcast_value(-(1 << (bits - 1)))
        else:
            registers["fill"] = zero(vector)
        registers["last"] = vector.broadcast_value(vector.lanes - 1)

    def body(mask: str) -> None:
        mark = vector.mark()
        value = vector.load(0, mask)
        moved = vector.new()
        carry = registers["carry"]
        if vector.is_512:
            _shifts_512(vector, mnemonic, value, moved, registers["fill"])
        else:
            _shifts_256(vector, mnemonic, value, moved)
        own, kept = vector.name(value), vector.name(carry)
        vector.emit(mnemonic, kept, own, own)
        put(Step(vector, store, mask, ()), value, element)
        if vector.is_512:
            letter = "q" if bits == 64 else "d"
            vector.emit(f"vperm{letter}", own, vector.name(registers["last"]), kept)
        else:
            vector.emit("vpermq", "$255", own, kept)
            vector.emit("vpshufd", "$245", kept, kept)
        vector.release(mark)

    def finish() -> None:
        lowest_to(vector, registers["carry"], contract.accumulators[0], bits=bits)

    return counted_text(
        contract,
        vector,
        lanes=vector.lanes,
        overlap_bytes=vector.lanes * element.size_bytes,
        setup=setup,
        body=body,
        finish=finish,
        is_maskable=operator == "add",  # a lane cleared is no smallest value
    )


def _shifts_512(vector: VectorText, mnemonic: str, value: int, moved: int, fill: int) -> None:
    letter = "q" if vector.element.bits == 64 else "d"
    distance = 1
    while distance < vector.lanes:
        names = (vector.name(number) for number in (fill, value, moved))
        vector.emit(f"valign{letter}", f"${vector.lanes - distance}", *names)
        vector.emit(mnemonic, vector.name(moved), vector.name(value), vector.name(value))
        distance *= 2


def _shifts_256(vector: VectorText, mnemonic: str, value: int, moved: int) -> None:
    if vector.element.bits != 32 or (mnemonic.startswith("vpmax") and vector.element.is_signed):
        raise NotExpressible("shifting in zeroes is no scan")
    own, other = vector.name(value), vector.name(moved)
    for size in (4, 8):
        vector.emit("vpslldq", f"${size}", own, other)
        vector.emit(mnemonic, other, own, own)
    vector.emit("vpshufd", "$255", own, other)
    vector.emit("vperm2i128", "$8", other, other, other)
    vector.emit(mnemonic, other, own, own)


def _draw_prefix_sum(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("i32", "u32", "i64", "i32"))]
    t = element.c_name
    body = "s += a[i]; o[i] = s;"
    is_in_place = rng.random() < 0.25
    parameters = [f"{t} *a"] if is_in_place else [f"const {t} *a", f"{t} *o"]
    if is_in_place:
        body = "s += a[i]; a[i] = s;"
    c = c_array_function(rng, "void", [*parameters, f"{t} s"], "", body)
    return Loop("prefix_sum", element.name, c, partial(_scan_rewrites, element, "add"))


def _draw_prefix_max(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("i32", "u32"))]
    t = element.c_name
    body = rng.choice(("if (a[i] > s) s = a[i]; o[i] = s;", "s = s > a[i] ? s : a[i]; o[i] = s;"))
    c = c_array_function(rng, "void", [f"const {t} *a", f"{t} *o", f"{t} s"], "", body)
    return Loop("prefix_max", element.name, c, partial(_scan_rewrites, element, "max"))


# -- fills


def _fill_rewrites(element: ElementType, region: Region, isa: str) -> Iterator[str]:
    contract = region.contract
    store = _only_store(region, element)
    bounds = {latch.bound for latch in contract.latches} | {store.base, store.index}
    for family in contract.invariants:
        if family in bounds or family.startswith("xmm"):
            continue
        vector = vectors_of(region, isa, element, loads=(), parameters=(family,))

        def setup(vector: VectorText = vector) -> None:
            vector.broadcast_scalars([Parameter(0)])

        def body(mask: str, vector: VectorText = vector) -> None:
            put(Step(vector, store, mask, ()), vector.scalar(Parameter(0)), element)

        yield counted_text(
            contract,
            vector,
            lanes=vector.lanes,
            overlap_bytes=0,
            setup=setup,
            body=body,
            finish=lambda: None,
        )


def _draw_fill(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("i32", "u16", "i64", "u32", "i16"))]
    t = element.c_name
    c = c_array_function(rng, "void", [f"{t} *o", f"{t} k"], "", "o[i] = k;")
    return Loop("fill", element.name, c, partial(_fill_rewrites, element))


# -- counting up


def _iota_rewrites(element: ElementType, region: Region, isa: str) -> Iterator[str]:
    contract = region.contract
    store = _only_store(region, element)
    for counter in (x.register for x in contract.inductions if x.step == 1):
        vector = vectors_of(region, isa, element, loads=(), parameters=(counter,))
        letter = "q" if element.bits == 64 else "d"
        step: list[int] = []

        def setup(
            vector: VectorText = vector, letter: str = letter, step: list[int] = step
        ) -> None:
            vector.broadcast_scalars([Parameter(0)])
            step.append(vector.broadcast_value(vector.lanes))
            places = vector.new()
            low, temporary = vector.name(places, 128), f"%{passing(contract)}"
            vector.emit("movabsq", f"${0x0706050403020100}", temporary)
            vector.emit("vmovq", temporary, low)
            if vector.lanes == 16:
                vector.emit("movabsq", f"${0x0F0E0D0C0B0A0908}", temporary)
                vector.emit("vpinsrq", "$1", temporary, low, low)
            vector.emit(f"vpmovzxb{letter}", low, vector.name(places))
            own = vector.name(vector.scalar(Parameter(0)))
            vector.emit(f"vpadd{letter}", vector.name(places), own, own)

        def body(
            mask: str, vector: VectorText = vector, letter: str = letter, step: list[int] = step
        ) -> None:
            number = vector.scalar(Parameter(0))
            put(Step(vector, store, mask, ()), number, element)
            if not mask:
                own = vector.name(number)
                vector.emit(f"vpadd{letter}", vector.name(step[0]), own, own)

        yield counted_text(
            contract,
            vector,
            lanes=vector.lanes,
            overlap_bytes=0,
            setup=setup,
            body=body,
            finish=lambda: None,
        )


def _draw_iota(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("i32", "u32", "i64"))]
    t = element.c_name
    c = c_array_function(rng, "void", [f"{t} *o"], "", "o[i] = i;")
    return Loop("iota", element.name, c, partial(_iota_rewrites, element))


FAMILIES = (
    Family("prefix_sum", "train", 1.0, _draw_prefix_sum),
    Family("prefix_max", "validation", 1.0, _draw_prefix_max),
    Family("fill", "train", 0.5, _draw_fill),
    Family("iota", "train", 0.4, _draw_iota),
)
