"""Loop specifications: a family, an element type and what one iteration does; and their C."""

from __future__ import annotations

import random
from dataclasses import dataclass

from llmcc.training.families.tree import (
    TYPES,
    Absolute,
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
    Shift,
    c_expression,
    c_predicate,
    leaves,
)

FAMILIES = (
    "reduce",
    "count",
    "byteclass",
    "map",
    "map_in_place",
    "conditional",
    "conditional_in_place",
    "find",
    "scan",
    "mismatch",
    "popcount",
)


@dataclass(frozen=True, slots=True)
class LoopSpec:
    """One synthetic loop.

    operator: of a reduction (add xor or and min max); "" elsewhere.
    accumulator_bits: width of a counter or sum; 0 when there is none.
    """

    family: str
    element: ElementType
    expression: Expression | None = None
    predicate: Predicate | None = None
    operator: str = ""
    accumulator_bits: int = 0
    style: int = 0  # index and bound spelling of the C text


def draw(family: str, rng: random.Random) -> LoopSpec:
    """Draw a random loop of `family`."""
    return _DRAW[family](rng)


def _element(rng: random.Random, *, floats: bool, small: bool = True) -> ElementType:
    names = ["i32", "u32", "i64", "u64", "i32"]
    names += ["u8", "i8", "u16", "i16", "u8"] if small else []
    names += ["f32", "f64"] if floats else []
    return TYPES[rng.choice(names)]


def _constant(rng: random.Random, element: ElementType) -> Constant:
    if element.is_float:
        return Constant(rng.choice((1, 2, 3, 5, 10)))
    top = min((1 << (element.bits - element.is_signed)) - 1, 4000)
    choices = [rng.randint(1, min(top, 127)), rng.randint(1, min(top, 20)), rng.randint(1, top)]
    value = rng.choice(choices)
    if element.is_signed and rng.random() < 0.15:
        value = -value
    return Constant(value)


def _scalar(rng: random.Random, element: ElementType) -> Expression:
    return Parameter(0) if rng.random() < 0.4 else _constant(rng, element)


def _operators(element: ElementType) -> tuple[str, ...]:
    if element.is_float:
        return ("add", "sub", "mul", "mul", "add")
    some = ("add", "sub", "and", "or", "xor", "add", "min", "max")
    return some if element.bits == 8 else (*some, "mul", "shl", "shr")


_KIND = {"sub": "add", "shl": "mul"}


def _expression(rng: random.Random, element: ElementType, *, arrays: int, depth: int) -> Expression:
    node: Expression = Load(0)
    has_parameter = False
    previous = ""
    for level in range(depth):
        # Two of a kind in a row would be folded by gcc, and the expert side could not be learnt.
        choices = [o for o in _operators(element) if _KIND.get(o, o) != previous]
        operator = rng.choice(choices)
        previous = _KIND.get(operator, operator)
        if operator in ("shl", "shr"):
            node = Shift(operator, node, rng.randint(1, min(element.bits - 1, 12)))
            continue
        right: Expression
        if arrays == 2 and level == 0:
            right = Load(1)
        else:
            right = _scalar(rng, element) if not has_parameter else _constant(rng, element)
            has_parameter = has_parameter or isinstance(right, Parameter)
        node = Binary(operator, node, right)
    if not element.is_float and element.is_signed and rng.random() < 0.08:
        node = Absolute(node) if isinstance(node, Load) else node
    return node


def _as_gcc_writes(operator: str, right: Expression, element: ElementType) -> Compare:
    """Compare element 0 with `right` the one way gcc writes it: x >= 8 as x > 7, x < 8 as x <= 7.

    What the plain side does not show cannot be learnt.
    """
    if element.is_float or not isinstance(right, Constant) or operator not in ("lt", "ge"):
        return Compare(operator, Load(0), right)
    if not element.is_signed and right.value == 1:
        return Compare("eq" if operator == "lt" else "ne", Load(0), Constant(0))
    return Compare("le" if operator == "lt" else "gt", Load(0), Constant(right.value - 1))


def draw_predicate(rng: random.Random, element: ElementType, *, arrays: int = 1) -> Predicate:
    """Draw a test of one element, or a comparison of two arrays' elements."""
    operators = ["lt", "gt", "le", "ge"] + ([] if element.is_float else ["eq", "ne", "eq"])
    roll = rng.random()
    if arrays == 2:
        return Compare(rng.choice(operators), Load(0), Load(1))
    if roll < 0.1 and element.is_signed and not element.is_float:
        operator = rng.choice(("lt", "lt", "gt", "ge", "ne", "eq"))
        return _as_gcc_writes(operator, Constant(0), element)
    if roll < 0.2 and not element.is_float:
        operator = rng.choice(("and", "and", "xor", "add"))
        part = Binary(operator, Load(0), _constant(rng, element))
        to = Constant(rng.choice((0, 0, rng.randint(1, 100))))
        return Compare(rng.choice(("eq", "ne")), part, to)
    first = _as_gcc_writes(rng.choice(operators), _scalar(rng, element), element)
    if roll < 0.7 or element.is_float:
        return first
    if roll < 0.85:
        low = rng.randint(1, 90)
        return Range(Load(0), low, low + rng.randint(2, 30))
    values = rng.sample(range(1, 120), 2)
    return Either(*(Compare("eq", Load(0), Constant(value)) for value in values))


