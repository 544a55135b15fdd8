"""Loops composed at random of loads, operations and sinks; compilers are their only teacher.

What no single family has (mixed widths, deep expressions, several conditions) a model must have
seen in many small variations to put it together by itself. Left out is what makes the families
held out: no reduction stands under a condition, no reduction is of a difference of two loads, no
neighbouring element is read.
"""

from __future__ import annotations

import random
from functools import partial

from llmcc.training.families.loop import Family, Loop, no_rewrites
from llmcc.training.families.tree import TYPES

_INTEGERS = ("u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64")
_WEIGHTS = (4, 1, 2, 2, 3, 4, 1, 1)
_OPERATORS = "+ - & | ^ *".split()
_COMPARISONS = "< > <= >= == !=".split()
_STEPS = ("+=", "+=", "+=", "^=", "|=", "&=")


class _Draw:
    """One loop in the making: its arrays and scalars, and expressions over them."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        first = rng.choices(_INTEGERS, _WEIGHTS)[0]
        others = [first if rng.random() < 0.7 else rng.choice(_INTEGERS) for _ in "bc"]
        self.arrays = dict(zip("abc", [first, *others], strict=True))
        self.loads = list("abc"[: rng.choice((1, 1, 1, 2, 2, 3))])
        self.used: set[str] = set()
        self.types = {**self.arrays, "k": first, "m": first}

    def load(self) -> str:
        array = self.rng.choice(self.loads)
        self.used.add(array)
        return f"{array}[i]"

    def number(self) -> str:
        """A loop-invariant value: a parameter or a literal."""
        if self.rng.random() < 0.35:
            name = self.rng.choice("km")
            self.used.add(name)
            return name
        return str(self.rng.choice((1, 2, 3, 7, 15, 127, 255, self.rng.randint(1, 250))))

    def value(self, depth: int) -> str:
        """An expression of one element at least."""
        if depth == 0:
            return self.load()
        roll = self.rng.random()
        inner = self.value(depth - 1)
        if roll < 0.16:
            return f"({inner} {self.rng.choice(('<<', '>>'))} {self.rng.randint(1, 7)})"
        if roll < 0.22:
            return f"(~{inner})"
        if roll < 0.27:
            return f"({self.number()} - {inner})"
        if roll < 0.42:
            other = self.rng.choice((self.load, self.number))()
            sign = self.rng.choice("<>")
            return f"({inner} {sign} {other} ? {inner} : {other})"
        if roll < 0.52:
            return f"({self.condition(0)} ? {inner} : {self.number()})"
        other = self.load() if self.rng.random() < 0.4 else self.number()
        return f"({inner} {self.rng.choice(_OPERATORS)} {other})"

    def condition(self, depth: int) -> str:
        """A test of one element at least."""
        right = self.load() if len(self.loads) > 1 and self.rng.random() < 0.3 else self.number()
        test = f"{self.value(depth)} {self.rng.choice(_COMPARISONS)} {right}"
        if self.rng.random() < 0.25:
            joined = self.rng.choice(("&&", "||"))
            test += f" {joined} {self.load()} {self.rng.choice(_COMPARISONS)} {self.number()}"
        return f"({test})"

    def function(self, result: str, outputs: list[str], before: str, body: str, after: str) -> str:
        """The C of the loop; the order of its parameters is drawn."""
        index = self.rng.choice(("size_t", "int", "long", "unsigned", "size_t"))
        head = f"for ({index} i = 0; i < n; i++)"
        if self.rng.random() < 0.08:
            index, head = "long", "for (long i = n - 1; i >= 0; i--)"
        parameters = [f"{index} n", *outputs]
        for name in sorted(self.used):
            c_name = TYPES[self.types[name]].c_name
            if name not in self.arrays:
                parameters.append(f"{c_name} {name}")
            elif not any(output.endswith(f"*{name}") for output in outputs):
                parameters.append(f"const {c_name} *{name}")
        self.rng.shuffle(parameters)
        lines = "\n\t".join(line for line in (before, f"{head} {{ {body} }}", after) if line)
        return f"{result} @NAME@({', '.join(parameters)})\n{{\n\t{lines}\n}}\n"


def _map(draw: _Draw) -> str:
    value = draw.value(draw.rng.choice((1, 2, 2, 3, 3, 4)))
    if draw.rng.random() < 0.3:
        return draw.function(
            "void", [f"{TYPES[draw.arrays['a']].c_name} *a"], "", f"a[i] = {value};", ""
        )
    kind = draw.arrays["a"] if draw.rng.random() < 0.6 else draw.rng.choice(_INTEGERS)
    return draw.function("void", [f"{TYPES[kind].c_name} *o"], "", f"o[i] = {value};", "")


def _reduce(draw: _Draw) -> str:
    step = draw.rng.choice(_STEPS)
    depth = draw.rng.choice((0, 1, 1, 2, 2, 3))
    value = draw.value(depth)
    while "?" in value or " - " in value:
        value = draw.value(depth)
    kind = draw.rng.choice(("int", "unsigned", "int64_t", "uint64_t", "size_t"))
    start = "-1" if step == "&=" else draw.rng.choice(("0", "0", "1"))
    return draw.function(kind, [], f"{kind} s = {start};", f"s {step} {value};", "return s;")


def _count(draw: _Draw) -> str:
    kind = draw.rng.choice(("int", "size_t", "unsigned", "long"))
    test = draw.condition(draw.rng.choice((0, 1, 1, 2)))
    return draw.function(kind, [], f"{kind} s = 0;", f"if {test} s++;", "return s;")


def _store_if(draw: _Draw) -> str:
    test = draw.condition(draw.rng.choice((0, 0, 1)))
    value = draw.value(draw.rng.choice((0, 1, 2)))
    target = draw.rng.choice("ao")
    output = f"{TYPES[draw.arrays['a']].c_name} *{target}"
    return draw.function("void", [output], "", f"if {test} {target}[i] = {value};", "")


_FORMS = {
    "composed_map": (_map, 5.0),
    "composed_reduce": (_reduce, 3.0),
    "composed_count": (_count, 2.0),
    "composed_store_if": (_store_if, 2.0),
}


def _draw(family: str, rng: random.Random) -> Loop:
    draw = _Draw(rng)
    c = _FORMS[family][0](draw)
    return Loop(family, draw.arrays["a"], c, no_rewrites)


FAMILIES = tuple(
    Family(name, "train", weight, partial(_draw, name)) for name, (_, weight) in _FORMS.items()
)
