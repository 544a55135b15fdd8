"""Loops that choose: conditional sums and extremes, clamps, case changes, last places, any and all.

Their expression trees are drawn as the first families' are; sums and maps are written here.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from llmcc.regions.model import Region
from llmcc.training.families.counted import counted_rewrites
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
from llmcc.training.families.mapping import Mapping, mappings, scalar_leaves
from llmcc.training.families.plain_c import c_array_function
from llmcc.training.families.search import search_rewrites
from llmcc.training.families.spec import LoopSpec, draw_predicate
from llmcc.training.families.tree import (
    TYPES,
    Binary,
    Compare,
    Constant,
    Either,
    ElementType,
    Expression,
    Load,
    Parameter,
    Predicate,
    Range,
    c_expression,
    c_predicate,
    leaves,
)
from llmcc.training.families.trip import address
from llmcc.training.families.vector import NotExpressible, VectorText
from llmcc.x86.registers import spelled

_LOADS = ("a[i]", "b[i]")


def _scalars(
    predicate: Predicate, element: ElementType, value: Expression | None = None
) -> list[str]:
    found = leaves(predicate) + (leaves(value) if value is not None else [])
    has_parameter = any(isinstance(leaf, Parameter) for leaf in found)
    return [f"{element.c_name} k"] if has_parameter else []


@dataclass(frozen=True, slots=True)
class _Emitter:
    """Emits one kind of loop into `vector`, for one way the registers play their parts."""

    spec: LoopSpec
    region: Region
    mapping: Mapping
    vector: VectorText


def _rewrites(
    spec: LoopSpec, write: Callable[[_Emitter], str], region: Region, isa: str
) -> Iterator[str]:
    for mapping in mappings(region, spec):
        vector = vectors_of(
            region, isa, spec.element, loads=mapping.loads, parameters=mapping.parameters
        )
        yield write(_Emitter(spec, region, mapping, vector))


def _holds(emitter: _Emitter, loaded: dict[int, int], mask: str) -> tuple[int, bool]:
    """Where the predicate holds: in %k2 (AVX-512), or as lanes of a register, maybe inverted."""
    assert emitter.spec.predicate is not None
    if emitter.vector.is_512:
        emitter.vector.predicate_mask(emitter.spec.predicate, "k2", loaded=loaded, mask=mask)
        return -1, False
    return emitter.vector.predicate_vector(emitter.spec.predicate, loaded=loaded)


# -- sums of chosen elements


def _write_sum_if(emitter: _Emitter) -> str:
    vector, spec = emitter.vector, emitter.spec
    total: list[int] = []
    add = vector.mnemonic("add")

    def setup() -> None:
        vector.broadcast_scalars(scalar_leaves(spec))
        total.append(zero(vector))

    def body(mask: str) -> None:
        mark = vector.mark()
        value = vector.load(0, mask)
        found, is_inverted = _holds(emitter, {0: value}, mask)
        own = vector.name(total[0])
        if vector.is_512:
            vector.emit(add, vector.name(value), own, own + "{%k2}")
        else:
            chosen = vector.name(vector.new())
            keep = "vpandn" if is_inverted else "vpand"
            vector.emit(keep, vector.name(value), vector.name(found), chosen)
            vector.emit(add, chosen, own, own)
        vector.release(mark)

    def finish() -> None:
        assert emitter.mapping.accumulator is not None
        bits = spec.element.bits
        fold(vector, total[0], add, bits=bits)
        lowest = lowest_to(vector, total[0], passing(emitter.region.contract), bits=bits)
        own = spelled(emitter.mapping.accumulator, bits)
        vector.emit(f"add{'q' if bits == 64 else 'l'}", lowest, f"%{own}")

    return _counted(emitter, setup, body, finish)


def _counted(
    emitter: _Emitter,
    setup: Callable[[], None],
    body: Callable[[str], None],
    finish: Callable[[], None],
) -> str:
    lanes = emitter.vector.lanes
    return counted_text(
        emitter.region.contract,
        emitter.vector,
        lanes=lanes,
        overlap_bytes=lanes * emitter.spec.element.size_bytes,
        setup=setup,
        body=body,
        finish=finish,
    )


def _draw_sum_if(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("i32", "u32", "i64", "i32"))]
    predicate = draw_predicate(rng, element)
    spec = LoopSpec("reduce", element, None, predicate, "add", element.bits)
    t = element.c_name
    c = c_array_function(
        rng,
        t,
        [f"const {t} *a", *_scalars(predicate, element)],
        f"{t} s = 0;",
        f"if ({c_predicate(predicate, element, _LOADS)}) s += a[i];",
        "return s;",
    )
    return Loop("sum_if", element.name, c, partial(_rewrites, spec, _write_sum_if))


# -- the last place


def _write_last(emitter: _Emitter) -> str:
    """The last element that matches: the highest bit of the last block's mask that is not empty."""
    vector, spec = emitter.vector, emitter.spec
    contract = emitter.region.contract
    counters = [x for x in contract.inductions if x.step == 1]
    if len(counters) != 1 or emitter.mapping.accumulator is None:
        raise NotExpressible("no counter whose value is kept")
    counter, kept = counters[0].register, emitter.mapping.accumulator
    temporary = scalar_scratch(contract, 2)[1]
    size = spec.element.size_bytes

    def setup() -> None:
        vector.broadcast_scalars(scalar_leaves(spec))

    def body(mask: str) -> None:
        mark = vector.mark()
        label = ".LR4" if mask else ".LR3"
        found, is_inverted = _holds(emitter, {0: vector.load(0, mask)}, mask)
        hits, places = f"%{spelled(temporary, 64)}", f"%{spelled(temporary, 32)}"
        if vector.is_512:
            vector.emit("kmovq", "%k2", hits)
            vector.emit("testq", hits, hits)
        else:
            vector.emit("vpmovmskb", vector.name(found), places)
            if is_inverted:
                vector.emit("notl", places)
            vector.emit("testl", places, places)
        vector.emit("je", label)
        if vector.is_512:
            vector.emit("lzcntq", hits, hits)
            vector.emit("xorl", "$63", places)
        else:
            vector.emit("lzcntl", places, places)
            vector.emit("xorl", "$31", places)
            if size > 1:
                vector.emit("shrl", f"${size.bit_length() - 1}", places)
        vector.emit("leaq", f"(%{counter},{hits})", f"%{kept}")
        vector.lines.append(f"{label}:")
        vector.release(mark)

    return _counted(emitter, setup, body, lambda: None)


