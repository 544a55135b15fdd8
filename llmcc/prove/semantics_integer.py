"""What the general instructions do: mnemonic -> function on the symbolic state.

Source: Intel SDM vol. 2. Division, pdep, pext, shld and shrd are left out: they have no semantics,
so nothing is proved about code that holds them.
"""

from __future__ import annotations

from collections.abc import Callable

from llmcc.prove.compare import (
    all_of,
    ashr,
    blsr,
    count_zeros,
    eq,
    ite,
    lshr,
    popcount,
    shl,
    ult,
)
from llmcc.prove.decode import Immediate, Instruction, Memory, NotModelled, Operand, Register
from llmcc.prove.flags import (
    Flags,
    Lazy,
    add_flags,
    carry_flags,
    condition,
    is_zero,
    logic_flags,
    result_flags,
    sign,
    sub_flags,
    undefined,
)
from llmcc.prove.simplify import (
    add,
    bitwise,
    complement,
    concat,
    extract,
    linear,
    mul,
    sext,
    sub,
    zext,
)
from llmcc.prove.state import State
from llmcc.prove.terms import Term, boolean, const, intern

Semantics = Callable[[State, Instruction], None]
_RAX, _RDX, _RCX = 0, 2, 1


def width_of(operand: Operand) -> int:
    """Width of a register or memory operand in bits."""
    match operand:
        case Register(_, bits):
            return bits
        case Memory():
            return 8 * operand.size_bytes
    raise NotModelled("an immediate has no width")


def _two(state: State, one: Instruction) -> tuple[Operand, Term, Term]:
    target, source = one.operands
    bits = width_of(target)
    return target, state.read(target, bits), state.read(source, bits)


def _mov(state: State, one: Instruction) -> None:
    target, source = one.operands
    state.write(target, state.read(source, width_of(target)))


def _extend(grow: Callable[[Term, int], Term]) -> Semantics:
    def move(state: State, one: Instruction) -> None:
        target, source = one.operands
        value = state.read(source, width_of(source))
        state.write(target, grow(value, width_of(target)))

    return move


def _lea(state: State, one: Instruction) -> None:
    target, source = one.operands
    if not isinstance(source, Memory) or source.is_rip:
        raise NotModelled("an address in the code")
    state.write(target, extract(state.effective(source), 0, width_of(target)))


def _add(state: State, one: Instruction) -> None:
    target, left, right = _two(state, one)
    state.write(target, add(left, right))
    state.flags = add_flags(left, right)


def _sub(state: State, one: Instruction) -> None:
    target, left, right = _two(state, one)
    state.write(target, sub(left, right))
    state.flags = sub_flags(left, right)


def _cmp(state: State, one: Instruction) -> None:
    _, left, right = _two(state, one)
    state.flags = sub_flags(left, right)


def _with_carry(*, is_sub: bool) -> Semantics:
    def compute(state: State, one: Instruction) -> None:
        target, left, right = _two(state, one)
        carry = state.flags.get("cf")
        wide = ite(carry, const(1, left.width), const(0, left.width))
        result = sub(sub(left, right), wide) if is_sub else add(left, right, wide)
        state.write(target, result)
        state.flags = carry_flags(left, right, carry, is_sub=is_sub)

    return compute


def _logic(op: str) -> Semantics:
    def compute(state: State, one: Instruction) -> None:
        target, left, right = _two(state, one)
        result = bitwise(op, (left, right), left.width)
        if one.mnemonic != "test":
            state.write(target, result)
        state.flags = logic_flags(result)

    return compute


def _not(state: State, one: Instruction) -> None:
    (target,) = one.operands
    state.write(target, complement(state.read(target, width_of(target))))


def _neg(state: State, one: Instruction) -> None:
    (target,) = one.operands
    value = state.read(target, width_of(target))
    zero = const(0, value.width)
    state.write(target, sub(zero, value))
    state.flags = sub_flags(zero, value)


def _step(*, is_up: bool) -> Semantics:
    def compute(state: State, one: Instruction) -> None:
        (target,) = one.operands
        value = state.read(target, width_of(target))
        unit = const(1, value.width)
        state.write(target, add(value, unit) if is_up else sub(value, unit))
        carry = state.flags.get("cf")
        state.flags = (add_flags if is_up else sub_flags)(value, unit).with_(cf=carry)

    return compute


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
            result = concat((extract(value, low, width - low), extract(value, 0, low))) if low else value
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
    if low:
        value = concat((extract(value, low, bits - low), extract(value, 0, low)))
    state.write(target, value)


# ---------------------------------------------------------------- products


def _product_flags(is_large: Callable[[], Term]) -> Flags:
    rest: dict[str, Term | Lazy] = dict.fromkeys(("sf", "zf", "af", "pf"), undefined)
    return Flags({**rest, "cf": is_large, "of": is_large}, None)


def _high_signed(left: Term, right: Term) -> Term:
    width = left.width
    if width < 64:
        wide = mul(sext(left, 2 * width), sext(right, 2 * width))
        return extract(wide, width, width)
    return intern("smulh", width, tuple(sorted((left, right), key=lambda t: t.serial)))


