"""Maps from one kind of number to another: saturating, to and from floats, nibbles, hex digits."""

from __future__ import annotations

import random
from functools import partial

from llmcc.regions.model import Region
from llmcc.training.families.loop import Family, Loop
from llmcc.training.families.maps import LETTER, Map, Step, map_loop, put
from llmcc.training.families.sums import extended
from llmcc.training.families.tree import TYPES, ElementType
from llmcc.training.families.trip import address
from llmcc.training.families.vector import NotExpressible, VectorText
from llmcc.training.families.weighted import put_bytes

_U8 = TYPES["u8"]


# -- saturating casts


def _saturate_body(source: ElementType, target: ElementType, step: Step) -> None:
    vector = step.vector
    is_unsigned = not target.is_signed
    value = vector.load(0, step.mask)
    if vector.is_512:
        if is_unsigned and source.is_signed:  # the unsigned cut takes its lanes as unsigned
            name = f"vpmaxs{LETTER[source.bits]}"
            vector.emit(name, vector.name(step.prepared[0]), vector.name(value), vector.name(value))
        name = f"vpmov{'us' if is_unsigned else 's'}{LETTER[source.bits]}{LETTER[target.bits]}"
        decoration = f"{{%{step.mask}}}" if step.mask else ""
        vector.emit(name, vector.name(value), address(step.store) + decoration)
        return
    own, low = vector.name(value), vector.name(value, 128)
    if not source.is_signed:  # packing takes its lanes as signed
        vector.emit("vpminuw", vector.name(step.prepared[0]), own, own)
    if source.bits == 32 and target.bits == 8:
        vector.emit("vpackssdw", own, own, own)
        vector.emit("vpermq", "$8", own, own)
        vector.emit(f"vpack{'us' if is_unsigned else 'ss'}wb", low, low, low)
        vector.emit("vmovq", low, address(step.store))
        return
    pair = "wb" if target.bits == 8 else "dw"
    vector.emit(f"vpack{'us' if is_unsigned else 'ss'}{pair}", own, own, own)
    vector.emit("vpermq", "$8", own, own)
    vector.emit("vmovdqu", low, address(step.store))


def _limit_for(
    source: ElementType, target: ElementType, vector: VectorText, region: Region
) -> tuple[int, ...]:
    del region
    if not vector.is_512 and not source.is_signed:
        return (vector.spread(255, 16),)
    if not vector.is_512 or target.is_signed or not source.is_signed:
        return ()
    number = vector.new()
    name = vector.name(number)
    vector.emit("vpxord", name, name, name)
    return (number,)


def _draw_saturate(rng: random.Random) -> Loop:
    pairs = (("i16", "u8"), ("i32", "i16"), ("i16", "i8"), ("i32", "u16"), ("i32", "u8"))
    source, target = (TYPES[name] for name in rng.choice((*pairs, ("u16", "u8"), ("i32", "i8"))))
    low, high = 0, (1 << target.bits) - 1
    if target.is_signed:
        low, high = -(1 << (target.bits - 1)), (1 << (target.bits - 1)) - 1
    forms = [
        f"int t = a[i]; o[i] = t > {high} ? {high} : t < {low} ? {low} : t;",
        f"int t = a[i]; if (t < {low}) t = {low}; if (t > {high}) t = {high}; o[i] = t;",
    ]
    if not source.is_signed:
        forms = [f"o[i] = a[i] > {high} ? {high} : a[i];"]
    kind = Map(
        source,
        1,
        source.bits,
        partial(_saturate_body, source, target),
        partial(_limit_for, source, target),
        has_one_stride=False,
    )
    return map_loop("saturating_cast", kind, rng, rng.choice(forms), target=target)


# -- to and from floats


