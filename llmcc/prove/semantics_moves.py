"""What the vector instructions that move bytes do, and those that tell of their bits.

Source: Intel SDM vol. 2.
"""

from __future__ import annotations

from llmcc.prove.choices import all_of
from llmcc.prove.compare import eq
from llmcc.prove.decode import Instruction, Memory, NotModelled, Operand, Register
from llmcc.prove.flags import Flags, Lazy
from llmcc.prove.lanes import (
    Refs,
    bitwise_map,
    join,
    lanes,
    refs_of,
    zeros,
)
from llmcc.prove.semantics_lanes import (
    Semantics,
    is_vex,
    size_of,
    two_sources,
)
from llmcc.prove.simplify import concat, extract, zext
from llmcc.prove.state import YMM_BYTES, Fault, State
from llmcc.prove.terms import Term, boolean, const


def _is_vector(operand: Operand) -> bool:
    return isinstance(operand, Register) and operand.is_vector


# ---------------------------------------------------------------- moves


def _move(*, is_aligned: bool) -> Semantics:
    """Moves of whole registers."""

    def compute(state: State, one: Instruction) -> None:
        target, source = one.operands
        if isinstance(target, Memory):
            assert isinstance(source, Register)
            size = source.bits // 8
            _store(state, target, state.vec(source, size), alignment=size if is_aligned else 1)
            return
        size = size_of(one)
        refs = state.vec(source, size, alignment=size if is_aligned else 1)
        state.put_vec(target, refs, is_vex=is_vex(one))

    return compute


def _store(state: State, target: Memory, refs: Refs, *, alignment: int = 1) -> None:
    address = state.address(target)
    if address % alignment:
        raise Fault(f"{address:#x} is not aligned to {alignment}")
    state.store(address, refs)


def _move_low(size: int) -> Semantics:
    """movd, movq: between vector, general registers and memory, the rest is cleared."""

    def compute(state: State, one: Instruction) -> None:
        target, source = one.operands
        if _is_vector(target):
            refs = (
                state.vec(source, size)
                if _is_vector(source) or isinstance(source, Memory)
                else refs_of(state.read(source, 8 * size))
            )
            state.put_vec(target, refs + zeros(16 - size), is_vex=is_vex(one))
        elif isinstance(target, Memory):
            state.store(state.address(target), state.vec(source, size))
        else:
            state.write(target, join(state.vec(source, size)))

    return compute


def _move_scalar(size: int) -> Semantics:
    """movss, movsd: registers keep the rest, a load clears it."""

    def compute(state: State, one: Instruction) -> None:
        target, source = one.operands[0], one.operands[-1]
        if isinstance(target, Memory):
            if isinstance(source, Memory):
                raise NotModelled("a string instruction")
            state.store(state.address(target), state.vec(source, size))
            return
        if isinstance(source, Memory):
            refs = state.vec(source, size) + zeros(16 - size)
        else:
            rest = one.operands[1] if is_vex(one) else target
            refs = state.vec(source, size) + state.vec(rest, 16)[size:]
        state.put_vec(target, refs, is_vex=is_vex(one))

    return compute


def _move_half(*, is_high: bool) -> Semantics:
    """movlps, movhps and their pd forms: 8 bytes of memory to or from one half."""

    def compute(state: State, one: Instruction) -> None:
        target, source = one.operands[0], one.operands[-1]
        if isinstance(target, Memory):
            refs = state.vec(source, 16)
            state.store(state.address(target), refs[8:] if is_high else refs[:8])
            return
        old = state.vec(one.operands[1] if is_vex(one) else target, 16)
        half = state.vec(source, 8)
        refs = old[:8] + half if is_high else half + old[8:]
        state.put_vec(target, refs, is_vex=is_vex(one))

    return compute


def _vzeroupper(state: State, one: Instruction) -> None:
    state.vector = [refs[:16] + zeros(YMM_BYTES - 16) for refs in state.vector]


def _move_mask(size: int) -> Semantics:
    """pmovmskb, movmskps, movmskpd: the lanes' top bits as a number."""

    def compute(state: State, one: Instruction) -> None:
        target, source = one.operands
        assert isinstance(source, Register)
        values = lanes(state.vec(source, source.bits // 8), size)
        bits = concat([extract(value, value.width - 1, 1) for value in values])
        assert isinstance(target, Register)
        state.write(Register(target.number, 32, is_vector=False), zext(bits, 32))

    return compute


def _test(state: State, one: Instruction) -> None:
    """ptest: ZF when left & right is 0, CF when ~left & right is."""
    left_operand, right_operand = one.operands
    assert isinstance(left_operand, Register)
    size = left_operand.bits // 8
    left = state.vec(left_operand, size)
    right = state.vec(right_operand, size, alignment=1 if is_vex(one) else 16)

    def is_empty(refs: Refs) -> Term:
        pieces: list[Term] = []
        for at in range(0, size, 8):
            term = join(refs[at : at + 8])
            pieces.append(eq(term, const(0, term.width)))
        return all_of(pieces)

    inverted = bitwise_map("xor", left, ((const(-1, 8), 0),) * size)
    cleared: dict[str, Term | Lazy] = dict.fromkeys(("of", "sf", "af", "pf"), boolean(False))
    state.flags = Flags(
        {
            **cleared,
            "zf": lambda: is_empty(bitwise_map("and", left, right)),
            "cf": lambda: is_empty(bitwise_map("and", inverted, right)),
        },
        None,
    )


SSE_MOVES: dict[str, Semantics] = {
    **{name: _move(is_aligned=True) for name in ("movdqa", "movaps", "movapd")},
    **{name: _move(is_aligned=False) for name in ("movdqu", "movups", "movupd", "lddqu")},
    "movd": _move_low(4),
    "movq": _move_low(8),
    "movss": _move_scalar(4),
    "movsd": _move_scalar(8),
    "movlps": _move_half(is_high=False),
    "movlpd": _move_half(is_high=False),
    "movhps": _move_half(is_high=True),
    "movhpd": _move_half(is_high=True),
    "movhlps": two_sources(lambda left, right: right[8:16] + left[8:]),
    "movlhps": two_sources(lambda left, right: left[:8] + right[:8]),
    "pmovmskb": _move_mask(1),
    "movmskps": _move_mask(4),
    "movmskpd": _move_mask(8),
    "ptest": _test,
}

AVX_MOVES: dict[str, Semantics] = {"vzeroupper": _vzeroupper}
