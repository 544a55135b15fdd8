"""Maps with an instruction of their own: saturating, averaging, byte-swapping, converting."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import permutations

from llmcc.regions.model import Access, Region
from llmcc.training.families.frame import broadcast_16_bytes, counted_text, passing, vectors_of
from llmcc.training.families.loop import Family, Loop
from llmcc.training.families.mapping import distinct
from llmcc.training.families.plain_c import c_array_function
from llmcc.training.families.sums import extended
from llmcc.training.families.tree import TYPES, ElementType
from llmcc.training.families.trip import address
from llmcc.training.families.vector import NotExpressible, VectorText

LETTER = {8: "b", 16: "w", 32: "d", 64: "q"}


@dataclass(frozen=True, slots=True)
class Step:
    """What a map's body works with: its inputs are `vector.memory`."""

    vector: VectorText
    store: Access
    mask: str
    prepared: tuple[int, ...]  # registers set before the loop


@dataclass(frozen=True, slots=True)
class Map:
    """How a map is made of vectors. step_bits: of a vector that one iteration takes up."""

    element: ElementType
    arrays: int
    step_bits: int
    body: Callable[[Step], None]
    prepare: Callable[[VectorText, Region], tuple[int, ...]] | None = None
    has_one_stride: bool = True
    is_maskable: bool = True


def map_rewrites(kind: Map, region: Region, isa: str) -> Iterator[str]:
    """Yield a rewrite for each order of the inputs."""
    contract = region.contract
    loads = distinct([access for access in contract.accesses if access.is_load])
    loads.sort(key=lambda access: access.disp)
    stores = [access for access in contract.accesses if access.is_store]
    if len(loads) != kind.arrays or not stores:
        raise NotExpressible("another number of inputs or outputs")
    store = min(stores, key=lambda access: access.disp)
    for order in permutations(loads):
        vector = vectors_of(region, isa, kind.element, loads=order)
        yield _text(kind, region, vector, store)


def _text(kind: Map, region: Region, vector: VectorText, store: Access) -> str:
    prepared: list[int] = []

    def setup() -> None:
        if kind.prepare is not None:
            prepared.extend(kind.prepare(vector, region))

    def body(mask: str) -> None:
        mark = vector.mark()
        kind.body(Step(vector, store, mask, tuple(prepared)))
        vector.release(mark)

    lanes = (512 if vector.is_512 else 256) // kind.step_bits
    return counted_text(
        region.contract,
        vector,
        lanes=lanes,
        overlap_bytes=lanes * kind.element.size_bytes if kind.has_one_stride else None,
        setup=setup,
        body=body,
        finish=lambda: None,
        is_maskable=kind.is_maskable,
    )


def put(step: Step, value: int, element: ElementType) -> None:
    """Store a whole vector of `element`s."""
    vector = step.vector
    name = f"vmovdqu{element.bits}" if vector.is_512 else "vmovdqu"
    decoration = f"{{%{step.mask}}}" if step.mask else ""
    vector.emit(name, vector.name(value), address(step.store) + decoration)


def _of_two(mnemonic: str, element: ElementType, step: Step) -> None:
    """One instruction of both inputs."""
    vector = step.vector
    a, b = (vector.load(array, step.mask) for array in (0, 1))
    result = vector.new()
    vector.emit(mnemonic, vector.name(b), vector.name(a), vector.name(result))
    put(step, result, element)


def absolute_difference(vector: VectorText, a: int, b: int, letter: str) -> int:
    """|a - b| of unsigned bytes or words: one of the two saturated differences is 0."""
    first, second = vector.new(), vector.new()
    vector.emit(f"vpsubus{letter}", vector.name(b), vector.name(a), vector.name(first))
    vector.emit(f"vpsubus{letter}", vector.name(a), vector.name(b), vector.name(second))
    join = "vpord" if vector.is_512 else "vpor"
    vector.emit(join, vector.name(second), vector.name(first), vector.name(first))
    return first


