"""Sums wider than their elements: extended, of products, of differences, strided, conditional.

Integer sums only: a float sum keeps its order, so there is nothing to gain.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import permutations

from llmcc.regions.model import Region
from llmcc.training.families.frame import counted_text, fold, lowest_to, passing, vectors_of, zero
from llmcc.training.families.loop import Family, Loop
from llmcc.training.families.mapping import distinct
from llmcc.training.families.plain_c import c_array_function
from llmcc.training.families.tree import TYPES, ElementType
from llmcc.training.families.vector import NotExpressible, VectorText
from llmcc.x86.registers import spelled

_LETTER = {8: "b", 16: "w", 32: "d", 64: "q"}


@dataclass(frozen=True, slots=True)
class Sum:
    """How a sum is made of vectors.

    lane_bits: of the lanes that are added up. step_bits: bits of a vector that one iteration takes
    up where it is widest.
    """

    element: ElementType
    arrays: int
    total_bits: int
    lane_bits: int
    step_bits: int
    values: Callable[[VectorText, str], int]
    """Emit one step; gives the register to be added."""
    prepare: Callable[[VectorText], None] | None = None
    stride: int = 1


def sum_rewrites(kind: Sum, region: Region, isa: str) -> Iterator[str]:
    """Yield a rewrite for each order of the inputs."""
    contract = region.contract
    loads = distinct([access for access in contract.accesses if access.is_load])
    stride = kind.element.size_bytes * kind.stride
    if len(loads) != kind.arrays or len(contract.accumulators) != 1:
        raise NotExpressible("another number of inputs or sums")
    if any(x.is_store or x.is_conditional or x.stride_bytes != stride for x in contract.accesses):
        raise NotExpressible("other accesses than the sum's")
    for order in permutations(loads):
        vector = vectors_of(region, isa, kind.element, loads=order)
        yield _text(kind, region, vector)


def _text(kind: Sum, region: Region, vector: VectorText) -> str:
    total: list[int] = []
    add = f"vpadd{_LETTER[kind.lane_bits]}"

    def setup() -> None:
        total.append(zero(vector))
        if kind.prepare is not None:
            kind.prepare(vector)

    def body(mask: str) -> None:
        mark = vector.mark()
        name = vector.name(total[0])
        vector.emit(add, vector.name(kind.values(vector, mask)), name, name)
        vector.release(mark)

    def finish() -> None:
        fold(vector, total[0], add, bits=kind.lane_bits * kind.stride)
        temporary = passing(region.contract)
        lowest = lowest_to(vector, total[0], temporary, bits=kind.total_bits)
        suffix = "q" if kind.total_bits == 64 else "l"
        target = spelled(region.contract.accumulators[0], kind.total_bits)
        vector.emit(f"add{suffix}", lowest, f"%{target}")

    return counted_text(
        region.contract,
        vector,
        lanes=(512 if vector.is_512 else 256) // kind.step_bits,
        overlap_bytes=0,
        setup=setup,
        body=body,
        finish=finish,
        is_maskable=kind.stride == 1,
    )


# -- one step of each sort


def extended(
    element: ElementType, array: int, to_bits: int, vector: VectorText, mask: str = ""
) -> int:
    """Load one array with every element extended to `to_bits`."""
    if element.bits == to_bits:
        return vector.load(array, mask)
    number = vector.new()
    decoration = f"{{%{mask}}}{{z}}" if mask else ""
    name = f"vpmov{'s' if element.is_signed else 'z'}x{_LETTER[element.bits]}{_LETTER[to_bits]}"
    vector.emit(name, vector.memory[array], vector.name(number) + decoration)
    return number


def _binary(vector: VectorText, mnemonic: str, a: int, b: int) -> int:
    """Emit a mnemonic b."""
    result = vector.new()
    vector.emit(mnemonic, vector.name(b), vector.name(a), vector.name(result))
    return result


def _magnitude(vector: VectorText, a: int, bits: int) -> int:
    result = vector.new()
    vector.emit(f"vpabs{_LETTER[bits]}", vector.name(a), vector.name(result))
    return result


def _wide_step(element: ElementType, bits: int, vector: VectorText, mask: str) -> int:
    return extended(element, 0, bits, vector, mask)


def _absolute_step(element: ElementType, bits: int, vector: VectorText, mask: str) -> int:
    return _magnitude(vector, extended(element, 0, bits, vector, mask), bits)


def _product_step(
    element: ElementType, bits: int, second: int, vector: VectorText, mask: str
) -> int:
    """Products of 8 and 16 bits are added in pairs; wider ones are made in the lanes of the sum."""
    width = 16 if element.bits <= 16 and element.name != "u16" else bits
    a = extended(element, 0, width, vector, mask)
    b = extended(element, second, width, vector, mask) if second else a
    return _binary(vector, _multiply(element, width), a, b)


def _multiply(element: ElementType, width: int) -> str:
    if width == 64:
        return "vpmuldq" if element.is_signed else "vpmuludq"
    return "vpmaddwd" if width == 16 else "vpmulld"


def _distance_step(element: ElementType, bits: int, vector: VectorText, mask: str) -> int:
    if element.name == "u8":
        a, b = vector.load(0, mask), vector.load(1, mask)
        return _binary(vector, "vpsadbw", a, b)
    a, b = (extended(element, array, bits, vector, mask) for array in (0, 1))
    difference = _binary(vector, f"vpsub{_LETTER[bits]}", a, b)
    return _magnitude(vector, difference, bits)


def _square_step(element: ElementType, vector: VectorText, mask: str) -> int:
    width = 2 * element.bits
    a, b = (extended(element, array, width, vector, mask) for array in (0, 1))
    difference = _binary(vector, f"vpsub{_LETTER[width]}", a, b)
    return _binary(vector, "vpmaddwd" if width == 16 else "vpmulld", difference, difference)


def _plain_step(vector: VectorText, mask: str) -> int:
    return vector.load(0, mask)


# -- what is drawn


def _loop(
    family: str, kind: Sum, rng: random.Random, value: str, *, index: str = "i", before: str = ""
) -> Loop:
    t = kind.element.c_name
    sign = "" if kind.element.is_signed else "u"
    result = f"{sign}int{kind.total_bits}_t"
    value = value.replace("A", f"a[{index}]").replace("B", "b[i]").replace("R", result)
    parameters = [f"const {t} *a"] + [f"const {t} *b"] * (kind.arrays == 2)
    c = c_array_function(
        rng, result, parameters, f"{result} s = 0;", f"{before}s += {value};", "return s;"
    )
    return Loop(family, kind.element.name, c, partial(sum_rewrites, kind))


def wide_sum(element: ElementType, bits: int) -> Sum:
    """The sum of elements in lanes of `bits` bits, which are wider than they are."""
    return Sum(element, 1, bits, bits, bits, partial(_wide_step, element, bits))


def _draw_wide(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("i8", "u16", "i16", "i32", "u32", "i8", "i16"))]
    bits = 64 if element.bits == 32 else rng.choice((32, 32, 64))
    return _loop("sum_wide", wide_sum(element, bits), rng, "A")


def _draw_absolute(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("i8", "i16", "i32"))]
    kind = Sum(element, 1, 32, 32, 32, partial(_absolute_step, element, 32))
    return _loop("sum_absolute", kind, rng, "A < 0 ? -A : A")


def _products(rng: random.Random, family: str, second: int) -> Loop:
    element = TYPES[rng.choice(("i16", "u8", "i8", "i32", "u32", "i16", "u16"))]
    bits = 64 if element.bits == 32 else 32
    step = 16 if element.bits <= 16 and element.name != "u16" else bits
    values = partial(_product_step, element, bits, second)
    kind = Sum(element, 1 + second, bits, bits, step, values)
    return _loop(family, kind, rng, f"(R)A * {'B' if second else 'A'}")


def _draw_dot(rng: random.Random) -> Loop:
    return _products(rng, "dot_product", 1)


def _draw_squares(rng: random.Random) -> Loop:
    return _products(rng, "sum_squares", 0)


def _draw_distance(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("u8", "u8", "i8", "i16", "u16"))]
    bits = rng.choice((32, 64)) if element.name == "u8" else 32
    lane, step = (64, 8) if element.name == "u8" else (32, 32)
    kind = Sum(element, 2, bits, lane, step, partial(_distance_step, element, 32))
    value = rng.choice(("A > B ? A - B : B - A", "A - B < 0 ? -(A - B) : A - B"))
    return _loop("sum_absolute_difference", kind, rng, value)


def _draw_squared_distance(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("u8", "i8", "i16", "u8"))]
    kind = Sum(element, 2, 32, 32, 2 * element.bits, partial(_square_step, element))
    return _loop("squared_distance", kind, rng, "d * d", before="int d = a[i] - b[i]; ")


def _draw_strided(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("i32", "u32", "i64", "u64", "i32"))]
    stride = rng.choice((2, 2, 4))
    kind = Sum(
        element, 1, element.bits, element.bits, element.bits * stride, _plain_step, stride=stride
    )
    offset = rng.randrange(stride)
    return _loop(
        "strided_sum", kind, rng, "A", index=f"i * {stride}{f' + {offset}' * bool(offset)}"
    )


FAMILIES = (
    Family("sum_wide", "train", 1.2, _draw_wide),
    Family("sum_absolute", "train", 0.8, _draw_absolute),
    Family("dot_product", "train", 1.2, _draw_dot),
    Family("sum_squares", "train", 0.8, _draw_squares),
    Family("sum_absolute_difference", "train", 1.0, _draw_distance),
    Family("squared_distance", "test", 1.0, _draw_squared_distance),
    Family("strided_sum", "train", 1.2, _draw_strided),
)