def _high_unsigned(left: Term, right: Term) -> Term:
    width = left.width
    if width < 64:
        wide = mul(zext(left, 2 * width), zext(right, 2 * width))
        return extract(wide, width, width)
    return intern("umulh", width, tuple(sorted((left, right), key=lambda t: t.serial)))


def _imul(state: State, one: Instruction) -> None:
    if len(one.operands) == 1:
        _wide_product(state, one, _high_signed)
        return
    target = one.operands[0]
    bits = width_of(target)
    left, right = (state.read(operand, bits) for operand in one.operands[-2:])
    result = mul(left, right)
    state.write(target, result)
    signs = ashr(result, const(bits - 1, 8))
    state.flags = _product_flags(lambda: complement(eq(_high_signed(left, right), signs)))


def _mul(state: State, one: Instruction) -> None:
    _wide_product(state, one, _high_unsigned)


def _wide_product(state: State, one: Instruction, high: Callable[[Term, Term], Term]) -> None:
    (source,) = one.operands
    bits = width_of(source)
    if bits < 32:
        raise NotModelled(f"{one.mnemonic} of {bits} bits")
    accumulator = Register(_RAX, bits, is_vector=False)
    left, right = state.read(accumulator, bits), state.read(source, bits)
    low, upper = mul(left, right), high(left, right)
    state.write(accumulator, low)
    state.write(Register(_RDX, bits, is_vector=False), upper)
    wanted = const(0, bits) if one.mnemonic == "mul" else ashr(low, const(bits - 1, 8))
    state.flags = _product_flags(lambda: complement(eq(upper, wanted)))


def _mulx(state: State, one: Instruction) -> None:
    high, low, source = one.operands
    bits = width_of(high)
    left = state.read(Register(_RDX, bits, is_vector=False), bits)
    right = state.read(source, bits)
    state.write(low, mul(left, right))
    state.write(high, _high_unsigned(left, right))


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


# ---------------------------------------------------------------- the rest


def _set(name: str) -> Semantics:
    def compute(state: State, one: Instruction) -> None:
        test = condition(state.flags, name)
        state.write(one.operands[0], ite(test, const(1, 8), const(0, 8)))

    return compute


def _cmov(name: str) -> Semantics:
    def compute(state: State, one: Instruction) -> None:
        target, old, new = _two(state, one)
        state.write(target, ite(condition(state.flags, name), new, old))

    return compute


def _widen(source: int, target: int, *, to_rdx: bool) -> Semantics:
    def compute(state: State, one: Instruction) -> None:
        value = state.read(Register(_RAX, source, is_vector=False), source)
        if to_rdx:
            signs = ashr(value, const(source - 1, 8))
            state.write(Register(_RDX, source, is_vector=False), signs)
        else:
            state.write(Register(_RAX, target, is_vector=False), sext(value, target))

    return compute


def _nop(state: State, one: Instruction) -> None:
    """Do nothing."""


CONDITIONS = "a ae b be e g ge l le ne no np ns o p s".split()

INTEGER: dict[str, Semantics] = {
    "mov": _mov, "movabs": _mov, "lea": _lea,
    "movzx": _extend(zext), "movsx": _extend(sext), "movsxd": _extend(sext),
    "add": _add, "sub": _sub, "cmp": _cmp,
    "adc": _with_carry(is_sub=False), "sbb": _with_carry(is_sub=True),
    "and": _logic("and"), "or": _logic("or"), "xor": _logic("xor"), "test": _logic("and"),
    "not": _not, "neg": _neg, "inc": _step(is_up=True), "dec": _step(is_up=False),
    "shl": _shift(shl, _out_left),
    "shr": _shift(lshr, _out_right), "sar": _shift(ashr, _out_right_signed),
    "rol": _rotate(is_left=True), "ror": _rotate(is_left=False), "rorx": _rorx,
    "shlx": _free_shift(shl), "shrx": _free_shift(lshr), "sarx": _free_shift(ashr),
    "imul": _imul, "mul": _mul, "mulx": _mulx,
    "bswap": _bswap, "bt": _bt, "bsf": _scan("ctz"), "bsr": _scan("clz"),
    "lzcnt": _count_zeros("clz"), "tzcnt": _count_zeros("ctz"), "popcnt": _popcnt,
    "andn": _andn, "blsi": _lowest, "blsmsk": _lowest, "blsr": _lowest, "bzhi": _bzhi,
    "bextr": _bextr,
    "cbw": _widen(8, 16, to_rdx=False), "cwde": _widen(16, 32, to_rdx=False),
    "cdqe": _widen(32, 64, to_rdx=False), "cwd": _widen(16, 16, to_rdx=True),
    "cdq": _widen(32, 32, to_rdx=True), "cqo": _widen(64, 64, to_rdx=True),
    "nop": _nop,
    **{f"set{name}": _set(name) for name in CONDITIONS},
    **{f"cmov{name}": _cmov(name) for name in CONDITIONS},
}  # fmt: skip