def _draw_last(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("i32", "u32", "u8", "i64", "u16", "u8"))]
    predicate = draw_predicate(rng, element)
    spec = LoopSpec("count", element, None, predicate, "", 64)
    t = element.c_name
    c = c_array_function(
        rng,
        "long",
        [f"const {t} *a", *_scalars(predicate, element)],
        "long last = -1;",
        f"if ({c_predicate(predicate, element, _LOADS)}) last = i;",
        "return last;",
    )
    return Loop("last_index", element.name, c, partial(_rewrites, spec, _write_last))


# -- maps that choose


def _write_select(emitter: _Emitter) -> str:
    vector, spec, store = emitter.vector, emitter.spec, emitter.mapping.store
    assert spec.expression is not None
    expression = spec.expression
    if store is None:
        raise NotExpressible("nothing is stored")
    letter = {8: "b", 16: "w", 32: "d", 64: "q"}[spec.element.bits]

    def setup() -> None:
        vector.broadcast_scalars(scalar_leaves(spec))

    def body(mask: str) -> None:
        mark = vector.mark()
        element = vector.load(0, mask)
        found, is_inverted = _holds(emitter, {0: element}, mask)
        value = vector.name(vector.value(expression, loaded={0: element}))
        own = vector.name(element)
        result = vector.name(vector.new())
        if vector.is_512:
            vector.emit(f"vpblendm{letter}", value, own, result + "{%k2}")
        else:
            pair = (own, value) if is_inverted else (value, own)
            vector.emit("vpblendvb", vector.name(found), *pair, result)
        decoration = f"{{%{mask}}}" if mask else ""
        vector.emit(vector.move_mnemonic(), result, address(store) + decoration)
        vector.release(mark)

    return _counted(emitter, setup, body, lambda: None)


def _select(
    rng: random.Random, family: str, element: ElementType, predicate: Predicate, value: Expression
) -> Loop:
    spec = LoopSpec("map", element, value, predicate)
    t = element.c_name
    test = c_predicate(predicate, element, _LOADS)
    chosen = c_expression(value, element, _LOADS)
    is_in_place = rng.random() < 0.3
    out = "a" if is_in_place else "o"
    parameters = [f"{t} *a"] if is_in_place else [f"const {t} *a", f"{t} *o"]
    c = c_array_function(
        rng,
        "void",
        [*parameters, *_scalars(predicate, element, value)],
        "",
        f"{out}[i] = {test} ? {chosen} : a[i];",
    )
    return Loop(family, element.name, c, partial(_rewrites, spec, _write_select))


def _draw_case(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("u8", "u8", "i8", "u16"))]
    low = rng.choice((65, 97, 65, 97, 48))
    flip = Binary(rng.choice(("xor", "add", "or")), Load(0), Constant(32))
    if low == 97:
        flip = Binary(rng.choice(("xor", "sub")), Load(0), Constant(32))
    return _select(
        rng, "case_map", element, Range(Load(0), low, low + rng.choice((25, 9, 5))), flip
    )


