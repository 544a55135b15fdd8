"""What the general instructions that shift, rotate, count and cut bits do.

Source: Intel SDM vol. 2. pdep, pext, shld and shrd are left out.
"""

from __future__ import annotations

from collections.abc import Callable

from llmcc.prove.choices import blsr, ite
from llmcc.prove.compare import eq, ult
from llmcc.prove.counts import ashr, count_zeros, lshr, popcount, shl
from llmcc.prove.decode import Immediate, Instruction, Memory, NotModelled
from llmcc.prove.flags import (
    Flags,
    Lazy,
    is_zero,
    result_flags,
    sign,
    undefined,
)
from llmcc.prove.semantics_integer import Semantics, width_of
from llmcc.prove.simplify import (
    bitwise,
    complement,
    concat,
    extract,
    linear,
    sub,
)
from llmcc.prove.state import State
from llmcc.prove.terms import Term, boolean, const

_RAX = 0

# ---------------------------------------------------------------- shifts


def _count(state: State, one: Instruction, width: int) -> Term:
    """The masked count of a shift, 8 bits."""
    if len(one.operands) == 1:
        return const(1, 8)
    count = state.read(one.operands[1], 8)
    return bitwise("and", (count, const(63 if width == 64 else 31, 8)), 8)


def _shift(move: Callable[[Term, Term], Term], last_out: Callable[[Term, Term], Term]) -> Semantics:
    def compute(state: State, one: Instruction) -> None:
        target = one.operands[0]
        value = state.read(target, width_of(target))
        count = _count(state, one, value.width)
        result = move(value, count)
        state.write(target, result)
        flags = Flags(
            {
                **result_flags(result),
                "cf": lambda: last_out(value, count),
                "of": lambda: _shift_overflow(one.mnemonic, value, count, result),
                "af": undefined,
            },
            None,
        )
        state.flags = _unless_zero(count, flags, state.flags)

    return compute


def _unless_zero(count: Term, new: Flags, old: Flags) -> Flags:
    """Flags of a shift: by 0 it changes none."""
    if count.is_const:
        return new if count.data else old

    def lazy(name: str) -> Lazy:
        return lambda: ite(is_zero(count), old.get(name), new.get(name))

    return Flags({name: lazy(name) for name in ("cf", "pf", "af", "zf", "sf", "of")}, None)


def _shift_overflow(mnemonic: str, value: Term, count: Term, result: Term) -> Term:
    """OF, which is defined for a count of 1 only."""
    match mnemonic:
        case "shr":
            bit = sign(value)
        case "sar":
            bit = boolean(False)
        case _:
            bit = bitwise("xor", (sign(value), sign(result)), 1)
    return ite(eq(count, const(1, 8)), bit, undefined())


def _bit_at(value: Term, position: Term) -> Term:
    return extract(lshr(value, position), 0, 1)


def _out_right(value: Term, count: Term) -> Term:
    return _defined(value, count, _bit_at(value, sub(count, const(1, 8))))


def _out_right_signed(value: Term, count: Term) -> Term:
    return extract(ashr(value, sub(count, const(1, 8))), 0, 1)


def _out_left(value: Term, count: Term) -> Term:
    return _defined(value, count, _bit_at(value, sub(const(value.width, 8), count)))


def _defined(value: Term, count: Term, bit: Term) -> Term:
    """CF, undefined when the count is not less than the width (8 and 16 bits only)."""
    is_fit = ult(count, const(value.width + 1, 8))
    if value.width < 32:
        is_fit = ult(count, const(value.width, 8))
    return ite(is_fit, bit, undefined())


def _turned(value: Term, low: int) -> Term:
    """Rotate right by a number."""
    if low == 0:
        return value
    return concat((extract(value, low, value.width - low), extract(value, 0, low)))


def _rotate(*, is_left: bool) -> Semantics:
    def compute(state: State, one: Instruction) -> None:
        target = one.operands[0]
        value = state.read(target, width_of(target))
        masked = _count(state, one, value.width)
        width = value.width
        by = bitwise("and", (masked, const(width - 1, 8)), 8)
        back = sub(const(width, 8), by)
        first, second = (shl, lshr) if is_left else (lshr, shl)
        if by.is_const:
            low = by.data if not is_left else (width - by.data) % width
            result = _turned(value, low)
        else:
            result = bitwise("or", (first(value, by), second(value, back)), width)
        state.write(target, result)
        top, low_bit = sign(result), extract(result, 0, 1)
        carry = low_bit if is_left else top
        over = (top, carry) if is_left else (top, extract(result, width - 2, 1))
        changed = state.flags.with_(
            cf=carry,
            of=lambda: ite(eq(masked, const(1, 8)), bitwise("xor", over, 1), undefined()),
        )
        state.flags = _unless_zero(masked, changed, state.flags)

    return compute


def _free_shift(move: Callable[[Term, Term], Term]) -> Semantics:
    """Shifts of BMI2: no flags, count in a register."""

    def compute(state: State, one: Instruction) -> None:
        target, source, by = one.operands
        bits = width_of(target)
        count = bitwise("and", (state.read(by, bits), const(bits - 1, bits)), bits)
        state.write(target, move(state.read(source, bits), count))

    return compute


def _rorx(state: State, one: Instruction) -> None:
    target, source, by = one.operands
    bits = width_of(target)
    value = state.read(source, bits)
    if not isinstance(by, Immediate):
        raise NotModelled("rorx by a register")
    low = by.value % bits
    state.write(target, _turned(value, low))


# ---------------------------------------------------------------- bits