def _difference_body(element: ElementType, step: Step) -> None:
    vector = step.vector
    a, b = (vector.load(array, step.mask) for array in (0, 1))
    put(step, absolute_difference(vector, a, b, LETTER[element.bits]), element)


def _swap_body(element: ElementType, step: Step) -> None:
    vector = step.vector
    a = vector.load(0, step.mask)
    vector.emit("vpshufb", vector.name(step.prepared[0]), vector.name(a), vector.name(a))
    put(step, a, element)


def _swap_table(element: ElementType, vector: VectorText, region: Region) -> tuple[int, ...]:
    size = element.size_bytes
    places = [start + size - 1 - n for start in range(0, 16, size) for n in range(size)]
    low, high = (int.from_bytes(places[n : n + 8], "little") for n in (0, 8))
    return (broadcast_16_bytes(vector, low, high, passing(region.contract)),)


def _widen_body(source: ElementType, target: ElementType, step: Step) -> None:
    put(step, extended(source, 0, target.bits, step.vector, step.mask), target)


def _narrow_body(source: ElementType, target: ElementType, step: Step) -> None:
    vector = step.vector
    if not vector.is_512:
        raise NotExpressible("no instruction that cuts elements")
    value = vector.load(0, step.mask)
    decoration = f"{{%{step.mask}}}" if step.mask else ""
    name = f"vpmov{LETTER[source.bits]}{LETTER[target.bits]}"
    vector.emit(name, vector.name(value), address(step.store) + decoration)


def _every_second_body(element: ElementType, step: Step) -> None:
    vector = step.vector
    value = vector.load(0)
    if vector.is_512:
        name = f"vpmov{LETTER[element.bits * 2]}{LETTER[element.bits]}"
        vector.emit(name, vector.name(value), address(step.store))
        return
    if element.bits != 32:
        raise NotExpressible("no instruction that cuts elements")
    vector.emit("vpshufd", "$8", vector.name(value), vector.name(value))
    vector.emit("vpermq", "$8", vector.name(value), vector.name(value))
    vector.emit("vmovdqu", vector.name(value, 128), address(step.store))


def _interleave_body(element: ElementType, step: Step) -> None:
    vector = step.vector
    bits = element.bits
    a, b = (extended(TYPES[f"u{bits}"], array, bits * 2, vector) for array in (0, 1))
    name = f"vpsll{LETTER[bits * 2]}"
    vector.emit(name, f"${bits}", vector.name(b), vector.name(b))
    join = "vpord" if vector.is_512 else "vpor"
    vector.emit(join, vector.name(b), vector.name(a), vector.name(a))
    put(step, a, TYPES["u32"])


# -- what is drawn


def map_loop(
    family: str,
    kind: Map,
    rng: random.Random,
    body: str,
    *,
    target: ElementType | None = None,
    names: str | None = None,
    scalars: list[str] | None = None,
    before: str = "",
) -> Loop:
    """Write a map; `names` has a letter for each input array, by default as many as it loads."""
    t, to = kind.element.c_name, (target or kind.element).c_name
    inputs = "abc"[: kind.arrays] if names is None else names
    parameters = [f"{to} *o"] + [f"const {t} *{name}" for name in inputs]
    parameters += scalars or []
    c = c_array_function(rng, "void", parameters, before, body)
    return Loop(family, kind.element.name, c, partial(map_rewrites, kind))


def two_input(mnemonic: str, element: ElementType) -> Map:
    """One instruction of both inputs, its name without the letter of the element's width."""
    name = mnemonic + LETTER[element.bits]
    return Map(element, 2, element.bits, partial(_of_two, name, element))


