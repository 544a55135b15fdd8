"""Ask z3 whether a 1-bit term can be true. The last resort: structure decides most.

z3 is imported at the first question (0.1 s).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from llmcc.prove.terms import Term


class Answer(Enum):
    """What the solver says."""

    NEVER = "never"
    POSSIBLE = "possible"
    UNKNOWN = "unknown"  # it gave up in the time allowed


@dataclass(frozen=True, slots=True)
class Reply:
    """The solver's word, with values of the variables when it is POSSIBLE."""

    answer: Answer
    values: Mapping[Term, int]


def ask(conditions: Sequence[Term], *, timeout_s: float) -> Reply:
    """Ask whether all 1-bit terms can be true together."""
    if any(one.is_const and not one.data for one in conditions):
        return Reply(Answer.NEVER, {})
    import z3

    if timeout_s <= 0:
        return Reply(Answer.UNKNOWN, {})
    solver = z3.SolverFor("QF_UFBV" if any(map(_has_float, conditions)) else "QF_BV")
    solver.set("timeout", max(1, int(timeout_s * 1000)))
    made: dict[Term, Any] = {}
    for one in conditions:
        solver.add(translate(one, made) == 1)
    result = solver.check()
    if result == z3.unsat:
        return Reply(Answer.NEVER, {})
    if result != z3.sat:
        return Reply(Answer.UNKNOWN, {})
    model = solver.model()
    values = {
        term: model.eval(expression, model_completion=True).as_long()
        for term, expression in made.items()
        if term.op == "var"
    }
    return Reply(Answer.POSSIBLE, values)


def _has_float(term: Term) -> bool:
    seen: set[Term] = set()
    waiting = [term]
    while waiting:
        one = waiting.pop()
        if one.op == "fp":
            return True
        if one not in seen:
            seen.add(one)
            waiting.extend(one.args)
    return False


def translate(term: Term, made: dict[Term, Any]) -> Any:
    """Make the z3 expression of a term; `made` holds those that exist and is added to."""
    waiting = [term]
    while waiting:
        one = waiting[-1]
        if one in made:
            waiting.pop()
            continue
        missing = [arg for arg in one.args if arg not in made]
        if missing:
            waiting.extend(missing)
            continue
        waiting.pop()
        made[one] = _expression(one, [made[arg] for arg in one.args])
    return made[term]


def _expression(term: Term, args: list[Any]) -> Any:
    import z3

    if term.op == "const":
        return z3.BitVecVal(term.data, term.width)
    if term.op == "var":
        return z3.BitVec(f"{term.data}.{term.width}", term.width)
    return _TRANSLATIONS[term.op](z3, term, args)


def _sum(z3: Any, term: Term, args: list[Any]) -> Any:
    factors, constant = term.data
    total = z3.BitVecVal(constant, term.width)
    for factor, arg in zip(factors, args, strict=True):
        total = total + (arg if factor == 1 else arg * z3.BitVecVal(factor, term.width))
    return total


def _fold(combine: Callable[[Any, Any], Any]) -> Callable[[Any, Term, list[Any]], Any]:
    def fold(z3: Any, term: Term, args: list[Any]) -> Any:
        found = args[0]
        for arg in args[1:]:
            found = combine(found, arg)
        return found

    return fold


def _bit(z3: Any, test: Any) -> Any:
    return z3.If(test, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1))


def _shift(z3: Any, term: Term, args: list[Any]) -> Any:
    value, count = args
    wide = max(term.width, term.args[1].width)
    grow = z3.SignExt if term.op == "ashr" else z3.ZeroExt
    value = grow(wide - term.width, value)
    count = z3.ZeroExt(wide - term.args[1].width, count)
    match term.op:
        case "shl":
            moved = value << count
        case "lshr":
            moved = z3.LShR(value, count)
        case _:
            moved = value >> count
    # From the term's width on a longer value must not bring bits back.
    if term.op == "shl" and wide > term.width:
        moved = z3.If(z3.UGE(count, term.width), z3.BitVecVal(0, wide), moved)
    return z3.Extract(term.width - 1, 0, moved)


def _popcount(z3: Any, term: Term, args: list[Any]) -> Any:
    parts = [z3.Extract(bit, bit, args[0]) for bit in range(term.width)]
    while len(parts) > 1:
        parts = [
            z3.ZeroExt(1, a) + z3.ZeroExt(1 + a.size() - b.size(), b)
            for a, b in zip(parts[::2], [*parts[1::2], z3.BitVecVal(0, 1)], strict=False)
        ]
    count = parts[0]
    if count.size() < term.width:
        return z3.ZeroExt(term.width - count.size(), count)
    return z3.Extract(term.width - 1, 0, count)


def _zeros(z3: Any, term: Term, args: list[Any]) -> Any:
    width = term.width
    order = range(width) if term.op == "clz" else reversed(range(width))
    found = z3.BitVecVal(width, width)
    for bit in order:
        count = width - 1 - bit if term.op == "clz" else bit
        is_set = z3.Extract(bit, bit, args[0]) == 1
        found = z3.If(is_set, z3.BitVecVal(count, width), found)
    return found


def _blsr(z3: Any, term: Term, args: list[Any]) -> Any:
    value = args[0]
    for _ in range(term.data):
        value = value & (value - 1)
    return value


def _high(z3: Any, term: Term, args: list[Any]) -> Any:
    grow = z3.SignExt if term.op == "smulh" else z3.ZeroExt
    product = grow(term.width, args[0]) * grow(term.width, args[1])
    return z3.Extract(2 * term.width - 1, term.width, product)


def _extreme(z3: Any, term: Term, args: list[Any]) -> Any:
    found = args[0]
    for arg in args[1:]:
        is_less = z3.ULT(found, arg)
        found = z3.If(is_less, found, arg) if term.op == "umin" else z3.If(is_less, arg, found)
    return found


def _uninterpreted(z3: Any, term: Term, args: list[Any]) -> Any:
    sorts = [z3.BitVecSort(arg.width) for arg in term.args]
    return z3.Function(f"{term.data}.{term.width}", *sorts, z3.BitVecSort(term.width))(*args)


_TRANSLATIONS: dict[str, Callable[[Any, Term, list[Any]], Any]] = {
    "sum": _sum,
    "mul": _fold(lambda a, b: a * b),
    "and": _fold(lambda a, b: a & b),
    "or": _fold(lambda a, b: a | b),
    "xor": _fold(lambda a, b: a ^ b),
    "shl": _shift,
    "lshr": _shift,
    "ashr": _shift,
    "extract": lambda z3, term, args: z3.Extract(term.data + term.width - 1, term.data, args[0]),
    "concat": lambda z3, term, args: z3.Concat(*reversed(args)),
    "zext": lambda z3, term, args: z3.ZeroExt(term.width - args[0].size(), args[0]),
    "sext": lambda z3, term, args: z3.SignExt(term.width - args[0].size(), args[0]),
    "eq": lambda z3, term, args: _bit(z3, args[0] == args[1]),
    "ult": lambda z3, term, args: _bit(z3, z3.ULT(args[0], args[1])),
    "ite": lambda z3, term, args: z3.If(args[0] == 1, args[1], args[2]),
    "umin": _extreme,
    "umax": _extreme,
    "popcount": _popcount,
    "clz": _zeros,
    "ctz": _zeros,
    "blsr": _blsr,
    "umulh": _high,
    "smulh": _high,
    "fp": _uninterpreted,
}
