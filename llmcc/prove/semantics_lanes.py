"""What the lane-wise vector instructions do: arithmetic, comparisons, shifts, packs.

SSE and VEX forms share one function: a leading `v` means three operands and cleared upper bytes.
Source: Intel SDM vol. 2.
"""

from __future__ import annotations

from collections.abc import Callable

from llmcc.prove.choices import ite, smax, smin, umax, umin
from llmcc.prove.compare import eq, slt
from llmcc.prove.counts import ashr, lshr, shl
from llmcc.prove.decode import Immediate, Instruction, Memory, NotModelled, Register
from llmcc.prove.lanes import Refs, bitwise_map, from_lanes, join, lane_map, lanes, zeros
from llmcc.prove.simplify import add, complement, extract, linear, mul, sext, sub, zext
from llmcc.prove.state import State
from llmcc.prove.terms import Term, const

Semantics = Callable[[State, Instruction], None]
Lane = Callable[..., Term]


def is_vex(one: Instruction) -> bool:
    """Whether the instruction is VEX-encoded."""
    return one.mnemonic.startswith("v")


def size_of(one: Instruction) -> int:
    """Bytes of the target register."""
    target = one.operands[0]
    if not isinstance(target, Register) or not target.is_vector:
        raise NotModelled(f"{one.mnemonic} to memory")
    return target.bits // 8


def sources(state: State, one: Instruction) -> list[Refs]:
    """Read the two vector sources: of legacy SSE the target is the first."""
    size = size_of(one)
    operands = [o for o in one.operands if not isinstance(o, Immediate)]
    chosen = operands[1:3] if is_vex(one) else operands[:2]
    # Memory operands of legacy SSE must be aligned (SDM vol. 2, section 2.4: exception type 4).
    alignment = 1 if is_vex(one) else 16
    return [state.vec(operand, size, alignment=alignment) for operand in chosen]


def immediate(one: Instruction) -> int:
    """Return the last operand, 0..255."""
    last = one.operands[-1]
    if not isinstance(last, Immediate):
        raise NotModelled(f"{one.mnemonic} without its immediate")
    return last.value & 0xFF


def by_blocks(function: Callable[[Refs, Refs], Refs], left: Refs, right: Refs) -> Refs:
    """Apply a function to each 128-bit block."""
    found: Refs = ()
    for at in range(0, len(left), 16):
        found += function(left[at : at + 16], right[at : at + 16])
    return found


def two_sources(function: Callable[[Refs, Refs], Refs]) -> Semantics:
    """Make the semantics of an instruction of two vector sources."""

    def compute(state: State, one: Instruction) -> None:
        left, right = sources(state, one)
        state.put_vec(one.operands[0], function(left, right), is_vex=is_vex(one))

    return compute


def _each(size: int, lane: Lane) -> Semantics:
    return two_sources(lambda left, right: lane_map(size, lane, left, right))


def _bits(op: str) -> Semantics:
    return two_sources(lambda left, right: bitwise_map(op, left, right))


def _ones(count: int) -> Refs:
    return ((const(-1, 8), 0),) * count


def _and_not(left: Refs, right: Refs) -> Refs:
    return bitwise_map("and", bitwise_map("xor", left, _ones(len(left))), right)


def _mask(test: Callable[[Term, Term], Term]) -> Lane:
    """A comparison that fills the lane."""
    return lambda a, b: sext(test(a, b), a.width)


def _clamped(value: Term, low: int, high: int, width: int) -> Term:
    """Saturate a wide signed value to [low, high] and cut it."""
    if low == 0 and value.top <= high:
        return extract(value, 0, width)
    bounded = smin(smax(value, const(low, value.width)), const(high, value.width))
    return extract(bounded, 0, width)


def _saturated(combine: Callable[[Term, Term], Term], *, is_signed: bool) -> Lane:
    def compute(a: Term, b: Term) -> Term:
        width = a.width
        if is_signed:
            wide = combine(sext(a, 2 * width), sext(b, 2 * width))
            half = 1 << (width - 1)
            return _clamped(wide, -half, half - 1, width)
        if combine is sub:
            return sub(a, umin(a, b))
        return add(a, umin(complement(a), b))

    return compute


def _high(grow: Callable[[Term, int], Term]) -> Lane:
    return lambda a, b: extract(mul(grow(a, 32), grow(b, 32)), 16, 16)


