"""Recurrences that run serially in gcc's text: powers, generators, hashes, running sums.

All of them are exact modulo 2^32 or 2^64, so that steps may be composed: a linear step applied n
times is log n compositions, and a polynomial is as many shorter ones as a vector has lanes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from llmcc.regions.model import Region
from llmcc.training.families.loop import Family, Loop
from llmcc.training.families.pattern import Rule, rewrites
from llmcc.training.families.trip import address, advance, counted_latch, iterations_but_one
from llmcc.training.families.vector import NotExpressible
from llmcc.x86.registers import XMM, spelled


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


# -- polynomials: h = h * k + s[i]


def _multiplier(region: Region) -> str | None:
    """The invariant register that gcc's loop multiplies by, as a family; None for a constant."""
    for family in region.contract.invariants:
        if any(f"\timul{s}\t%{r}, " in region.text for s, r in _spellings(family)):
            return family
    return None


def _spellings(family: str) -> tuple[tuple[str, str], ...]:
    if family in XMM:
        return ()
    return (("l", spelled(family, 32)), ("q", spelled(family, 64)))


def _polynomial(
    size_bytes: int, bits: int, k: int | None, region: Region, isa: str
) -> Iterator[str]:
    """Yield the vector form where there is one, then four elements a step."""
    contract = region.contract
    loads = [access for access in contract.accesses if access.is_load]
    if len(contract.accesses) != 1 or len(loads) != 1 or len(contract.accumulators) != 1:
        raise NotExpressible("one array and one sum")
    if loads[0].stride_bytes != size_bytes or len(contract.scratch) < 3:
        raise NotExpressible("not an array walked forwards, or too few scratch registers")
    factor = _multiplier(region)
    if factor is None and k is None:
        raise NotExpressible("no multiplier")
    source = f"${k}" if factor is None else f"%{spelled(factor, bits)}"
    if bits == 32:
        yield _polynomial_in_lanes(region, size_bytes, source, isa)
    yield _polynomial_by_four(region, size_bytes, bits, source)


def _polynomial_by_four(region: Region, size_bytes: int, bits: int, source: str) -> str:
    contract = region.contract
    count, power, word = contract.scratch[:3]
    total, access = contract.accumulators[0], contract.accesses[0]
    suffix = "q" if bits == 64 else "l"
    k, h, t = source, f"%{spelled(total, bits)}", f"%{spelled(word, bits)}"
    p = f"%{spelled(power, bits)}"
    load = {1: "movzbl", 2: "movzwl", 4: "movl", 8: "movq"}[size_bytes]
    wide = f"%{spelled(word, 64 if size_bytes == 8 else 32)}"
    times_k = f"\timul{suffix}\t{k}, {t}, {t}" if k.startswith("$") else f"\timul{suffix}\t{k}, {t}"

    def element(number: int) -> str:
        return f"\t{load}\t{address(access, offset_bytes=number * size_bytes)}, {wide}"

    out = iterations_but_one(contract, counted_latch(contract), count, power)
    out += ["\tsubq\t$4, %" + count, "\tjb\t.LH", f"\tmov{suffix}\t{k}, {p}"]
    out += [f"\timul{suffix}\t{p}, {p}"] * 2  # k^4
    out += [".LR0:", f"\timul{suffix}\t{p}, {h}"]
    # ((s0*k + s1)*k + s2)*k + s3 does not wait for h.
    if len(contract.scratch) < 4:
        raise NotExpressible("needs four scratch registers")
    sum_ = f"%{spelled(contract.scratch[3], bits)}"
    out += [element(0), times_k]
    for number in (1, 2):
        out += [f"\tmov{suffix}\t{t}, {sum_}", element(number)]
        out += [f"\tadd{suffix}\t{sum_}, {t}", times_k]
    out += [f"\tadd{suffix}\t{t}, {h}", element(3), f"\tadd{suffix}\t{t}, {h}"]
    out += advance(contract, 4)
    out += [f"\tsubq\t$4, %{count}", "\tjae\t.LR0", "\tjmp\t.LH"]
    return "\n".join(out) + "\n"


