"""Floating-point instructions as uninterpreted functions of their operands, lane by lane.

The same operation on the same operands, in the same order, gives the same result and raises the
same flags, whichever width of vector does it: that is all that is used. MXCSR's control bits are
taken to be the same on both sides; nothing changes them. Which operations were done is noted, so
that both sides can be shown to raise the same sticky flags.
Source: Intel SDM vol. 1, section 11.5; vol. 2.
"""

from __future__ import annotations

from collections.abc import Callable

from llmcc.prove.decode import Instruction, Memory
from llmcc.prove.flags import Flags, Lazy
from llmcc.prove.lanes import Refs, from_lanes, join, lanes
from llmcc.prove.semantics_lanes import Semantics, is_vex, size_of, sources
from llmcc.prove.simplify import sext
from llmcc.prove.state import State
from llmcc.prove.terms import Term, boolean, intern

BINARY = ("add", "sub", "mul", "div", "min", "max")
PREDICATES = ("eq", "lt", "le", "unord", "neq", "nlt", "nle", "ord")


def _applied(state: State, name: str, width: int, *operands: Term) -> Term:
    term = intern("fp", width, operands, f"{name}{operands[0].width}")
    state.float_operation(term)
    return term


def _lane_result(state: State, name: str, *operands: Term) -> Term:
    """A result as long as the operands; of a comparison a mask."""
    width = operands[0].width
    if name.startswith("cmp"):
        return sext(_applied(state, name, 1, *operands), width)
    return _applied(state, name, width, *operands)


def _packed(name: str, size: int) -> Semantics:
    def compute(state: State, one: Instruction) -> None:
        pairs = zip(*(lanes(refs, size) for refs in sources(state, one)), strict=True)
        found = [_lane_result(state, name, a, b) for a, b in pairs]
        state.put_vec(one.operands[0], from_lanes(found), is_vex=is_vex(one))

    return compute


def _scalar(name: str, size: int) -> Semantics:
    """The lowest lane; the rest of the first source stays."""

    def compute(state: State, one: Instruction) -> None:
        target = one.operands[0]
        first, second = one.operands[1:3] if is_vex(one) else one.operands[:2]
        old = state.vec(first, 16)
        pair = join(old[:size]), join(state.vec(second, size))
        low = from_lanes([_lane_result(state, name, *pair)])
        state.put_vec(target, low + old[size:], is_vex=is_vex(one))

    return compute


def _root(size: int) -> Semantics:
    def compute(state: State, one: Instruction) -> None:
        target, source = one.operands
        refs = state.vec(source, size_of(one), alignment=1 if is_vex(one) else 16)
        found = [_lane_result(state, "sqrt", lane) for lane in lanes(refs, size)]
        state.put_vec(target, from_lanes(found), is_vex=is_vex(one))

    return compute


def _convert(name: str, small: int, large: int) -> Semantics:
    """Conversions of packed lanes from `small` bytes to `large`."""

    def compute(state: State, one: Instruction) -> None:
        target, source = one.operands
        count = size_of(one)
        is_whole = small == large and isinstance(source, Memory) and not is_vex(one)
        refs: Refs = state.vec(source, count * small // large, alignment=16 if is_whole else 1)
        found = [_applied(state, name, 8 * large, lane) for lane in lanes(refs, small)]
        state.put_vec(target, from_lanes(found), is_vex=is_vex(one))

    return compute


def _compare_low(name: str, size: int) -> Semantics:
    """The comparisons of the lowest lane: ZF, PF and CF tell of equal, unordered and less."""

    def compute(state: State, one: Instruction) -> None:
        left, right = (join(state.vec(operand, size)) for operand in one.operands)
        cleared: dict[str, Term | Lazy] = dict.fromkeys(("of", "sf", "af"), boolean(False))
        told = {flag: _applied(state, f"{name}.{flag}", 1, left, right) for flag in _TOLD}
        state.flags = Flags({**cleared, **told}, None)

    return compute


_TOLD = ("zf", "pf", "cf")
_KINDS: tuple[tuple[str, int, Callable[[str, int], Semantics]], ...] = (
    ("ps", 4, _packed),
    ("pd", 8, _packed),
    ("ss", 4, _scalar),
    ("sd", 8, _scalar),
)

SSE_FLOATS: dict[str, Semantics] = {
    **{f"{name}{kind}": make(name, size) for name in BINARY for kind, size, make in _KINDS},
    **{
        f"cmp{name}{kind}": make(f"cmp{name}", size)
        for name in PREDICATES
        for kind, size, make in _KINDS
    },
    "sqrtps": _root(4),
    "sqrtpd": _root(8),
    "cvtdq2ps": _convert("cvtdq2ps", 4, 4),
    "cvtps2dq": _convert("cvtps2dq", 4, 4),
    "cvttps2dq": _convert("cvttps2dq", 4, 4),
    "cvtdq2pd": _convert("cvtdq2pd", 4, 8),
    "cvtps2pd": _convert("cvtps2pd", 4, 8),
    **{f"{name}ss": _compare_low(name, 4) for name in ("comi", "ucomi")},
    **{f"{name}sd": _compare_low(name, 8) for name in ("comi", "ucomi")},
}
