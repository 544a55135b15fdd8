"""Maps whose idiom is in the lanes: rotations, signs, counters, masks, swaps, repeating keys."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial

from llmcc.regions.model import Region
from llmcc.training.families.frame import counted_text, scalar_scratch, vectors_of, zero
from llmcc.training.families.loop import Family, Loop
from llmcc.training.families.mapping import distinct
from llmcc.training.families.maps import LETTER, Map, Step, map_loop, map_rewrites, put
from llmcc.training.families.plain_c import c_array_function
from llmcc.training.families.tree import TYPES, ElementType
from llmcc.training.families.trip import address
from llmcc.training.families.vector import NotExpressible, VectorText
from llmcc.x86.registers import spelled

# -- one input


def _rotate_body(element: ElementType, count: int, step: Step) -> None:
    vector, letter = step.vector, LETTER[element.bits]
    value = vector.load(0, step.mask)
    if vector.is_512:
        put(step, vector.apply(f"vprol{letter}", f"${count}", value), element)
        return
    left = vector.apply(f"vpsll{letter}", f"${count}", value)
    own = vector.name(value)
    vector.emit(f"vpsrl{letter}", f"${element.bits - count}", own, own)
    vector.emit("vpor", vector.name(left), own, own)
    put(step, value, element)


def _draw_rotate(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("u32", "u64", "u32"))]
    count = rng.randint(1, element.bits - 1)
    body = f"o[i] = (a[i] << {count}) | (a[i] >> {element.bits - count});"
    kind = Map(element, 1, element.bits, partial(_rotate_body, element, count))
    return map_loop("rotate", kind, rng, body)


def _sign_body(element: ElementType, step: Step) -> None:
    """0 - (0 > x) - ... : a lane of ones is -1."""
    vector, letter = step.vector, LETTER[element.bits]
    value, nothing = vector.load(0, step.mask), step.prepared[0]
    if vector.is_512:
        low, high = step.prepared[1:]
        result = vector.apply(f"vpmins{letter}", high, value)
        own = vector.name(result)
        vector.emit(f"vpmaxs{letter}", vector.name(low), own, own)
        put(step, result, element)
        return
    below = vector.apply(f"vpcmpgt{letter}", value, nothing)
    own = vector.name(value)
    vector.emit(f"vpcmpgt{letter}", vector.name(nothing), own, own)
    vector.emit(f"vpsub{letter}", own, vector.name(below), own)
    put(step, value, element)


def _sign_constants(bits: int, vector: VectorText, region: Region) -> tuple[int, ...]:
    del region
    nothing = zero(vector)
    return (
        (nothing, vector.spread(-1, bits), vector.spread(1, bits)) if vector.is_512 else (nothing,)
    )


def _draw_sign(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("i32", "i16", "i8", "i32"))]
    body = rng.choice(
        ("o[i] = (a[i] > 0) - (a[i] < 0);", "o[i] = a[i] > 0 ? 1 : a[i] < 0 ? -1 : 0;")
    )
    kind = Map(
        element,
        1,
        element.bits,
        partial(_sign_body, element),
        partial(_sign_constants, element.bits),
    )
    return map_loop("sign", kind, rng, body)


def _counter_body(mnemonic: str, element: ElementType, step: Step) -> None:
    value = step.vector.load(0, step.mask)
    own = step.vector.name(value)
    step.vector.emit(mnemonic, step.vector.name(step.prepared[0]), own, own)
    put(step, value, element)


def _one(bits: int, value: int, vector: VectorText, region: Region) -> tuple[int, ...]:
    del region
    return (vector.spread(value, bits),)


def _draw_counters(rng: random.Random) -> Loop:
    """Counters that stop at their largest or smallest value."""
    element = TYPES[rng.choice(("u8", "u8", "u16"))]
    top = (1 << element.bits) - 1
    amount = rng.choice((1, 1, 1, rng.randint(2, 40)))
    if rng.random() < 0.5:
        name = f"vpaddus{LETTER[element.bits]}"
        body = f"a[i] = a[i] > {top - amount} ? {top} : a[i] + {amount};"
        if amount == 1:
            body = rng.choice((f"a[i] += a[i] != {top};", f"a[i] += a[i] < {top};"))
    else:
        name = f"vpsubus{LETTER[element.bits]}"
        body = f"a[i] = a[i] > {amount} ? a[i] - {amount} : 0;"
        if amount == 1:
            body = rng.choice(("a[i] -= a[i] != 0;", "a[i] -= a[i] > 0;"))
    body_of = partial(_counter_body, name, element)
    kind = Map(element, 1, element.bits, body_of, partial(_one, element.bits, amount))
    c = c_array_function(rng, "void", [f"{element.c_name} *a"], "", body)
    return Loop("saturating_counter", element.name, c, partial(map_rewrites, kind))


# -- several inputs


def _extreme_body(element: ElementType, mnemonics: tuple[str, str], step: Step) -> None:
    vector = step.vector
    a, b, c = (vector.load(array, step.mask) for array in (0, 1, 2))
    own = vector.name(a)
    for mnemonic, other in zip(mnemonics, (b, c), strict=True):
        vector.emit(mnemonic, vector.name(other), own, own)
    put(step, a, element)


def _draw_extreme_of_three(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("i32", "u8", "u32", "i16", "i32"))]
    name, sign = rng.choice((("max", ">"), ("min", "<")))
    mnemonic = f"vp{name}{'s' if element.is_signed else 'u'}{LETTER[element.bits]}"
    t = element.c_name
    body = f"{t} m = a[i] {sign} b[i] ? a[i] : b[i]; o[i] = m {sign} c[i] ? m : c[i];"
    kind = Map(element, 3, element.bits, partial(_extreme_body, element, (mnemonic, mnemonic)))
    return map_loop("extreme_of_three", kind, rng, body)


def _select_body(element: ElementType, step: Step) -> None:
    """Each input is read, and stored, only where it is chosen, as in gcc's loop."""
    vector, letter = step.vector, LETTER[element.bits]
    if not vector.is_512:
        raise NotExpressible("masked stores cost more than they save")
    chooser = vector.load(0, step.mask)
    other = f"{{%{step.mask}}}" if step.mask else ""
    nothing, own = vector.name(step.prepared[0]), vector.name(chooser)
    vector.emit(f"vpcmpneq{letter}", nothing, own, "%k2" + other)
    vector.emit(f"vpcmpeq{letter}", nothing, own, "%k3" + other)
    move = f"vmovdqu{element.bits}"
    vector.emit(move, vector.memory[1], own + "{%k2}{z}")
    vector.emit(move, vector.memory[2], own + "{%k3}")
    vector.emit("korq", "%k3", "%k2", "%k2")
    vector.emit(move, own, address(step.store) + "{%k2}")