def _bswap(state: State, one: Instruction) -> None:
    (target,) = one.operands
    value = state.read(target, width_of(target))
    pieces = [extract(value, at, 8) for at in range(0, value.width, 8)]
    state.write(target, concat(pieces[::-1]))


def _bt(state: State, one: Instruction) -> None:
    target, index = one.operands
    if isinstance(target, Memory):
        raise NotModelled("bt of memory")
    bits = width_of(target)
    place = bitwise("and", (state.read(index, bits), const(bits - 1, bits)), bits)
    bit = _bit_at(state.read(target, bits), place)
    state.flags = state.flags.with_(cf=bit, of=undefined, sf=undefined, af=undefined, pf=undefined)


def _scan(op: str) -> Semantics:
    """bsf, bsr: of 0 the target is undefined (AMD and Intel keep it)."""

    def compute(state: State, one: Instruction) -> None:
        target, source = one.operands
        value = state.read(source, width_of(target))
        found = count_zeros(op, value)
        if op == "clz":
            found = linear(value.width, [(-1, found)], value.width - 1)
        empty = is_zero(value)
        state.write(target, ite(empty, undefined(value.width), found))
        rest: dict[str, Term | Lazy] = dict.fromkeys(("sf", "cf", "of", "af", "pf"), undefined)
        state.flags = Flags({**rest, "zf": empty}, None)

    return compute


def _count_zeros(op: str) -> Semantics:
    def compute(state: State, one: Instruction) -> None:
        target, source = one.operands
        value = state.read(source, width_of(target))
        result = count_zeros(op, value)
        state.write(target, result)
        rest: dict[str, Term | Lazy] = dict.fromkeys(("sf", "of", "af", "pf"), undefined)
        state.flags = Flags({**rest, "cf": is_zero(value), "zf": is_zero(result)}, None)

    return compute


def _popcnt(state: State, one: Instruction) -> None:
    target, source = one.operands
    value = state.read(source, width_of(target))
    state.write(target, popcount(value))
    cleared: dict[str, Term | Lazy] = dict.fromkeys(("cf", "pf", "af", "sf", "of"), boolean(False))
    state.flags = Flags({**cleared, "zf": is_zero(value)}, None)


def _bmi_flags(result: Term, carry: Term) -> Flags:
    """Flags of BMI's bit instructions."""
    return Flags(
        {
            **result_flags(result),
            "cf": carry,
            "of": boolean(False),
            "af": undefined,
            "pf": undefined,
        },
        None,
    )


def _andn(state: State, one: Instruction) -> None:
    target, left, right = one.operands
    bits = width_of(target)
    pair = (complement(state.read(left, bits)), state.read(right, bits))
    result = bitwise("and", pair, bits)
    state.write(target, result)
    state.flags = _bmi_flags(result, boolean(False))


def _lowest(state: State, one: Instruction) -> None:
    """blsi, blsmsk, blsr: isolate, mask up to, clear the lowest set bit."""
    target, source = one.operands
    value = state.read(source, width_of(target))
    width = value.width
    empty = is_zero(value)
    match one.mnemonic:
        case "blsi":
            result = bitwise("and", (value, sub(const(0, width), value)), width)
            carry = complement(empty)
        case "blsmsk":
            result, carry = bitwise("xor", (value, sub(value, const(1, width))), width), empty
        case _:
            result, carry = blsr(value), empty
    state.write(target, result)
    state.flags = _bmi_flags(result, carry)


def _bzhi(state: State, one: Instruction) -> None:
    target, source, by = one.operands
    bits = width_of(target)
    value = state.read(source, bits)
    count = state.read(by, 8) if bits == 8 else extract(state.read(by, bits), 0, 8)
    is_short = ult(count, const(bits, 8))
    ones = complement(shl(const(-1, bits), count))
    result = ite(is_short, bitwise("and", (value, ones), bits), value)
    state.write(target, result)
    state.flags = _bmi_flags(result, complement(is_short))


def _bextr(state: State, one: Instruction) -> None:
    target, source, control = one.operands
    bits = width_of(target)
    how = state.read(control, bits)
    start, length = extract(how, 0, 8), extract(how, 8, 8)
    ones = complement(shl(const(-1, bits), length))
    result = bitwise("and", (lshr(state.read(source, bits), start), ones), bits)
    state.write(target, result)
    rest: dict[str, Term | Lazy] = dict.fromkeys(("sf", "af", "pf"), undefined)
    zero: dict[str, Term | Lazy] = dict.fromkeys(("cf", "of"), boolean(False))
    state.flags = Flags({**rest, **zero, "zf": is_zero(result)}, None)


BITS: dict[str, Semantics] = {
    "shl": _shift(shl, _out_left),
    "shr": _shift(lshr, _out_right),
    "sar": _shift(ashr, _out_right_signed),
    "rol": _rotate(is_left=True),
    "ror": _rotate(is_left=False),
    "rorx": _rorx,
    "shlx": _free_shift(shl),
    "shrx": _free_shift(lshr),
    "sarx": _free_shift(ashr),
    "bswap": _bswap,
    "bt": _bt,
    "bsf": _scan("ctz"),
    "bsr": _scan("clz"),
    "lzcnt": _count_zeros("clz"),
    "tzcnt": _count_zeros("ctz"),
    "popcnt": _popcnt,
    "andn": _andn,
    "blsi": _lowest,
    "blsmsk": _lowest,
    "blsr": _lowest,
    "bzhi": _bzhi,
    "bextr": _bextr,
}
