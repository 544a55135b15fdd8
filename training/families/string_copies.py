"""Copies up to a byte that ends them, whole vectors that do not hold it at a time (strcpy)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from llmcc.regions.model import Access, Region
from llmcc.training.families.frame import vectors_of, zero
from llmcc.training.families.loop import Family, Loop
from llmcc.training.families.tree import TYPES
from llmcc.training.families.trip import address, advance, overlap_guards
from llmcc.training.families.vector import NotExpressible
from llmcc.x86.registers import spelled


def _copy(end: int, region: Region, isa: str) -> Iterator[str]:
    """Yield the copy; the byte that ends it, and what shares its vector, is left to gcc's loop."""
    contract = region.contract
    loads = [access for access in contract.accesses if access.is_load]
    stores = [access for access in contract.accesses if access.is_store]
    if len(loads) != 1 or len(stores) != 1 or contract.latches or len(contract.scratch) < 2:
        raise NotExpressible("not one string copied up to its end")
    load, store = loads[0], stores[0]
    if any(x.size_bytes != 1 or x.stride_bytes != 1 or x.is_conditional for x in (load, store)):
        raise NotExpressible("not bytes walked forwards")
    carried = contract.accumulators
    if len(carried) > 1:
        raise NotExpressible("more is carried than the byte to be stored")
    yield _copied(region, isa, load, store, end)


def _copied(region: Region, isa: str, load: Access, store: Access, end: int) -> str:
    """Gcc may carry the byte loaded an iteration before: then the source starts a byte earlier."""
    contract = region.contract
    carried = contract.accumulators[0] if contract.accumulators else ""
    hits = contract.scratch[0]
    low = f"%{spelled(hits, 32)}"
    vector = vectors_of(region, isa, TYPES["u8"], loads=())
    block = 64 if vector.is_512 else 32
    first = address(load)
    target = address(store, offset_bytes=1 if carried else 0)
    # A carried byte is stored before another is loaded, which may be where it goes.
    early = 1 if carried else 0
    before = replace(load, disp=load.disp - early)
    out = overlap_guards(replace(contract, accesses=(before, store)), block + early, hits)
    ends = zero(vector) if end == 0 else vector.spread(end, 8)
    value = vector.new()
    out += [*vector.lines, ".LR0:", f"\tleaq\t{first}, %{hits}", f"\tandl\t$4095, {low}"]
    out += [f"\tcmpl\t${4096 - block}, {low}", "\tja\t.LR1"]
    vector.lines = []
    vector.emit("vmovdqu8" if vector.is_512 else "vmovdqu", first, vector.name(value))
    if vector.is_512:
        vector.emit("vpcmpeqb", vector.name(ends), vector.name(value), "%k1")
        vector.emit("kortestq", "%k1", "%k1")
        vector.emit("jne", ".LR1")
    else:
        found = vector.apply("vpcmpeqb", ends, value)
        vector.emit("vpmovmskb", vector.name(found), low)
        vector.emit("testl", low, low)
        vector.emit("jne", ".LR1")
    if carried:
        vector.emit("movb", f"%{spelled(carried, 8)}", address(store))
    vector.emit("vmovdqu8" if vector.is_512 else "vmovdqu", vector.name(value), target)
    if carried:  # the last byte loaded is stored again by gcc's loop
        last = address(load, offset_bytes=block - 1)
        vector.emit("movzbl", last, f"%{spelled(carried, 32)}")
    out += [*vector.lines, *advance(contract, block), "\tjmp\t.LR0", ".LR1:"]
    out += [] if vector.is_512 else ["\tvzeroupper"]
    return "\n".join([*out, "\tjmp\t.LH"]) + "\n"


def _draw(rng: random.Random, family: str) -> Loop:
    end = 0 if family == "string_copy" else rng.choice((10, 44, 58, 61))
    test = f" != {end}" if end else rng.choice(("", " != 0"))
    result, body = rng.choice(
        (
            ("char *", f"while ((*o++ = *a++){test}) ;\n\treturn o;"),
            ("char *", f"char c;\n\tdo {{ c = *a++; *o++ = c; }} while (c{test});\n\treturn o;"),
            ("size_t ", f"size_t i = 0;\n\twhile ((o[i] = a[i]){test}) i++;\n\treturn i;"),
            ("char *", f"while (*a{test}) *o++ = *a++;\n\treturn o;"),
        )
    )
    c = f"{result}@NAME@(char *o, const char *a)\n{{\n\t{body}\n}}\n"
    return Loop(family, "u8", c, partial(_copy, end))


FAMILIES = (
    Family("string_copy", "train", 0.8, partial(_draw, family="string_copy")),
    Family("copy_until", "test", 0.8, partial(_draw, family="copy_until")),
)
