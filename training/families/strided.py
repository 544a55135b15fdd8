"""Loops over every second or fourth element: counted, and stored to."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial

from llmcc.regions.model import Region
from llmcc.training.families.frame import counted_text, scalar_scratch, vectors_of
from llmcc.training.families.loop import Family, Loop
from llmcc.training.families.mapping import distinct
from llmcc.training.families.maps import Step, put
from llmcc.training.families.plain_c import c_array_function
from llmcc.training.families.spec import draw_predicate
from llmcc.training.families.tree import (
    TYPES,
    Compare,
    Constant,
    ElementType,
    Load,
    Parameter,
    Predicate,
    c_predicate,
)
from llmcc.training.families.vector import NotExpressible, VectorText
from llmcc.x86.registers import spelled


def _strided_count(
    predicate: Predicate, element: ElementType, stride: int, bits: int, region: Region, isa: str
) -> Iterator[str]:
    contract = region.contract
    loads = distinct(list(contract.accesses))
    if len(loads) != 1 or loads[0].is_store or len(contract.accumulators) != 1:
        raise NotExpressible("not one input and one count")
    if loads[0].stride_bytes != stride * element.size_bytes:
        raise NotExpressible("another stride")
    used = {loads[0].base, loads[0].index} | {latch.bound for latch in contract.latches}
    scalars = [x for x in contract.invariants if x not in used and not x.startswith("xmm")]
    has_parameter = isinstance(predicate, Compare) and predicate.right == Parameter(0)
    count, total = scalar_scratch(contract, 2)[1], contract.accumulators[0]
    places = sum(1 << n for n in range(0, 512 // element.bits, stride))
    for parameter in scalars if has_parameter else [""]:
        vector = vectors_of(region, isa, element, loads=(loads[0],), parameters=(parameter,))

        def setup(vector: VectorText = vector) -> None:
            assert isinstance(predicate, Compare)
            right = predicate.right
            assert isinstance(right, Constant | Parameter)
            vector.broadcast_scalars([right])

        def body(mask: str, vector: VectorText = vector) -> None:
            del mask
            mark = vector.mark()
            low = f"%{spelled(count, 32)}"
            value = vector.load(0)
            if vector.is_512:
                vector.predicate_mask(predicate, "k2", loaded={0: value})
                vector.emit("kmovw", "%k2", low)
            else:
                lanes, is_inverted = vector.predicate_vector(predicate, loaded={0: value})
                vector.emit(
                    f"vmovmskp{'d' if element.bits == 64 else 's'}", vector.name(lanes), low
                )
                if is_inverted:
                    vector.emit("notl", low)
            vector.emit("andl", f"${places & ((1 << vector.lanes) - 1)}", low)
            vector.emit("popcntl", low, low)
            letter = "q" if bits == 64 else "l"
            vector.emit(f"add{letter}", f"%{spelled(count, bits)}", f"%{spelled(total, bits)}")
            vector.release(mark)

        yield counted_text(
            contract,
            vector,
            lanes=vector.lanes // stride,
            overlap_bytes=0,
            setup=setup,
            body=body,
            finish=lambda: None,
            is_maskable=False,
        )


def _draw_strided_count(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("i32", "i32", "u32", "i64"))]
    predicate = draw_predicate(rng, element)
    while not isinstance(predicate, Compare) or not isinstance(predicate.left, Load):
        predicate = draw_predicate(rng, element)
    stride = 2 if element.bits == 64 else rng.choice((2, 2, 4))
    bits = rng.choice((32, 64))
    offset = rng.choice(("", " + 1"))
    t, result = element.c_name, "long" if bits == 64 else "int"
    scalars = [f"{t} k"] if predicate.right == Parameter(0) else []
    test = c_predicate(predicate, element, (f"a[i * {stride}{offset}]", ""))
    c = c_array_function(
        rng,
        result,
        [f"const {t} *a", *scalars],
        f"{result} s = 0;",
        f"if ({test}) s++;",
        "return s;",
    )
    teacher = partial(_strided_count, predicate, element, stride, bits)
    return Loop("strided_count", element.name, c, teacher)


def _strided_fill(element: ElementType, stride: int, region: Region, isa: str) -> Iterator[str]:
    contract = region.contract
    stores = list(contract.accesses)
    if isa != "avx512" or len(stores) != 1 or not stores[0].is_store:
        raise NotExpressible("needs masked stores to one array")
    if stores[0].stride_bytes != stride * element.size_bytes:
        raise NotExpressible("another stride")
    temporary = scalar_scratch(contract, 2)[1]
    places = sum(1 << n for n in range(0, 512 // element.bits, stride))
    used = {stores[0].base, stores[0].index} | {latch.bound for latch in contract.latches}
    for family in contract.invariants:
        if family in used or family.startswith("xmm"):
            continue
        vector = vectors_of(region, isa, element, loads=(), parameters=(family,))

        def setup(vector: VectorText = vector) -> None:
            vector.broadcast_scalars([Parameter(0)])
            vector.emit("movl", f"${places}", f"%{spelled(temporary, 32)}")
            vector.emit("kmovw", f"%{spelled(temporary, 32)}", "%k1")

        def body(mask: str, vector: VectorText = vector) -> None:
            del mask
            put(Step(vector, stores[0], "k1", ()), vector.scalar(Parameter(0)), element)

        yield counted_text(
            contract,
            vector,
            lanes=vector.lanes // stride,
            overlap_bytes=0,
            setup=setup,
            body=body,
            finish=lambda: None,
            is_maskable=False,
        )


def _draw_strided_fill(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("i32", "i64", "i32"))]
    stride = 2 if element.bits == 64 else rng.choice((2, 2, 4))
    offset = rng.choice(("", " + 1"))
    t = element.c_name
    body = f"o[i * {stride}{offset}] = k;"
    c = c_array_function(rng, "void", [f"{t} *o", f"{t} k"], "", body)
    return Loop("strided_fill", element.name, c, partial(_strided_fill, element, stride))


FAMILIES = (
    Family("strided_count", "validation", 0.8, _draw_strided_count),
    Family("strided_fill", "train", 0.5, _draw_strided_fill),
)
