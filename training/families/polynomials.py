"""Polynomials and sums of sums, serial in gcc's text: hashes, Horner's rule, Fletcher's checksum.

They are exact modulo 2^32 or 2^64, so that a polynomial may be taken apart into as many shorter
ones as a vector has lanes, and a sum of prefix sums into lanes and their places.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import partial

from llmcc.regions.model import Region
from llmcc.training.families.loop import Family, Loop
from llmcc.training.families.trip import address, advance, counted_latch, iterations_but_one
from llmcc.training.families.vector import NotExpressible
from llmcc.x86.registers import XMM, spelled

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

    out = iterations_but_one(contract, counted_latch(contract), count, word)
    out += [f"\tsubq\t${block}, %{count}", "\tjb\t.LH", *_power_in(factor, source, block, p, isa)]
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
        out += [f"\t{load}\t{place}, %{prefix}{fresh}"]
        out += _times_plus(prefix, factor, register, fresh)
    out += advance(contract, block)
    out += [f"\tsubq\t${block}, %{count}", "\tjae\t.LR0", *_power_in(factor, source, lanes, p, isa)]
    for register in sums[1:]:  # the earlier sum is the higher part
        out += _times_plus(prefix, factor, sums[0], register)
    half = lanes // 2
    while half:
        name, high = _upper_half(half, sums[0], fresh, isa)
        out += [*_power_in(factor, source, half, p, isa), high]
        out += _times_plus(name, factor, sums[0], fresh)
        half //= 2
    out += [f"\tvmovd\t%xmm{sums[0]}, {h}"]
    out += [] if is_512 else ["\tvzeroupper"]
    return "\n".join([*out, "\tjmp\t.LH"]) + "\n"


def _power_in(factor: int, source: str, exponent: int, low: str, isa: str) -> list[str]:
    """Fill vector register `factor` with k^exponent, a power of two, by way of `low`."""
    out = [f"\tmovl\t{source}, {low}"]
    out += [f"\timull\t{low}, {low}"] * (exponent.bit_length() - 1)
    if isa == "avx512":
        return [*out, f"\tvpbroadcastd\t{low}, %zmm{factor}"]
    return [*out, f"\tvmovd\t{low}, %xmm{factor}", f"\tvpbroadcastd\t%xmm{factor}, %ymm{factor}"]


def _times_plus(width: str, factor: int, into: int, other: int) -> list[str]:
    """Into = into * factor + other."""
    return [
        f"\tvpmulld\t%{width}{factor}, %{width}{into}, %{width}{into}",
        f"\tvpaddd\t%{width}{other}, %{width}{into}, %{width}{into}",
    ]


def _upper_half(half: int, source: int, target: int, isa: str) -> tuple[str, str]:
    """The width that `half` 32-bit lanes need, and the text that moves the upper ones down."""
    if half == 8:
        return "ymm", f"\tvextracti64x4\t$1, %zmm{source}, %ymm{target}"
    if half == 4:
        verb = "vextracti32x4" if isa == "avx512" else "vextracti128"
        return "xmm", f"\t{verb}\t$1, %ymm{source}, %xmm{target}"
    return "xmm", f"\tvpshufd\t${238 if half == 2 else 85}, %xmm{source}, %xmm{target}"


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
        name, high_a = _upper_half(half, a, fresh, isa)
        out += [high_a, _upper_half(half, b, other, isa)[1]]
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
        f"uint32_t @NAME@(const {element} *s, size_t n, uint32_t a0) "
        f"{{ uint32_t a = {start}, b = 0; "
        f"for (size_t i = 0; i < n; i++) {{ a += s[i]; b += a; }} return {result}; }}\n"
    )
    return Loop("double_sum", short, c, partial(_double_sum, size))


FAMILIES = (
    Family("polynomial_hash", "train", 1.2, partial(_draw_hash, "polynomial_hash", _KNOWN)),
    Family("horner", "validation", 0.8, partial(_draw_hash, "horner", ("x",))),
    Family("double_sum", "train", 0.3, _draw_double_sum),
)
