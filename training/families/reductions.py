"""Several results of one pass, products, and the place of the largest element."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from itertools import permutations

from llmcc.regions.model import Access, Region
from llmcc.training.families.frame import (
    counted_text,
    fold,
    lowest_to,
    passing,
    scalar_scratch,
    vectors_of,
    zero,
)
from llmcc.training.families.loop import Family, Loop
from llmcc.training.families.mapping import distinct
from llmcc.training.families.plain_c import c_array_function
from llmcc.training.families.tree import TYPES, ElementType, Parameter
from llmcc.training.families.vector import NotExpressible, VectorText
from llmcc.x86.registers import spelled

_C_STEP = {
    "add": "@ += a[i];",
    "xor": "@ ^= a[i];",
    "or": "@ |= a[i];",
    "and": "@ &= a[i];",
    "mul": "@ *= a[i];",
    "min": "if (a[i] < @) @ = a[i];",
    "max": "if (a[i] > @) @ = a[i];",
    "square": "@ += a[i] * a[i];",
}
_NEUTRAL = {"mul": 1, "and": -1}
_C_START = {"and": "-1", "mul": "1", "min": "a[0]", "max": "a[0]"}


def _only_load(region: Region, element: ElementType) -> Access:
    loads = distinct(list(region.contract.accesses))
    if len(loads) != 1 or loads[0].is_store or loads[0].stride_bytes != element.size_bytes:
        raise NotExpressible("not one input")
    return loads[0]


# -- one or more reductions of one array


def _reductions(
    operators: tuple[str, ...], element: ElementType, region: Region, isa: str
) -> Iterator[str]:
    """Yield a rewrite for each way the carried registers are the results."""
    load = _only_load(region, element)
    if len(region.contract.accumulators) != len(operators):
        raise NotExpressible("another number of results")
    for results in permutations(region.contract.accumulators):
        vector = vectors_of(region, isa, element, loads=(load,), parameters=results)
        yield _reduced(operators, results, region, vector)


def _start(vector: VectorText, place: int, operator: str) -> int:
    """Emit the lanes a reduction starts with: what changes nothing, or the result so far."""
    if operator in ("min", "max"):
        vector.broadcast_scalars([Parameter(place)])
        return vector.scalar(Parameter(place))
    if operator in _NEUTRAL:
        return vector.spread(_NEUTRAL[operator], vector.element.bits)
    return zero(vector)


def _reduced(
    operators: tuple[str, ...], results: tuple[str, ...], region: Region, vector: VectorText
) -> str:
    bits = vector.element.bits
    suffix = "q" if bits == 64 else "l"
    joins = ["add" if operator == "square" else operator for operator in operators]
    totals: list[int] = []

    def setup() -> None:
        totals.extend(_start(vector, place, operator) for place, operator in enumerate(operators))

    def body(mask: str) -> None:
        mark = vector.mark()
        value = vector.load(0, mask)
        for total, operator, join in zip(totals, operators, joins, strict=True):
            term = vector.combine("mul", value, value) if operator == "square" else value
            name, own = vector.mnemonic(join), vector.name(total)
            if mask and bits == 64 and join in ("and", "or", "xor"):
                name = f"vp{join}q"  # a mask of logic is in the width its name says
            decoration = f"{{%{mask}}}" if mask else ""
            vector.emit(name, vector.name(term), own, own + decoration)
        vector.release(mark)

    def finish() -> None:
        for total, join, result in zip(totals, joins, results, strict=True):
            mark = vector.mark()
            fold(vector, total, vector.mnemonic(join), bits=bits)
            vector.release(mark)
            if join in ("min", "max"):
                lowest_to(vector, total, result, bits=bits)
                continue
            lowest = lowest_to(vector, total, passing(region.contract), bits=bits)
            verb = "imul" if join == "mul" else join
            vector.emit(f"{verb}{suffix}", lowest, f"%{spelled(result, bits)}")

    return counted_text(
        region.contract,
        vector,
        lanes=vector.lanes,
        overlap_bytes=0,
        setup=setup,
        body=body,
        finish=finish,
    )


def _draw_reductions(rng: random.Random, family: str, choices: tuple[tuple[str, ...], ...]) -> Loop:
    element = TYPES[rng.choice(("i32", "u32", "i32", "i64", "u64"))]
    operators = rng.choice(choices)
    t = element.c_name
    names = "sr"[: len(operators)]
    starts = ", ".join(
        f"{x} = {_C_START.get(o, '0')}" for x, o in zip(names, operators, strict=True)
    )
    body = " ".join(_C_STEP[o].replace("@", x) for x, o in zip(names, operators, strict=True))
    after = "return s;" if len(names) == 1 else "o[0] = s; o[1] = r;"
    result, outputs = (t, []) if len(names) == 1 else ("void", [f"{t} *o"])
    c = c_array_function(rng, result, [f"const {t} *a", *outputs], f"{t} {starts};", body, after)
    return Loop(family, element.name, c, partial(_reductions, operators, element))


# -- the place of an extreme


def _extreme_place(is_max: bool, element: ElementType, region: Region, isa: str) -> Iterator[str]:
    contract = region.contract
    load = _only_load(region, element)
    counters = [x for x in contract.inductions if x.step == 1]
    if len(contract.accumulators) != 2 or len(counters) != 1:
        raise NotExpressible("not an extreme and its place by a counter")
    for results in permutations(contract.accumulators):
        vector = vectors_of(region, isa, element, loads=(load,), parameters=results[:1])
        yield _placed(is_max, region, vector, results[1], counters[0].register)


def _placed(is_max: bool, region: Region, vector: VectorText, place: str, counter: str) -> str:
    """A vector that holds something more extreme gives the first place of its own extreme.

    That is rare in long loops; equal elements later on are not more extreme.
    """
    contract, element = region.contract, vector.element
    bits = element.bits
    temporary = scalar_scratch(contract, 2)[1]
    best = (
        contract.accumulators[0] if contract.accumulators[0] != place else contract.accumulators[1]
    )
    join = vector.mnemonic("max" if is_max else "min")
    compare = ("" if element.is_signed else "u") + {32: "d", 64: "q"}[bits]
    hits = f"%{spelled(temporary, 32)}"

    def setup() -> None:
        vector.broadcast_scalars([Parameter(0)])

    def found(value: int, kept: int, operator: str) -> None:
        """Put the lanes of `value` that are more extreme than `kept` ("lt"), or equal, in hits."""
        if vector.is_512:
            name = f"vpcmpeq{compare[-1]}"
            if operator != "eq":
                name = f"vpcmp{'nle' if is_max else 'lt'}{compare}"
            vector.emit(name, vector.name(kept), vector.name(value), "%k2")
            vector.emit("kmovw", "%k2", hits)
            return
        if operator != "eq" and not element.is_signed:
            lanes = vector.apply(join, value, kept)
            vector.emit("vpcmpeqd", *(vector.name(x) for x in (kept, lanes, lanes)))
            vector.emit("vmovmskps", vector.name(lanes), hits)
            vector.emit("xorl", "$255", hits)
            return
        name = "vpcmpeqd" if operator == "eq" else "vpcmpgtd"
        first, second = (kept, value) if is_max else (value, kept)
        lanes = vector.new()
        vector.emit(name, vector.name(first), vector.name(second), vector.name(lanes))
        vector.emit("vmovmskps", vector.name(lanes), hits)

    def body(mask: str) -> None:
        del mask
        mark = vector.mark()
        kept = vector.scalar(Parameter(0))
        value = vector.load(0)
        found(value, kept, "lt")
        vector.emit("testl", hits, hits)
        vector.emit("je", ".LR3")
        vector.emit(
            "vmovdqa64" if vector.is_512 else "vmovdqa", vector.name(value), vector.name(kept)
        )
        fold(vector, kept, join, bits=bits)
        low = vector.name(kept, 128)
        vector.emit(f"vpbroadcast{compare[-1]}", low, vector.name(kept))
        found(value, kept, "eq")
        vector.emit("tzcntl", hits, hits)
        vector.emit("leaq", f"(%{counter},%{temporary})", f"%{place}")
        vector.lines.append(".LR3:")
        vector.release(mark)

    def finish() -> None:
        lowest_to(vector, vector.scalar(Parameter(0)), best, bits=bits)

    if not vector.is_512 and bits == 64:
        raise NotExpressible("no packed comparison")
    return counted_text(
        contract,
        vector,
        lanes=vector.lanes,
        overlap_bytes=0,
        setup=setup,
        body=body,
        finish=finish,
        is_maskable=False,
    )


def _draw_place(rng: random.Random, family: str) -> Loop:
    element = TYPES[rng.choice(("i32", "i32", "u32", "i64"))]
    is_max = family == "argmax"
    t, sign = element.c_name, ">" if is_max else "<"
    body = rng.choice(
        (
            f"if (a[i] {sign} m) {{ m = a[i]; at = i; }}",
            f"at = a[i] {sign} m ? i : at; m = a[i] {sign} m ? a[i] : m;",
        )
    )
    kind = rng.choice(("size_t", "long", "int"))
    c = c_array_function(
        rng, kind, [f"const {t} *a"], f"{kind} at = 0; {t} m = a[0];", body, "return at;"
    )
    return Loop(family, element.name, c, partial(_extreme_place, is_max, element))


FAMILIES = (
    Family(
        "two_results",
        "train",
        0.8,
        partial(
            _draw_reductions,
            family="two_results",
            choices=(("min", "max"), ("min", "max"), ("add", "xor"), ("or", "and"), ("add", "max")),
        ),
    ),
    Family(
        "sum_and_squares",
        "test",
        0.7,
        partial(_draw_reductions, family="sum_and_squares", choices=(("add", "square"),)),
    ),
    Family(
        "product", "train", 0.5, partial(_draw_reductions, family="product", choices=(("mul",),))
    ),
    Family("argmax", "train", 0.9, partial(_draw_place, family="argmax")),
    Family("argmin", "validation", 0.9, partial(_draw_place, family="argmin")),
)