def _to_float_body(source: ElementType, target: ElementType, step: Step) -> None:
    """Halves of vectors where the target is wider: an integer is converted to its own width."""
    vector = step.vector
    half = 256 if vector.is_512 else 128
    decoration = f"{{%{step.mask}}}{{z}}" if step.mask else ""
    if source.bits == 32:
        value = vector.new()
        part = half if target.bits == 64 else 2 * half
        name = "vmovdqu32" if vector.is_512 else "vmovdqu"
        vector.emit(name, vector.memory[0], vector.name(value, part) + decoration)
        result = vector.new()
        name = "vcvtdq2ps" if target.bits == 32 else "vcvtdq2pd"
        vector.emit(name, vector.name(value, part), vector.name(result))
    elif target.bits == 64:
        if step.mask:
            raise NotExpressible("a half of a vector under a mask")
        value = vector.new()
        name = f"vpmov{'s' if source.is_signed else 'z'}x{LETTER[source.bits]}d"
        vector.emit(name, vector.memory[0], vector.name(value, half))
        result = vector.new()
        vector.emit("vcvtdq2pd", vector.name(value, half), vector.name(result))
    else:
        value = extended(source, 0, 32, vector, step.mask)
        result = vector.apply("vcvtdq2ps", value)
    if step.prepared:
        kind = "s" if target.bits == 32 else "d"
        own = vector.name(result)
        vector.emit(f"vmulp{kind}", vector.name(step.prepared[0]), own, own + decoration)
    name = "vmovups" if target.bits == 32 else "vmovupd"
    stored = f"{{%{step.mask}}}" if step.mask else ""
    vector.emit(name, vector.name(result), address(step.store) + stored)


def _factor(target: ElementType, vector: VectorText, region: Region) -> tuple[int, ...]:
    floats = [family for family in region.contract.invariants if family.startswith("xmm")]
    if len(floats) != 1:
        raise NotExpressible("not one factor")
    number = vector.new()
    name = f"vbroadcasts{'s' if target.bits == 32 else 'd'}"
    vector.emit(name, f"%{floats[0]}", vector.name(number))
    return (number,)


def _draw_to_float(rng: random.Random, *, is_scaled: bool) -> Loop:
    source = TYPES[rng.choice(("i32", "i32", "i16", "u8", "u16", "i8"))]
    target = TYPES[rng.choice(("f32", "f32", "f64"))]
    kind = Map(
        source,
        1,
        target.bits,
        partial(_to_float_body, source, target),
        partial(_factor, target) if is_scaled else None,
        has_one_stride=False,
        is_maskable=source.bits == 32 or target.bits == 32,
    )
    family = "scale_to_float" if is_scaled else "to_float"
    body = f"o[i] = ({target.c_name})a[i]{' * k' if is_scaled else ''};"
    extra = [f"{target.c_name} k"] if is_scaled else []
    return map_loop(family, kind, rng, body, target=target, scalars=extra)


def _from_float_body(step: Step) -> None:
    vector = step.vector
    put(step, vector.apply("vcvttps2dq", vector.load(0, step.mask)), TYPES["i32"])


def _draw_from_float(rng: random.Random) -> Loop:
    kind = Map(TYPES["f32"], 1, 32, _from_float_body)
    return map_loop("from_float", kind, rng, "o[i] = (int32_t)a[i];", target=TYPES["i32"])


# -- nibbles and hex digits


def _split(step: Step, low_first: bool) -> int:
    """Each byte as two: its nibbles, in 16-bit lanes."""
    vector = step.vector
    value = extended(_U8, 0, 16, vector, step.mask)
    left, right = (4, 0) if low_first else (8, 4)
    join, meet = ("vpord", "vpandd") if vector.is_512 else ("vpor", "vpand")
    other = vector.apply("vpsllw", f"${left}", value)
    own = vector.name(value)
    if right:
        vector.emit("vpsrlw", f"${right}", own, own)
    vector.emit(join, vector.name(other), own, own)
    vector.emit(meet, vector.name(step.prepared[0]), own, own)
    return value


def _split_body(low_first: bool, step: Step) -> None:
    put(step, _split(step, low_first), TYPES["u16"])


