"""Make a term again with some of its parts replaced by what they are known to be."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from llmcc.prove.choices import ite, umax, umin
from llmcc.prove.compare import eq, ult
from llmcc.prove.counts import ashr, count_zeros, lshr, popcount, shl
from llmcc.prove.simplify import bitwise, concat, extract, linear, mul, sext, zext
from llmcc.prove.terms import Term


def rebuild(term: Term, known: Mapping[Term, Term]) -> Term:
    """Replace the keys of `known` in a term by their values, of the same widths."""
    made: dict[Term, Term] = {}
    waiting = [term]
    while waiting:
        one = waiting[-1]
        if one in made:
            waiting.pop()
        elif one in known:
            made[one] = known[one]
        elif missing := [arg for arg in one.args if arg not in made]:
            waiting.extend(missing)
        else:
            args = [made[arg] for arg in one.args]
            is_same = all(a is b for a, b in zip(args, one.args, strict=True))
            maker = _MAKERS.get(one.op)
            made[one] = one if is_same or maker is None else maker(one, args)
    return made[term]


def _folded(make: Callable[[Term, Term], Term]) -> Callable[[Term, list[Term]], Term]:
    def fold(term: Term, args: list[Term]) -> Term:
        found = args[0]
        for arg in args[1:]:
            found = make(found, arg)
        return found

    return fold


# An operation that is missing here keeps its old arguments, which is right, only less simple.
_MAKERS: dict[str, Callable[[Term, list[Term]], Term]] = {
    "sum": lambda term, args: linear(
        term.width, list(zip(term.data[0], args, strict=True)), term.data[1]
    ),
    "mul": _folded(mul),
    "and": lambda term, args: bitwise("and", args, term.width),
    "or": lambda term, args: bitwise("or", args, term.width),
    "xor": lambda term, args: bitwise("xor", args, term.width),
    "extract": lambda term, args: extract(args[0], term.data, term.width),
    "concat": lambda term, args: concat(args),
    "zext": lambda term, args: zext(args[0], term.width),
    "sext": lambda term, args: sext(args[0], term.width),
    "eq": lambda term, args: eq(args[0], args[1]),
    "ult": lambda term, args: ult(args[0], args[1]),
    "ite": lambda term, args: ite(args[0], args[1], args[2]),
    "umin": _folded(umin),
    "umax": _folded(umax),
    "shl": lambda term, args: shl(args[0], args[1]),
    "lshr": lambda term, args: lshr(args[0], args[1]),
    "ashr": lambda term, args: ashr(args[0], args[1]),
    "popcount": lambda term, args: popcount(args[0]),
    "clz": lambda term, args: count_zeros("clz", args[0]),
    "ctz": lambda term, args: count_zeros("ctz", args[0]),
}
