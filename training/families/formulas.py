"""Formulas over arrays that expression trees hold: scaled sums, fixed-point scaling, neighbours."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial

from llmcc.regions.model import Region
from llmcc.training.families.counted import counted_rewrites
from llmcc.training.families.loop import Family, Loop
from llmcc.training.families.maps import Map, Step, map_loop, put
from llmcc.training.families.plain_c import c_array_function
from llmcc.training.families.search import search_rewrites
from llmcc.training.families.spec import LoopSpec
from llmcc.training.families.tree import (
    TYPES,
    Binary,
    Compare,
    Constant,
    ElementType,
    Expression,
    Load,
    Parameter,
    Shift,
    c_expression,
)

_LOADS = ("a[i]", "b[i]")


def counted(spec: LoopSpec, region: Region, isa: str) -> Iterator[str]:
    """Yield the counted templates' rewrites."""
    return counted_rewrites(region, spec, isa)


def _map(
    rng: random.Random,
    family: str,
    element: ElementType,
    value: Expression,
    *,
    loads: tuple[str, ...] = _LOADS,
    parameters: tuple[str, ...] = (),
) -> Loop:
    t = element.c_name
    names = [f"const {t} *{x}" for x in "ab" if any(text.startswith(x) for text in loads)]
    body = f"o[i] = {c_expression(value, element, loads)};"
    c = c_array_function(
        rng, "void", [f"{t} *o", *names, *(f"{t} {p}" for p in parameters)], "", body
    )
    return Loop(family, element.name, c, partial(counted, LoopSpec("map", element, value)))


def _draw_scaled_sum(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("i32", "f32", "f64", "i16", "f32"))]
    operator = rng.choice(("add", "add", "sub"))
    value = Binary(operator, Binary("mul", Load(0), Parameter(0)), Load(1))
    return _map(rng, "scaled_sum", element, value, parameters=("k",))


def _draw_fixed_point(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("i32", "u32", "i32"))]
    shift = rng.randint(2, 16)
    product = Binary("mul", Load(0), Parameter(0))
    value = Shift("shr", Binary("add", product, Constant(1 << (shift - 1))), shift)
    return _map(rng, "fixed_point_scale", element, value, parameters=("k",))


def _draw_clamped(rng: random.Random) -> Loop:
    """A difference between two limits."""
    element = TYPES[rng.choice(("i32", "i16", "i32", "i8"))]
    low = -rng.randint(1, 60)
    difference = Binary("sub", Load(0), Load(1))
    value = Binary("max", Binary("min", difference, Constant(rng.randint(1, 60))), Constant(low))
    return _map(rng, "clamped_difference", element, value)


def _draw_adjacent(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("i32", "i16", "u8", "f32", "i64", "f64", "i32"))]
    value = Binary(rng.choice(("sub", "sub", "add", "xor")), Load(0), Load(1))
    if element.is_float:
        value = Binary(rng.choice(("sub", "add")), Load(0), Load(1))
    first, second = rng.choice((("a[i + 1]", "a[i]"), ("a[i]", "a[i + 1]"), ("a[i + 2]", "a[i]")))
    return _map(rng, "adjacent_difference", element, value, loads=(first, second))


# -- sums of products


def _draw_covariance(rng: random.Random) -> Loop:
    """The sum of products of two distances from a mean."""
    element = TYPES[rng.choice(("i32", "u32"))]
    one, two = Binary("sub", Load(0), Parameter(0)), Binary("sub", Load(1), Parameter(1))
    value: Expression = Binary("mul", one, two)
    parameters = ["k", "m"]
    if rng.random() < 0.4:
        value = Binary("mul", Binary("sub", Load(0), Load(1)), Binary("add", Load(0), Load(1)))
        parameters = []
    t = element.c_name
    spec = LoopSpec("reduce", element, value, None, "add", 32)
    c = c_array_function(
        rng,
        t,
        [f"const {t} *a", f"const {t} *b", *(f"{t} {p}" for p in parameters)],
        f"{t} s = 0;",
        f"s += {c_expression(value, element, _LOADS)};",
        "return s;",
    )
    return Loop("product_of_differences", element.name, c, partial(counted, spec))


# -- neighbours


def _neighbours_body(element: ElementType, weights: tuple[int, ...], step: Step) -> None:
    """Weights are 1, -1 and -2; a first one of -1 is taken off at the end."""
    vector = step.vector
    letter = {8: "b", 16: "w", 32: "d", 64: "q"}[element.bits]
    total = -1
    for array, weight in sorted(enumerate(weights), key=lambda pair: -pair[1]):
        value = vector.load(array, step.mask)
        if total < 0:
            total = value
            continue
        own, kept = vector.name(value), vector.name(total)
        if weight in (-2, 2):
            vector.emit(f"vpadd{letter}", own, own, own)
        vector.emit(f"vp{'sub' if weight < 0 else 'add'}{letter}", own, kept, kept)
    put(step, total, element)


def _draw_neighbours(rng: random.Random, family: str) -> Loop:
    element = TYPES[rng.choice(("i32", "u16", "u8", "i64", "i32"))]
    weights = rng.choice(((1, 1, 1), (1, 1, 1), (1, 1, -1)))
    if family == "second_difference":
        weights = (1, 1, -2)
    places = ("a[i]", "a[i + 2]", "a[i + 1]")
    text = " ".join(
        f"{'-' if w < 0 else '+'} {'2 * ' if abs(w) == 2 else ''}{x}"
        for w, x in zip(weights, places, strict=True)
    )
    kind = Map(element, 3, element.bits, partial(_neighbours_body, element, weights))
    return map_loop(family, kind, rng, f"o[i] = {text.removeprefix('+ ')};", names="a")


# -- equality of arrays


def _search(spec: LoopSpec, region: Region, isa: str) -> Iterator[str]:
    return search_rewrites(region, spec, isa)


def _draw_equal(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("u8", "i32", "u16", "i64", "u8"))]
    operator, symbol = rng.choice((("ne", "!="), ("ne", "!="), ("eq", "==")))
    found, not_found = rng.choice(((0, 1), (1, 0), (-1, 0)))
    t = element.c_name
    c = c_array_function(
        rng,
        "int",
        [f"const {t} *a", f"const {t} *b"],
        "",
        f"if (a[i] {symbol} b[i]) return {found};",
        f"return {not_found};",
    )
    spec = LoopSpec("mismatch", element, None, Compare(operator, Load(0), Load(1)))
    return Loop("arrays_equal", element.name, c, partial(_search, spec))


FAMILIES = (
    Family("scaled_sum", "train", 0.8, _draw_scaled_sum),
    Family("fixed_point_scale", "train", 0.7, _draw_fixed_point),
    Family("clamped_difference", "test", 0.8, _draw_clamped),
    Family("adjacent_difference", "train", 0.8, _draw_adjacent),
    Family("product_of_differences", "train", 0.7, _draw_covariance),
    Family("neighbour_sum", "train", 0.8, partial(_draw_neighbours, family="neighbour_sum")),
    Family(
        "second_difference",
        "validation",
        0.8,
        partial(_draw_neighbours, family="second_difference"),
    ),
    Family("arrays_equal", "train", 0.6, _draw_equal),
)