def _polynomial_in_lanes(region: Region, size_bytes: int, source: str, isa: str) -> str:
    """Four vectors of sums, each lane a polynomial in k^(4 lanes); folded by halves at the end."""
    contract = region.contract
    count, power, word = contract.scratch[:3]
    access = contract.accesses[0]
    is_512 = isa == "avx512"
    lanes = 16 if is_512 else 8
    registers = list(range(16, 32)) if is_512 else [XMM.index(x) for x in contract.vector_scratch]
    if len(registers) < 6:
        raise NotExpressible("out of vector registers")
    prefix = "zmm" if is_512 else "ymm"
    sums, factor, fresh = registers[:4], registers[4], registers[5]
    block = 4 * lanes
    h, p = f"%{spelled(contract.accumulators[0], 32)}", f"%{spelled(power, 32)}"
    load = {1: "vpmovzxbd", 2: "vpmovzxwd", 4: "vmovdqu32" if is_512 else "vmovdqu"}[size_bytes]

    def broadcast() -> list[str]:
        if is_512:
            return [f"\tvpbroadcastd\t{p}, %zmm{factor}"]
        return [f"\tvmovd\t{p}, %xmm{factor}", f"\tvpbroadcastd\t%xmm{factor}, %ymm{factor}"]

    def squared(times: int) -> list[str]:
        return [f"\timull\t{p}, {p}"] * times

    def fold(into: int, other: int, name: str) -> list[str]:
        return [
            f"\tvpmulld\t%{name}{factor}, %{name}{into}, %{name}{into}",
            f"\tvpaddd\t%{name}{other}, %{name}{into}, %{name}{into}",
        ]

    out = iterations_but_one(contract, counted_latch(contract), count, word)
    out += [f"\tsubq\t${block}, %{count}", "\tjb\t.LH", f"\tmovl\t{source}, {p}"]
    out += [*squared(block.bit_length() - 1), *broadcast()]
    clear = "vpxord" if is_512 else "vpxor"
    out += [f"\t{clear}\t" + ", ".join([f"%{prefix}{n}"] * 3) for n in sums]
    # h is the element before the first: the last lane of the last sum.
    out += [f"\tvmovd\t{h}, %xmm{sums[3]}", f"\tvpshufd\t$21, %xmm{sums[3]}, %xmm{sums[3]}"]
    if is_512:
        out += [f"\tvshufi32x4\t$21, %zmm{sums[3]}, %zmm{sums[3]}, %zmm{sums[3]}"]
    else:
        out += [f"\tvpermq\t$64, %ymm{sums[3]}, %ymm{sums[3]}"]
    out += [".LR0:"]
    for number, register in enumerate(sums):
        place = address(access, offset_bytes=number * lanes * size_bytes)
        out += [f"\t{load}\t{place}, %{prefix}{fresh}", *fold(register, fresh, prefix)]
    out += advance(contract, block)
    out += [f"\tsubq\t${block}, %{count}", "\tjae\t.LR0"]
    out += [f"\tmovl\t{source}, {p}", *squared(lanes.bit_length() - 1), *broadcast()]
    for register in sums[1:]:  # the earlier sum is the higher part
        out += fold(sums[0], register, prefix)
    total = sums[0]
    half = lanes // 2
    while half:
        out += [f"\tmovl\t{source}, {p}", *squared(half.bit_length() - 1), *broadcast()]
        if half == 8:
            name, high = "ymm", f"\tvextracti64x4\t$1, %zmm{total}, %ymm{fresh}"
        elif half == 4:
            high = f"\tvextracti{'32x4' if is_512 else '128'}\t$1, %ymm{total}, %xmm{fresh}"
            name = "xmm"
        else:
            name, high = "xmm", f"\tvpshufd\t${238 if half == 2 else 85}, %xmm{total}, %xmm{fresh}"
        out += [high, *fold(total, fresh, name)]
        half //= 2
    out += [f"\tvmovd\t%xmm{total}, {h}"]
    if not is_512:
        out.append("\tvzeroupper")
    return "\n".join([*out, "\tjmp\t.LH"]) + "\n"


_ELEMENTS = {
    "u8": ("uint8_t", 1), "u16": ("uint16_t", 2), "u32": ("uint32_t", 4), "u64": ("uint64_t", 8),
}  # fmt: skip


def _draw_hash(family: str, multipliers: Sequence[str], rng: random.Random) -> Loop:
    bits = rng.choice((32, 32, 64))
    short = rng.choice(("u8", "u8", "u16", "u32") if bits == 32 else ("u8", "u32", "u64"))
    element, size = _ELEMENTS[short]
    text = rng.choice(multipliers)
    word = f"uint{bits}_t"
    k = None if text == "x" else int(text)
    update = rng.choice((f"h = h * {text} + s[i]", f"h = s[i] + {text} * h"))
    if k in (31, 33):
        shift = f"(h << 5) {'-' if k == 31 else '+'} h"
        update = rng.choice((update, f"h = ({shift}) + s[i]"))
    start = rng.choice(("0", "5381", "h0", "1"))
    c = (
        f"{word} @NAME@(const {element} *s, size_t n, {word} x, {word} h0) {{ {word} h = {start}; "
        f"for (size_t i = 0; i < n; i++) {update}; return h; }}\n"
    )
    return Loop(family, short, c, partial(_polynomial, size, bits, k))


_KNOWN = ("31", "33", "37", "131", "257", "65599", "31", "33")


# -- a += s[i]; b += a


def _double_sum(size_bytes: int, region: Region, isa: str) -> Iterator[str]:
    """Yield the lanes of both sums at once; the position of a lane is made good at the end.

    With L lanes and M steps, lane j has A_j = its elements' sum and B_j = the sum of A_j's after
    each step, and an element (m, j) counts L(M - m) - j times: b += LM a + sum(L B_j - j A_j).
    """
    contract = region.contract
    if len(contract.accumulators) != 2 or len(contract.accesses) != 1 or len(contract.scratch) < 2:
        raise NotExpressible("one array and two sums")
    if contract.accesses[0].stride_bytes != size_bytes:
        raise NotExpressible("not walked forwards")
    for inner, outer in (contract.accumulators, contract.accumulators[::-1]):
        yield _double_sum_text(size_bytes, region, isa, inner, outer)