def _reduce(rng: random.Random) -> LoopSpec:
    element = _element(rng, floats=False)
    operators = ["xor", "or", "and", "min", "max"]
    if element.name != "i8":
        operators += ["add", "add", "add"]
    operator = rng.choice(operators)
    bits = max(element.bits, 32) if operator == "add" else element.bits
    if operator == "add" and element.bits == 8:
        bits = rng.choice((32, 64))
        return LoopSpec("reduce", element, Load(0), None, operator, bits, rng.randrange(5))
    if operator == "add" and element.bits < 64 and rng.random() < 0.35:
        bits = rng.choice((32, 64)) if element.bits == 16 else 64
        return LoopSpec("reduce", element, Load(0), None, operator, bits, rng.randrange(5))
    depth = rng.choice((0, 0, 0, 1, 1, 2))
    arrays = 2 if depth and rng.random() < 0.4 else 1
    node = _expression(rng, element, arrays=arrays, depth=depth)
    return LoopSpec("reduce", element, node, None, operator, bits, rng.randrange(5))


def _count(rng: random.Random) -> LoopSpec:
    element = _element(rng, floats=True)
    predicate = draw_predicate(rng, element, arrays=2 if rng.random() < 0.15 else 1)
    return LoopSpec("count", element, None, predicate, "", rng.choice((32, 64)), rng.randrange(5))


def _byteclass(rng: random.Random) -> LoopSpec:
    element = TYPES[rng.choice(("u8", "i8"))]
    parts: list[Predicate] = []
    for _ in range(rng.choice((1, 2, 2, 3))):
        low = rng.randint(9, 120)
        if rng.random() < 0.5:
            parts.append(Compare("eq", Load(0), Constant(low)))
        else:
            high = min(low + rng.randint(1, 30), 126)
            parts.append(Range(Load(0), low, high))
    predicate = parts[0]
    for part in parts[1:]:
        predicate = Either(predicate, part)
    return LoopSpec(
        "byteclass", element, None, predicate, "", rng.choice((32, 64)), rng.randrange(5)
    )


def _map(rng: random.Random) -> LoopSpec:
    element = _element(rng, floats=True)
    arrays = rng.choice((1, 1, 2))
    node = _expression(rng, element, arrays=arrays, depth=rng.choice((1, 1, 2, 2, 3)))
    return LoopSpec("map", element, node, None, "", 0, rng.randrange(4))


def _map_in_place(rng: random.Random) -> LoopSpec:
    element = _element(rng, floats=True)
    arrays = rng.choice((1, 1, 1, 2))
    node = _expression(rng, element, arrays=arrays, depth=rng.choice((1, 1, 2, 3)))
    return LoopSpec("map_in_place", element, node, None, "", 0, rng.randrange(5))


def _conditional(rng: random.Random) -> LoopSpec:
    element = _element(rng, floats=True)
    arrays = 2 if rng.random() < 0.2 else 1
    node = _expression(rng, element, arrays=1, depth=rng.choice((0, 1, 1, 2)))
    predicate = draw_predicate(rng, element, arrays=arrays)
    return LoopSpec("conditional", element, node, predicate, "", 0, rng.randrange(4))


def _conditional_in_place(rng: random.Random) -> LoopSpec:
    element = _element(rng, floats=True)
    node = _expression(rng, element, arrays=1, depth=rng.choice((1, 1, 2)))
    arrays = 2 if rng.random() < 0.2 else 1
    if arrays == 2 and rng.random() < 0.6:
        node = Load(1)
    elif rng.random() < 0.35:
        node = _scalar(rng, element)
    predicate = draw_predicate(rng, element, arrays=arrays)
    return LoopSpec("conditional_in_place", element, node, predicate, "", 0, rng.randrange(5))


def _find(rng: random.Random) -> LoopSpec:
    # Looking ahead at floats raises flags for elements gcc's loop never compares.
    element = _element(rng, floats=False)
    return LoopSpec("find", element, None, draw_predicate(rng, element), "", 0, rng.randrange(4))


def _scan(rng: random.Random) -> LoopSpec:
    element = TYPES[rng.choice(("u8", "i8", "u8", "i32", "u16", "u32"))]
    predicate = draw_predicate(rng, element)
    return LoopSpec("scan", element, None, predicate, "", 0, rng.randrange(4))


def _mismatch(rng: random.Random) -> LoopSpec:
    element = _element(rng, floats=False)
    predicate = Compare(rng.choice(("ne", "ne", "ne", "eq")), Load(0), Load(1))
    return LoopSpec("mismatch", element, None, predicate, "", 0, rng.randrange(4))