def _draw_replace(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("u8", "u8", "i8", "u16", "i32"))]
    old, new, other = rng.sample(range(1, 120), 3)
    predicate: Predicate = Compare("eq", Load(0), Constant(old))
    if rng.random() < 0.3:
        predicate = Either(predicate, Compare("eq", Load(0), Constant(other)))
    # Gcc keeps the new value in a register, whether it is a constant or not: it is a parameter.
    loop = _select(rng, "replace", element, predicate, Parameter(0))
    return loop if rng.random() < 0.5 else replace(loop, c=loop.c.replace("? k :", f"? {new} :"))


def _draw_clamp(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("u8", "i16", "i32", "u16", "i32", "i8"))]
    low = rng.randint(1, 60)
    value = Binary("max", Binary("min", Load(0), Constant(low + rng.randint(2, 60))), Constant(low))
    spec = LoopSpec("map", element, value)
    t = element.c_name
    inner = c_expression(value, element, _LOADS)
    c = c_array_function(rng, "void", [f"const {t} *a", f"{t} *o"], "", f"o[i] = {inner};")
    return Loop("clamp", element.name, c, partial(_counted_rewrites, spec))


def _draw_largest_difference(rng: random.Random) -> Loop:
    """The largest |a[i] - b[i]| of bytes or words, made as max - min."""
    element = TYPES[rng.choice(("u8", "u16", "u8", "u32"))]
    a, b = Load(0), Load(1)
    value = Binary("sub", Binary("max", a, b), Binary("min", a, b))
    spec = LoopSpec("reduce", element, value, None, "max", element.bits)
    t = element.c_name
    c = c_array_function(
        rng,
        t,
        [f"const {t} *a", f"const {t} *b"],
        f"{t} s = 0;",
        f"{t} d = a[i] > b[i] ? a[i] - b[i] : b[i] - a[i]; if (d > s) s = d;",
        "return s;",
    )
    return Loop("max_absolute_difference", element.name, c, partial(_counted_rewrites, spec))


def _counted_rewrites(spec: LoopSpec, region: Region, isa: str) -> Iterator[str]:
    return counted_rewrites(region, spec, isa)


# -- any, all, and bytes of text


def _search_rewrites(spec: LoopSpec, region: Region, isa: str) -> Iterator[str]:
    return search_rewrites(region, spec, isa)


def _ends(rng: random.Random, family: str, element: ElementType, predicate: Predicate) -> Loop:
    """A loop that ends where the predicate holds, with an answer but no place."""
    found, not_found = (1, 0) if family == "any_of" else (0, 1)
    t = element.c_name
    c = c_array_function(
        rng,
        "int",
        [f"const {t} *a", *_scalars(predicate, element)],
        "",
        f"if ({c_predicate(predicate, element, _LOADS)}) return {found};",
        f"return {not_found};",
    )
    spec = LoopSpec("find", element, None, predicate)
    return Loop(family, element.name, c, partial(_search_rewrites, spec))


def _draw_any(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("u8", "i32", "u16", "i64", "u8", "u32"))]
    return _ends(rng, "any_of", element, draw_predicate(rng, element))


def _draw_all(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("u8", "i32", "u16", "i64", "u8", "u32"))]
    return _ends(rng, "all_of", element, draw_predicate(rng, element))


def _draw_is_ascii(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("u8", "i8"))]
    predicate = Compare("gt", Load(0), Constant(127))
    if element.is_signed:
        predicate = Compare("lt", Load(0), Constant(0))
    return _ends(rng, "is_ascii", element, predicate)


def _draw_utf8(rng: random.Random) -> Loop:
    """Count bytes that go on with (or begin) a character."""
    element = TYPES["u8"]
    operator = rng.choice(("eq", "ne"))
    mask, value = rng.choice(((0xC0, 0x80), (0xC0, 0x80), (0xE0, 0xC0), (0xF0, 0xE0)))
    predicate = Compare(operator, Binary("and", Load(0), Constant(mask)), Constant(value))
    bits = rng.choice((32, 64))
    spec = LoopSpec("count", element, None, predicate, "", bits)
    result = "size_t" if bits == 64 else "int"
    test = c_predicate(predicate, element, _LOADS)
    c = c_array_function(
        rng, result, ["const uint8_t *a"], f"{result} s = 0;", f"if ({test}) s++;", "return s;"
    )
    return Loop("utf8_count", element.name, c, partial(_counted_rewrites, spec))


FAMILIES = (
    Family("sum_if", "test", 1.2, _draw_sum_if),
    Family("last_index", "test", 1.0, _draw_last),
    Family("case_map", "train", 0.8, _draw_case),
    Family("replace", "train", 0.8, _draw_replace),
    Family("clamp", "validation", 1.0, _draw_clamp),
    Family("max_absolute_difference", "test", 1.0, _draw_largest_difference),
    Family("any_of", "train", 0.8, _draw_any),
    Family("all_of", "validation", 1.0, _draw_all),
    Family("is_ascii", "train", 0.2, _draw_is_ascii),
    Family("utf8_count", "train", 0.6, _draw_utf8),
)