def _nothing(vector: VectorText, region: Region) -> tuple[int, ...]:
    del region
    return (zero(vector),)


def _draw_select(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("i32", "u32", "i64"))]
    kind = Map(element, 3, element.bits, partial(_select_body, element), _nothing)
    body = rng.choice(("o[i] = c[i] ? a[i] : b[i];", "if (c[i]) o[i] = a[i]; else o[i] = b[i];"))
    return map_loop("select_by_mask", kind, rng, body)


def _swap_body(step: Step) -> None:
    vector = step.vector
    a, b = (vector.load(array, step.mask) for array in (0, 1))
    stored = f"{{%{step.mask}}}" if step.mask else ""
    for value, place in ((b, 0), (a, 1)):
        vector.emit(vector.move_mnemonic(), vector.name(value), vector.memory[place] + stored)


def _draw_swap(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("i32", "u8", "i64", "u16", "i32"))]
    t = element.c_name
    body = rng.choice(
        (
            f"{t} t = a[i]; a[i] = b[i]; b[i] = t;",
            f"{t} t = a[i]; a[i] = b[i]; b[i] = t;",
            "a[i] ^= b[i]; b[i] ^= a[i]; a[i] ^= b[i];",
        )
    )
    kind = Map(element, 2, element.bits, _swap_body)
    c = c_array_function(rng, "void", [f"{t} *a", f"{t} *b"], "", body)
    return Loop("array_swap", element.name, c, partial(map_rewrites, kind))


