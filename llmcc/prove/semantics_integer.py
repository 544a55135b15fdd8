"""What the general instructions do: mnemonic -> function on the symbolic state.

Source: Intel SDM vol. 2. Division, pdep, pext, shld and shrd are left out: they have no semantics,
so nothing is proved about code that holds them.
"""

from __future__ import annotations

from collections.abc import Callable

from llmcc.prove.choices import ite
from llmcc.prove.compare import eq
from llmcc.prove.counts import ashr
from llmcc.prove.decode import Instruction, Memory, NotModelled, Operand, Register
from llmcc.prove.flags import (
    Flags,
    Lazy,
    add_flags,
    carry_flags,
    condition,
    logic_flags,
    sub_flags,
    undefined,
)
from llmcc.prove.simplify import (
    add,
    bitwise,
    complement,
    extract,
    mul,
    sext,
    sub,
    zext,
)
from llmcc.prove.state import State
from llmcc.prove.terms import Term, const, intern

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




    "imul": _imul, "mul": _mul, "mulx": _mulx,




    "cbw": _widen(8, 16, to_rdx=False), "cwde": _widen(16, 32, to_rdx=False),
    "cdqe": _widen(32, 64, to_rdx=False), "cwd": _widen(16, 16, to_rdx=True),
    "cdq": _widen(32, 32, to_rdx=True), "cqo": _widen(64, 64, to_rdx=True),
    "nop": _nop,
    **{f"set{name}": _set(name) for name in CONDITIONS},
    **{f"cmov{name}": _cmov(name) for name in CONDITIONS},
}  # fmt: skip