def _hex_body(low_first: bool, step: Step) -> None:
    vector = step.vector
    value = _split(step, low_first)
    digits, nine, letters = step.prepared[1:]
    own = vector.name(value)
    if vector.is_512:
        vector.emit("vpcmpgtb", vector.name(nine), own, "%k2")
        vector.emit("vpaddb", vector.name(digits), own, own)
        vector.emit("vpaddb", vector.name(letters), own, own + "{%k2}")
    else:
        more = vector.apply("vpcmpgtb", nine, value)
        vector.emit("vpand", vector.name(letters), vector.name(more), vector.name(more))
        vector.emit("vpaddb", vector.name(digits), own, own)
        vector.emit("vpaddb", vector.name(more), own, own)
    put(step, value, TYPES["u16"])


def _bytes(values: tuple[int, ...], vector: VectorText, region: Region) -> tuple[int, ...]:
    del region
    return tuple(vector.spread(value, 8) for value in values)


def _of_nibbles(body: partial[None], values: tuple[int, ...]) -> Map:
    prepare = partial(_bytes, values)
    return Map(_U8, 1, 16, body, prepare, has_one_stride=False)


def _draw_split(rng: random.Random) -> Loop:
    low_first = rng.random() < 0.5
    first, second = ("a[i] & 15", "a[i] >> 4") if low_first else ("a[i] >> 4", "a[i] & 15")
    kind = _of_nibbles(partial(_split_body, low_first), (15,))
    body = f"o[i * 2] = {first}; o[i * 2 + 1] = {second};"
    return map_loop("nibble_split", kind, rng, body)


def _draw_hex(rng: random.Random) -> Loop:
    low_first = rng.random() < 0.3
    letter = rng.choice((65, 97))
    kind = _of_nibbles(partial(_hex_body, low_first), (15, 48, 9, letter - 10 - 48))
    first, second = ("l", "h") if low_first else ("h", "l")
    digit = f"({{0}} < 10 ? {{0}} + 48 : {{0}} + {letter - 10})"
    body = "int h = a[i] >> 4, l = a[i] & 15; "
    body += f"o[i * 2] = {digit.format(first)}; o[i * 2 + 1] = {digit.format(second)};"
    return map_loop("hex_encode", kind, rng, body)


def _join_body(low_first: bool, step: Step) -> None:
    """Two nibbles, one byte each, as one byte."""
    vector = step.vector
    value = vector.new()
    own = vector.name(value)
    decoration = f"{{%{step.mask}}}{{z}}" if step.mask else ""
    move = "vmovdqu16" if vector.is_512 else "vmovdqu"
    vector.emit(move, vector.memory[0], own + decoration)
    join = "vpord" if vector.is_512 else "vpor"
    other = vector.apply("vpsrlw", "$8", value)
    left = vector.name(other) if low_first else own
    vector.emit("vpsllw", "$4", left, left)
    vector.emit(join, vector.name(other), own, own)
    if not vector.is_512:
        vector.emit("vpand", vector.name(step.prepared[0]), own, own)
    put_bytes(step, value)


def _low_bytes(vector: VectorText, region: Region) -> tuple[int, ...]:
    del region
    return (0,) if vector.is_512 else (vector.spread(255, 16),)


def _draw_join(rng: random.Random) -> Loop:
    low_first = rng.random() < 0.5
    kind = Map(
        _U8,
        2,
        16,
        partial(_join_body, low_first),
        _low_bytes,
        has_one_stride=False,
    )
    first, second = ("", " << 4") if low_first else (" << 4", "")
    body = f"o[i] = a[i * 2]{first} | a[i * 2 + 1]{second};"
    return map_loop("nibble_join", kind, rng, body, names="a")


FAMILIES = (
    Family("saturating_cast", "train", 1.0, _draw_saturate),
    Family("to_float", "train", 0.8, partial(_draw_to_float, is_scaled=False)),
    Family("scale_to_float", "test", 0.8, partial(_draw_to_float, is_scaled=True)),
    Family("from_float", "train", 0.4, _draw_from_float),
    Family("nibble_split", "train", 0.6, _draw_split),
    Family("nibble_join", "train", 0.6, _draw_join),
    Family("hex_encode", "test", 0.7, _draw_hex),
)