# -- a key that repeats


def _keyed(region: Region, isa: str) -> Iterator[str]:
    """Yield byte ^ byte (i mod 4) of a key in a register: the key, turned by i, in every lane."""
    contract = region.contract
    counters = [x.register for x in contract.inductions if x.step == 1]
    loads = distinct([access for access in contract.accesses if access.is_load])
    stores = [access for access in contract.accesses if access.is_store]
    used = {x for access in contract.accesses for x in (access.base, access.index)}
    used |= {latch.bound for latch in contract.latches}
    if len(loads) != 1 or not stores:
        raise NotExpressible("not one input and one output")
    _, turned, other = scalar_scratch(contract, 3)
    for key in contract.invariants:
        if key in used or key.startswith("xmm"):
            continue
        for counter in counters:
            vector = vectors_of(region, isa, TYPES["u8"], loads=tuple(loads))
            keys: list[int] = []

            def setup(
                vector: VectorText = vector,
                key: str = key,
                counter: str = counter,
                keys: list[int] = keys,
            ) -> None:
                names = [f"%{spelled(x, 32)}" for x in (key, counter, turned, other)]
                keys.append(_turn(vector, *names))

            def body(mask: str, vector: VectorText = vector, keys: list[int] = keys) -> None:
                mark = vector.mark()
                value = vector.load(0, mask)
                own = vector.name(value)
                join = "vpxord" if vector.is_512 else "vpxor"
                vector.emit(join, vector.name(keys[0]), own, own)
                put(Step(vector, stores[0], mask, ()), value, TYPES["u8"])
                vector.release(mark)

            yield counted_text(
                contract,
                vector,
                lanes=vector.lanes,
                overlap_bytes=vector.lanes,
                setup=setup,
                body=body,
                finish=lambda: None,
            )


def _turn(vector: VectorText, key: str, counter: str, turned: str, place: str) -> int:
    """Emit the key, turned right by 8 * (counter & 3), in every lane of a new register."""
    vector.emit("movl", counter, place)
    vector.emit("andl", "$3", place)
    vector.emit("shll", "$3", place)
    vector.emit("shrxl", place, key, turned)
    vector.emit("negl", place)
    vector.emit("shlxl", place, key, place)  # by 32 - n, or by 0, which is right too
    vector.emit("orl", place, turned)
    number = vector.new()
    low = turned
    if not vector.is_512:
        low = vector.name(number, 128)
        vector.emit("vmovd", turned, low)
    vector.emit("vpbroadcastd", low, vector.name(number))
    return number


def _draw_key(rng: random.Random) -> Loop:
    is_in_place = rng.random() < 0.6
    parameters = ["uint8_t *a"] if is_in_place else ["const uint8_t *a", "uint8_t *o"]
    value = "(uint8_t)(key >> (8 * (i & 3)))"
    body = f"a[i] ^= {value};" if is_in_place else f"o[i] = a[i] ^ {value};"
    c = c_array_function(rng, "void", [*parameters, "uint32_t key"], "", body)
    return Loop("repeating_key", "u8", c, _keyed)


FAMILIES = (
    Family("rotate", "train", 0.5, _draw_rotate),
    Family("sign", "train", 0.5, _draw_sign),
    Family("saturating_counter", "train", 0.6, _draw_counters),
    Family("extreme_of_three", "train", 0.6, _draw_extreme_of_three),
    Family("select_by_mask", "train", 0.7, _draw_select),
    Family("array_swap", "train", 0.6, _draw_swap),
    Family("repeating_key", "test", 0.7, _draw_key),
)
