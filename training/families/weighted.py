"""Weighted sums of bytes cut back to bytes, and fixed-point products: pictures and sound."""

from __future__ import annotations

import random
from functools import partial

from llmcc.regions.model import Region
from llmcc.training.families.loop import Family, Loop
from llmcc.training.families.maps import Map, Step, map_loop, put, two_input
from llmcc.training.families.sums import extended
from llmcc.training.families.tree import TYPES
from llmcc.training.families.trip import address
from llmcc.training.families.vector import VectorText

_U8 = TYPES["u8"]


def put_bytes(step: Step, value: int) -> None:
    """Store 16-bit lanes that hold at most 255 as bytes."""
    vector = step.vector
    if vector.is_512:
        decoration = f"{{%{step.mask}}}" if step.mask else ""
        vector.emit("vpmovwb", vector.name(value), address(step.store) + decoration)
        return
    own = vector.name(value)
    vector.emit("vpackuswb", own, own, own)
    vector.emit("vpermq", "$8", own, own)
    vector.emit("vmovdqu", vector.name(value, 128), address(step.store))


def _constants(values: tuple[int, ...], vector: VectorText, region: Region) -> tuple[int, ...]:
    del region
    return tuple(vector.spread(value, 16) for value in values)


def _weighted_body(weights: tuple[int, ...], has_half: bool, shift: int, step: Step) -> None:
    vector = step.vector
    prepared = list(step.prepared)
    total = -1
    for array, weight in enumerate(weights):
        value = extended(_U8, array, 16, vector, step.mask)
        own = vector.name(value)
        if weight != 1:
            vector.emit("vpmullw", vector.name(prepared.pop(0)), own, own)
        if total < 0:
            total = value
        else:
            vector.emit("vpaddw", own, vector.name(total), vector.name(total))
    own = vector.name(total)
    if has_half:
        vector.emit("vpaddw", vector.name(prepared.pop(0)), own, own)
    vector.emit("vpsrlw", f"${shift}", own, own)
    put_bytes(step, total)


def _weighted(weights: tuple[int, ...], half: int, shift: int) -> Map:
    """(sum of weight * input + half) >> shift, which fits 16 bits before the shift."""
    constants = [weight for weight in weights if weight != 1] + [half] * bool(half)
    return Map(
        _U8,
        len(weights),
        16,
        partial(_weighted_body, weights, bool(half), shift),
        partial(_constants, tuple(constants)),
    )


def _draw_blend(rng: random.Random) -> Loop:
    shift = rng.choice((8, 8, 7, 6, 4))
    first = rng.randint(2, (1 << shift) - 2)
    second = (1 << shift) - first
    half = rng.choice((0, 1 << (shift - 1)))
    rounding = f" + {half}" if half else ""
    kind = _weighted((first, second), half, shift)
    body = f"o[i] = (a[i] * {first} + b[i] * {second}{rounding}) >> {shift};"
    return map_loop("alpha_blend", kind, rng, body)


def _draw_grey(rng: random.Random) -> Loop:
    weights = rng.choice(((77, 150, 29), (54, 183, 19), (76, 151, 29), (66, 129, 25), (85, 86, 85)))
    half = rng.choice((0, 128))
    value = " + ".join(f"{w} * {x}[i]" for w, x in zip(weights, "abc", strict=True))
    body = f"o[i] = ({value}{f' + {half}' if half else ''}) >> 8;"
    return map_loop("rgb_to_grey", _weighted(weights, half, 8), rng, body)


def _draw_smooth(rng: random.Random) -> Loop:
    """Neighbours of one row."""
    weights, shift = rng.choice((((1, 2, 1), 2), ((1, 6, 1), 3), ((3, 10, 3), 4), ((5, 22, 5), 5)))
    half = rng.choice((0, 1 << (shift - 1)))
    first = rng.choice((-1, 0))
    places = ("i - 1", "i", "i + 1") if first else ("i", "i + 1", "i + 2")
    value = " + ".join(f"{w} * a[{x}]" for w, x in zip(weights, places, strict=True))
    start = "a++; o++; " if first else ""
    kind = _weighted(weights, half, shift)
    body = f"o[i] = ({value}{f' + {half}' if half else ''}) >> {shift};"
    return map_loop("smooth_bytes", kind, rng, body, names="a", before=start)


def _q15_body(step: Step) -> None:
    """(p + 2^14) >> 15 of the product's two halves: vpmulhrsw is not among llmcc's instructions."""
    vector = step.vector
    a, b = (vector.load(array, step.mask) for array in (0, 1))
    high, low = vector.apply("vpmulhw", b, a), vector.apply("vpmullw", b, a)
    names = [vector.name(number) for number in (high, low, a)]
    vector.emit("vpsrlw", "$14", names[1], names[1])
    vector.emit("vpaddw", names[0], names[0], names[0])
    # Of the two bits on top of the low half, one is the result's lowest and one rounds it.
    vector.emit("vpsrlw", "$1", names[1], names[2])
    vector.emit(
        "vpandd" if vector.is_512 else "vpand", vector.name(step.prepared[0]), names[1], names[1]
    )
    vector.emit("vpaddw", names[1], names[0], names[0])
    vector.emit("vpaddw", names[2], names[0], names[0])
    put(step, high, TYPES["i16"])


def _draw_q15(rng: random.Random) -> Loop:
    kind = Map(TYPES["i16"], 2, 16, _q15_body, partial(_constants, (1,)))
    body = rng.choice(
        ("o[i] = (a[i] * b[i] + 0x4000) >> 15;", "int p = a[i] * b[i]; o[i] = (p + 16384) >> 15;")
    )
    return map_loop("q15_product", kind, rng, body)


def _draw_high(rng: random.Random) -> Loop:
    if rng.random() < 0.5:
        kind = two_input("vpmulh", TYPES["i16"])
        return map_loop("high_product", kind, rng, "o[i] = (a[i] * b[i]) >> 16;")
    kind = two_input("vpmulhu", TYPES["u16"])
    return map_loop("high_product", kind, rng, "o[i] = ((uint32_t)a[i] * b[i]) >> 16;")


FAMILIES = (
    Family("alpha_blend", "train", 0.8, _draw_blend),
    Family("rgb_to_grey", "train", 0.7, _draw_grey),
    Family("smooth_bytes", "test", 0.8, _draw_smooth),
    Family("q15_product", "train", 0.5, _draw_q15),
    Family("high_product", "train", 0.5, _draw_high),
)