def _average(a: Term, b: Term) -> Term:
    wide = a.width + 1
    return extract(add(zext(a, wide), zext(b, wide), const(1, wide)), 1, a.width)


def _odd_product(grow: Callable[[Term, int], Term]) -> Lane:
    """Product of the low halves, at full width."""

    def compute(a: Term, b: Term) -> Term:
        half = a.width // 2
        low = [grow(extract(term, 0, half), a.width) for term in (a, b)]
        return mul(low[0], low[1])

    return compute


def _pair_products(a: Term, b: Term) -> Term:
    """pmaddwd: two signed products of words, added."""
    products = [mul(sext(extract(a, at, 16), 32), sext(extract(b, at, 16), 32)) for at in (0, 16)]
    return add(*products)


def _byte_products(a: Term, b: Term) -> Term:
    """pmaddubsw: unsigned times signed bytes, added with saturation."""
    products = [mul(zext(extract(a, at, 8), 32), sext(extract(b, at, 8), 32)) for at in (0, 8)]
    return _clamped(add(*products), -0x8000, 0x7FFF, 16)


def _sign(a: Term, b: Term) -> Term:
    zero = const(0, a.width)
    return ite(slt(b, zero), sub(zero, a), ite(eq(b, zero), zero, a))


def _sad(a: Term, b: Term) -> Term:
    """psadbw: sum of the absolute differences of 8 bytes."""
    parts: list[tuple[int, Term]] = []
    for at in range(0, 64, 8):
        pair = (extract(a, at, 8), extract(b, at, 8))
        parts.append((1, zext(sub(umax(*pair), umin(*pair)), 64)))
    return linear(64, parts)


def _absolute(size: int) -> Semantics:
    def lane(value: Term) -> Term:
        zero = const(0, value.width)
        return ite(slt(value, zero), sub(zero, value), value)

    def compute(state: State, one: Instruction) -> None:
        target, source = one.operands
        refs = state.vec(source, size_of(one), alignment=1 if is_vex(one) else 16)
        state.put_vec(target, lane_map(size, lane, refs), is_vex=is_vex(one))

    return compute


def _pack(size: int, *, is_signed: bool) -> Semantics:
    """Saturate signed lanes of `size` bytes to half of it, block by block."""
    half = 4 * size
    low, high = (-(1 << half - 1), (1 << half - 1) - 1) if is_signed else (0, (1 << half) - 1)

    def block(left: Refs, right: Refs) -> Refs:
        values = lanes(left, size) + lanes(right, size)
        return from_lanes([_clamped(value, low, high, half) for value in values])

    return two_sources(lambda left, right: by_blocks(block, left, right))


def _horizontal(size: int, combine: Callable[[Term, Term], Term]) -> Semantics:
    def block(left: Refs, right: Refs) -> Refs:
        values = lanes(left, size) + lanes(right, size)
        return from_lanes([combine(a, b) for a, b in zip(values[::2], values[1::2], strict=True)])

    return two_sources(lambda left, right: by_blocks(block, left, right))


def _shift(size: int, move: Callable[[Term, Term], Term]) -> Semantics:
    """Shift all lanes by an immediate or by the low 8 bytes of the last source."""

    def compute(state: State, one: Instruction) -> None:
        target, by = one.operands[0], one.operands[-1]
        source = one.operands[-2]
        if isinstance(by, Immediate):
            count = const(by.value & 0xFF, 64)
        else:
            alignment = 1 if is_vex(one) else 16
            count = join(state.vec(by, 16, alignment=alignment)[:8])
        refs = state.vec(source, size_of(one))
        moved = lane_map(size, lambda lane: move(lane, count), refs)
        state.put_vec(target, moved, is_vex=is_vex(one))

    return compute


def _shift_bytes(state: State, one: Instruction) -> None:
    """pslldq, psrldq."""
    count = min(immediate(one), 16)
    refs = state.vec(one.operands[-2], size_of(one))

    def block(left: Refs, right: Refs) -> Refs:
        if one.mnemonic.endswith("psrldq"):
            return left[count:] + zeros(count)
        return zeros(count) + left[: 16 - count]

    state.put_vec(one.operands[0], by_blocks(block, refs, refs), is_vex=is_vex(one))