def _double_sum_text(size_bytes: int, region: Region, isa: str, inner: str, outer: str) -> str:
    contract = region.contract
    count, steps = contract.scratch[:2]
    is_512 = isa == "avx512"
    lanes = 16 if is_512 else 8
    registers = list(range(16, 32)) if is_512 else [XMM.index(x) for x in contract.vector_scratch]
    if len(registers) < 4:
        raise NotExpressible("out of vector registers")
    full = "zmm" if is_512 else "ymm"
    a, b, fresh, other = registers[:4]
    load = {1: "vpmovzxbd", 2: "vpmovzxwd", 4: "vmovdqu32" if is_512 else "vmovdqu"}[size_bytes]
    place = address(contract.accesses[0])
    clear = "vpxord" if is_512 else "vpxor"
    low_a, low_b = f"%{spelled(inner, 32)}", f"%{spelled(outer, 32)}"
    low_steps = f"%{spelled(steps, 32)}"
    out = iterations_but_one(contract, counted_latch(contract), count, steps)
    out += [f"\tsubq\t${lanes}, %{count}", "\tjb\t.LH"]
    out += [f"\t{clear}\t" + ", ".join([f"%{full}{n}"] * 3) for n in (a, b)]
    out += [f"\txorl\t{low_steps}, {low_steps}", ".LR0:"]
    out += [
        f"\t{load}\t{place}, %{full}{fresh}",
        f"\tvpaddd\t%{full}{fresh}, %{full}{a}, %{full}{a}",
    ]
    out += [f"\tvpaddd\t%{full}{a}, %{full}{b}, %{full}{b}", f"\taddl\t${lanes}, {low_steps}"]
    out += advance(contract, lanes)
    out += [f"\tsubq\t${lanes}, %{count}", "\tjae\t.LR0"]
    # b += LM a, with a from before the loop
    out += [f"\timull\t{low_a}, {low_steps}", f"\taddl\t{low_steps}, {low_b}"]
    out += [f"\tvpslld\t${lanes.bit_length() - 1}, %{full}{b}, %{full}{b}"]
    # b holds L B - (weights so far): halves are folded, the upper half of a weighing its width.
    half = lanes // 2
    while half:
        if half == 8:
            name = "ymm"
            high = [f"\tvextracti64x4\t$1, %zmm{x}, %ymm{y}" for x, y in ((a, fresh), (b, other))]
        elif half == 4:
            name = "xmm"
            verb = "vextracti32x4" if is_512 else "vextracti128"
            high = [f"\t{verb}\t$1, %ymm{x}, %xmm{y}" for x, y in ((a, fresh), (b, other))]
        else:
            name, order = "xmm", 238 if half == 2 else 85
            high = [f"\tvpshufd\t${order}, %xmm{x}, %xmm{y}" for x, y in ((a, fresh), (b, other))]
        out += high
        out += [f"\tvpaddd\t%{name}{fresh}, %{name}{a}, %{name}{a}"]
        if half > 1:
            out += [f"\tvpslld\t${half.bit_length() - 1}, %{name}{fresh}, %{name}{fresh}"]
        out += [f"\tvpsubd\t%{name}{fresh}, %{name}{other}, %{name}{other}"]
        out += [f"\tvpaddd\t%{name}{other}, %{name}{b}, %{name}{b}"]
        half //= 2
    for vector, target in ((a, low_a), (b, low_b)):
        out += [f"\tvmovd\t%xmm{vector}, {low_steps}", f"\taddl\t{low_steps}, {target}"]
    if not is_512:
        out.append("\tvzeroupper")
    return "\n".join([*out, "\tjmp\t.LH"]) + "\n"


def _draw_double_sum(rng: random.Random) -> Loop:
    short = rng.choice(("u8", "u8", "u16", "u32"))
    element, size = _ELEMENTS[short]
    start = rng.choice(("1", "0", "a0"))
    result = rng.choice(("b << 16 | a", "b ^ a", "(b % 65521) << 16 | a % 65521", "a + b"))
    c = (
        f"uint32_t @NAME@(const {element} *s, size_t n, uint32_t a0) {{ uint32_t a = {start}, b = 0; "
        f"for (size_t i = 0; i < n; i++) {{ a += s[i]; b += a; }} return {result}; }}\n"
    )
    return Loop("double_sum", short, c, partial(_double_sum, size))


Draw = Callable[[random.Random], Loop]

FAMILIES = (
    Family("repeated_product", "train", 0.4, _draw_power),
    Family("generator_skip", "test", 0.4, _draw_generator),
    Family("polynomial_hash", "train", 1.2, partial(_draw_hash, "polynomial_hash", _KNOWN)),
    Family("horner", "validation", 0.8, partial(_draw_hash, "horner", ("x",))),
    Family("double_sum", "train", 0.8, _draw_double_sum),
)