def _popcount(rng: random.Random) -> LoopSpec:
    # The 64-bit trick needs its masks in registers, where a loop's text does not show their values.
    element, style = rng.choice((("u32", 0), ("u64", 0), ("u32", 1), ("u32", 2), ("u32", 3)))
    return LoopSpec("popcount", TYPES[element], None, None, "", rng.choice((32, 64)), style)


_DRAW = {
    "reduce": _reduce,
    "count": _count,
    "byteclass": _byteclass,
    "map": _map,
    "map_in_place": _map_in_place,
    "conditional": _conditional,
    "conditional_in_place": _conditional_in_place,
    "find": _find,
    "scan": _scan,
    "mismatch": _mismatch,
    "popcount": _popcount,
}


def c_function(spec: LoopSpec, name: str) -> str:
    """Write the loop as an ordinary C function."""
    t = spec.element.c_name
    used = leaves(spec.expression) if spec.expression is not None else []
    used += leaves(spec.predicate) if spec.predicate is not None else []
    walks = spec.style == 4 and Load(1) not in used  # a pointer to the end instead of an index
    loads = ("*a" if walks else "a[i]", "b[i]")
    parameters = [f"{t} k"] if any(isinstance(leaf, Parameter) for leaf in used) else []
    value = (
        c_expression(spec.expression, spec.element, loads) if spec.expression is not None else ""
    )
    test = c_predicate(spec.predicate, spec.element, loads) if spec.predicate is not None else ""
    index, count = (
        ("size_t", "size_t"),
        ("int", "int"),
        ("long", "long"),
        ("unsigned", "unsigned"),
        ("size_t",) * 2,
    )[spec.style]
    loop = f"for ({index} i = 0; i < n; i++)"
    if walks:
        loop = f"for (const {t} *e = a + n; a < e; a++)"
    body: str
    match spec.family:
        case "reduce":
            total = f"{'u' if not spec.element.is_signed else ''}int{spec.accumulator_bits}_t"
            total = (
                t if spec.operator != "add" or spec.accumulator_bits == spec.element.bits else total
            )
            body = f"{total} s = {'k0' if spec.operator in ('min', 'max', 'and') else '0'};\n"
            body += f"\t{loop} {{ {_accumulate(spec, t, value)} }}\n\treturn s;"
            parameters = [f"{t} k0", *parameters]
            result = total
        case "count" | "byteclass":
            result = "size_t" if spec.accumulator_bits == 64 else "int"
            body = f"{result} s = 0;\n\t{loop} if ({test}) s++;\n\treturn s;"
        case "map":
            result, body = "void", f"{loop} o[i] = {value};"
        case "map_in_place":
            result, body = "void", f"{loop} {loads[0]} = {value};"
        case "conditional":
            result, body = "void", f"{loop} if ({test}) o[i] = {value};"
        case "conditional_in_place":
            result, body = "void", f"{loop} if ({test}) {loads[0]} = {value};"
        case "find" | "mismatch":
            result = "long"
            body = f"{loop} if ({test}) return (long)i;\n\treturn -1;"
        case "scan":
            pointer = (
                c_predicate(spec.predicate, spec.element, ("*a", "*b")) if spec.predicate else ""
            )
            result, body = f"const {t} *", f"while (!({pointer})) a++;\n\treturn a;"
        case _:
            result, body = _popcount_c(spec, loop)
    is_written = spec.family in ("map_in_place", "conditional_in_place")
    arguments = [
        f"{'' if is_written else 'const '}{t} *a",
        f"const {t} *b",
        f"{t} *o",
        f"{count} n",
        *parameters,
    ]
    return f"{result} {name}({', '.join(arguments)})\n{{\n\t{body}\n}}\n"


def _accumulate(spec: LoopSpec, c_name: str, value: str) -> str:
    if spec.operator in ("min", "max"):
        sign = "<" if spec.operator == "min" else ">"
        return f"{c_name} v = {value}; if (v {sign} s) s = v;"
    return f"s {({'add': '+', 'xor': '^', 'or': '|', 'and': '&'})[spec.operator]}= {value};"


def _popcount_c(spec: LoopSpec, loop: str) -> tuple[str, str]:
    result = "size_t" if spec.accumulator_bits == 64 else "int"
    if spec.style == 0:
        kind = spec.element.c_name
        return (
            result,
            f"{result} s = 0; {kind} x = a[0];\n\twhile (x) {{ x &= x - 1; s++; }}\n\treturn s;",
        )
    steps = (
        f"uint32_t x = a[i]{' ^ b[i]' if spec.style == 3 else ''};"
        " x -= (x >> 1) & 0x55555555u; x = (x & 0x33333333u) + ((x >> 2) & 0x33333333u);"
        " x = (x + (x >> 4)) & 0x0f0f0f0fu; s += (x * 0x01010101u) >> 24;"
    )
    return result, f"{result} s = 0;\n\t{loop} {{ {steps} }}\n\treturn s;"