def _draw_saturating(rng: random.Random, operator: str) -> Loop:
    element = TYPES[rng.choice(("u8", "u8", "u16", "i8", "i16"))]
    t, bits = element.c_name, element.bits
    sign = "+" if operator == "add" else "-"
    if element.is_signed:
        low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
        kind = two_input(f"vp{operator}s", element)
        body = f"int t = a[i] {sign} b[i]; o[i] = t > {high} ? {high} : t < {low} ? {low} : t;"
    else:
        kind = two_input(f"vp{operator}us", element)
        top = (1 << bits) - 1
        body = f"int t = a[i] + b[i]; o[i] = t > {top} ? {top} : t;"
        if operator == "sub":
            body = rng.choice(
                (
                    "o[i] = a[i] > b[i] ? a[i] - b[i] : 0;",
                    f"int t = a[i] - b[i]; o[i] = ({t})(t < 0 ? 0 : t);",
                )
            )
    return map_loop(f"saturating_{operator}", kind, rng, body)


def _draw_average(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("u8", "u8", "u16"))]
    kind = two_input("vpavg", element)
    return map_loop("average", kind, rng, "o[i] = (a[i] + b[i] + 1) >> 1;")


def _draw_difference(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("u8", "u8", "u16"))]
    kind = Map(element, 2, element.bits, partial(_difference_body, element))
    body = rng.choice(
        (
            "o[i] = a[i] > b[i] ? a[i] - b[i] : b[i] - a[i];",
            "int d = a[i] - b[i]; o[i] = d < 0 ? -d : d;",
        )
    )
    return map_loop("absolute_difference", kind, rng, body)


def _draw_swap(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("u16", "u32", "u64", "u32"))]
    kind = Map(
        element, 1, element.bits, partial(_swap_body, element), partial(_swap_table, element)
    )
    return map_loop("byte_swap", kind, rng, f"o[i] = __builtin_bswap{element.bits}(a[i]);")


_WIDER = (
    *(("u8", "u16"), ("u8", "i32"), ("u8", "u32"), ("i8", "i16"), ("i8", "i32"), ("u16", "u32")),
    *(("i16", "i32"), ("i16", "i64"), ("u32", "u64"), ("i32", "i64")),
)


def _draw_widen(rng: random.Random) -> Loop:
    source, target = (TYPES[name] for name in rng.choice(_WIDER))
    body = partial(_widen_body, source, target)
    kind = Map(source, 1, target.bits, body, has_one_stride=False)
    return map_loop("convert_wider", kind, rng, "o[i] = a[i];", target=target)


def _draw_narrow(rng: random.Random) -> Loop:
    target, source = (TYPES[name] for name in rng.choice(_WIDER))
    body = partial(_narrow_body, source, target)
    kind = Map(source, 1, source.bits, body, has_one_stride=False)
    return map_loop("convert_narrower", kind, rng, f"o[i] = ({target.c_name})a[i];", target=target)


def _draw_every_second(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("i32", "u32", "u8", "u16", "i32"))]
    body = partial(_every_second_body, element)
    kind = Map(element, 1, element.bits * 2, body, has_one_stride=False, is_maskable=False)
    offset = rng.choice(("", " + 1"))
    return map_loop("deinterleave", kind, rng, f"o[i] = a[i * 2{offset}];")


def _draw_interleave(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("u8", "u16", "i32", "u32", "i32"))]
    body = partial(_interleave_body, element)
    kind = Map(element, 2, element.bits * 2, body, has_one_stride=False, is_maskable=False)
    return map_loop("interleave", kind, rng, "o[i * 2] = a[i]; o[i * 2 + 1] = b[i];")


FAMILIES = (
    Family("saturating_add", "train", 0.8, partial(_draw_saturating, operator="add")),
    Family("saturating_sub", "train", 0.8, partial(_draw_saturating, operator="sub")),
    Family("average", "train", 0.6, _draw_average),
    Family("absolute_difference", "train", 0.7, _draw_difference),
    Family("byte_swap", "train", 0.7, _draw_swap),
    Family("convert_wider", "train", 0.9, _draw_widen),
    Family("convert_narrower", "train", 0.9, _draw_narrow),
    Family("deinterleave", "train", 0.8, _draw_every_second),
    Family("interleave", "validation", 1.0, _draw_interleave),
)