def _masked(size: int) -> Semantics:
    """vpmaskmov: lanes whose mask is negative are moved, the others not even touched."""

    def compute(state: State, one: Instruction) -> None:
        target, middle, last = one.operands
        if isinstance(target, Memory):
            address = state.address(target)
            mask, data = state.vec(middle, target.size_bytes), state.vec(last, target.size_bytes)
            for at, lane in enumerate(lanes(mask, size)):
                bit = extract(lane, lane.width - 1, 1)
                if bit.is_const and not bit.data:
                    continue
                when = None if bit.is_const else bit
                state.store(address + at * size, data[at * size : (at + 1) * size], when=when)
            return
        if not isinstance(last, Memory):
            raise NotModelled(one.mnemonic)
        address = state.address(last)
        found: Refs = ()
        for at, lane in enumerate(lanes(state.vec(middle, size_of(one)), size)):
            bit = extract(lane, lane.width - 1, 1)
            if bit.is_const and not bit.data:
                found += zeros(size)
                continue
            when = None if bit.is_const else bit
            term = join(state.load(address + at * size, size, when=when))
            found += from_lanes([ite(bit, term, const(0, term.width))])
        state.put_vec(target, found, is_vex=True)

    return compute


_WIDTHS = {"b": 1, "w": 2, "d": 4, "q": 8}


def _per_width(pattern: str, widths: str, lane: Lane) -> dict[str, Semantics]:
    return {pattern.format(w): _each(_WIDTHS[w], lane) for w in widths}


SSE_LANES: dict[str, Semantics] = {
    **_per_width("padd{}", "bwdq", add),
    **_per_width("psub{}", "bwdq", sub),
    **_per_width("padds{}", "bw", _saturated(add, is_signed=True)),
    **_per_width("psubs{}", "bw", _saturated(sub, is_signed=True)),
    **_per_width("paddus{}", "bw", _saturated(add, is_signed=False)),
    **_per_width("psubus{}", "bw", _saturated(sub, is_signed=False)),
    **_per_width("pmull{}", "wd", mul),
    "pmulhw": _each(2, _high(sext)),
    "pmulhuw": _each(2, _high(zext)),
    "pmuludq": _each(8, _odd_product(zext)),
    "pmuldq": _each(8, _odd_product(sext)),
    "pmaddwd": _each(4, _pair_products),
    "pmaddubsw": _each(2, _byte_products),
    **_per_width("pavg{}", "bw", _average),
    **_per_width("pminu{}", "bwd", umin),
    **_per_width("pmaxu{}", "bwd", umax),
    **_per_width("pmins{}", "bwd", smin),
    **_per_width("pmaxs{}", "bwd", smax),
    **_per_width("pcmpeq{}", "bwdq", _mask(eq)),
    **_per_width("pcmpgt{}", "bwdq", _mask(lambda a, b: slt(b, a))),
    **_per_width("psign{}", "bwd", _sign),
    "psadbw": _each(8, _sad),
    **{name: _bits("and") for name in ("pand", "andps", "andpd")},
    **{name: _bits("or") for name in ("por", "orps", "orpd")},
    **{name: _bits("xor") for name in ("pxor", "xorps", "xorpd")},
    **{name: two_sources(_and_not) for name in ("pandn", "andnps", "andnpd")},
    "pabsb": _absolute(1), "pabsw": _absolute(2), "pabsd": _absolute(4),
    "packsswb": _pack(2, is_signed=True), "packssdw": _pack(4, is_signed=True),
    "packuswb": _pack(2, is_signed=False), "packusdw": _pack(4, is_signed=False),
    "phaddw": _horizontal(2, add), "phaddd": _horizontal(4, add),
    "phsubw": _horizontal(2, sub), "phsubd": _horizontal(4, sub),
    "psllw": _shift(2, shl), "pslld": _shift(4, shl), "psllq": _shift(8, shl),
    "psrlw": _shift(2, lshr), "psrld": _shift(4, lshr), "psrlq": _shift(8, lshr),
    "psraw": _shift(2, ashr), "psrad": _shift(4, ashr),
    "pslldq": _shift_bytes, "psrldq": _shift_bytes,
}  # fmt: skip

AVX_LANES: dict[str, Semantics] = {
    "vpsllvd": _each(4, shl), "vpsllvq": _each(8, shl),
    "vpsrlvd": _each(4, lshr), "vpsrlvq": _each(8, lshr), "vpsravd": _each(4, ashr),
    "vpmaskmovd": _masked(4), "vpmaskmovq": _masked(8),
    "vmaskmovps": _masked(4), "vmaskmovpd": _masked(8),
}  # fmt: skip
