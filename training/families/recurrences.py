"""Steps repeated n times: products and generators.

They are exact modulo 2^32 or 2^64, so that steps may be composed: a linear step applied n times is
log n compositions.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import partial

from llmcc.regions.model import Region
from llmcc.training.families.loop import Family, Loop
from llmcc.training.families.pattern import Rule, rewrites


def _by_rules(rules: Sequence[Rule], region: Region, isa: str) -> Iterator[str]:
    del isa  # scalar text is the same in both
    return rewrites(region, rules)


# -- r = r * b, n times

# How gcc counts: step, comparison and jump; T for s0; the counter with one iteration left.
_TRIPS = (
    (
        ("addl $1, {i.32}", "cmpl {n.32} <> {i.32}", "jne .LH"),
        "movl {n.32}, {s0.32}\nsubl {i.32}, {s0.32}",
        "leal -1({n}), {i.32}",
    ),
    (("subl $1, {i.32}", "", "jne .LH"), "movl {i.32}, {s0.32}", "movl $1, {i.32}"),
    (("subl $1, {i.32}", "", "jnb .LH"), "leal 1({i}), {s0.32}", "xorl {i.32}, {i.32}"),
    (
        ("subl $1, {i.32}", "cmpl $-1, {i.32}", "jne .LH"),
        "leal 1({i}), {s0.32}",
        "xorl {i.32}, {i.32}",
    ),
)


def _repeated(steps: Sequence[str], rewrite: str) -> tuple[Rule, ...]:
    """Rules for a loop of `steps` and a counter; the rewrite does the T - 1 iterations in s0."""
    rules: list[Rule] = []
    for (count, compare, jump), trips, last in _TRIPS:
        lines = list(steps)
        for place in range(len(lines) + 1):
            if not compare and place < len(lines):
                continue  # the flags that end the loop are the counter's
            loop = [".LH:", *lines[:place], count, *lines[place:], compare, jump]
            body = f"{trips}\nsubl $1, {{s0.32}}\nje .LH\n{rewrite}\n{last}\njmp .LH"
            rules.append(Rule("\n".join(line for line in loop if line), body))
    return tuple(rules)


_POWER = _repeated(
    ["imul~ {b.w}, {r.w}"],
    """mov~ {b.w}, {s1.w}
    .LR0:
    testb $1, {s0.8}
    je .LR1
    imul~ {s1.w}, {r.w}
    .LR1:
    imul~ {s1.w}, {s1.w}
    shrl {s0.32}
    jne .LR0""",
)


def _draw_power(rng: random.Random) -> Loop:
    short, word = rng.choice((("u32", "uint32_t"), ("u64", "uint64_t")))
    start = rng.choice(("1", "b", "r0"))
    turns = rng.choice(("for (unsigned i = 0; i < n; i++)", "while (n--)", "for (; n; n--)"))
    c = (
        f"{word} @NAME@({word} b, unsigned n, {word} r0) {{ {word} r = {start}; {turns} r *= b; "
        "return r; }\n"
    )
    return Loop("repeated_product", short, c, partial(_by_rules, _POWER))


# -- x = x * a + c, n times

# (s1, s2) is the step composed with itself 1, 2, 4… times.
_GENERATOR = _repeated(
    ["imull ${#a}, {x.32}, {x.32}", "addl ${#c}, {x.32}"],
    """movl ${#a}, {s1.32}
    movl ${#c}, {s2.32}
    .LR0:
    testb $1, {s0.8}
    je .LR1
    imull {s1.32}, {x.32}
    addl {s2.32}, {x.32}
    .LR1:
    leal 1({s1}), {s3.32}
    imull {s3.32}, {s2.32}
    imull {s1.32}, {s1.32}
    shrl {s0.32}
    jne .LR0""",
)


def _draw_generator(rng: random.Random) -> Loop:
    a = rng.choice((1664525, 1103515245, 22695477, 214013, 69069, 134775813))
    c = rng.choice((1013904223, 12345, 1, 2531011, 7))
    turns = rng.choice(("for (unsigned i = 0; i < n; i++)", "while (n--)", "for (; n; n--)"))
    text = f"uint32_t @NAME@(uint32_t x, unsigned n) {{ {turns} x = x * {a}u + {c}u; return x; }}\n"
    return Loop("generator_skip", "u32", text, partial(_by_rules, _GENERATOR))


FAMILIES = (
    Family("repeated_product", "train", 0.4, _draw_power),
    Family("generator_skip", "test", 0.4, _draw_generator),
)
