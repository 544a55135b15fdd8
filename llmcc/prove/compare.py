"""Normal forms of comparisons: eq and ult; signed ones are unsigned ones of flipped signs."""

from __future__ import annotations

from collections.abc import Callable

from llmcc.prove.choices import all_of, ite, minmax
from llmcc.prove.counts import count_zeros, popcount, shl
from llmcc.prove.simplify import (
    add,
    bitwise,
    complement,
    extract,
    linear,
    never_wraps,
    sext,
    sub,
    zext,
)
from llmcc.prove.terms import Term, boolean, const, intern


def eq(left: Term, right: Term) -> Term:
    """Make left == right, 1 bit."""
    if left is right:
        return boolean(True)
    if left.is_const:
        left, right = right, left
    if left.is_const:
        return boolean(left.data == right.data)
    if left.width == 1:
        return complement(bitwise("xor", (left, right), 1))
    if right.is_const:
        return _eq_const(left, right.data)
    if (found := _eq_pair(left, right) or _eq_pair(right, left)) is not None:
        return found
    difference = sub(left, right)
    if difference.op == "const":
        return boolean(difference.data == 0)
    if difference.op == "sum":
        return _zero_sum(difference)
    return _eq_const(difference, 0)


def _eq_pair(left: Term, right: Term) -> Term | None:
    if left.op in ("umin", "umax") and right in left.args:
        rest = [arg for arg in left.args if arg is not right]
        other = minmax(left.op, rest)
        pair = (other, right) if left.op == "umin" else (right, other)
        return complement(ult(*pair))
    if left.op == "blsr" and right is _top_bit(left.args[0]):
        # What is left after n lowest bits were cleared is the highest one when there were n + 1.
        return eq(popcount(left.args[0]), const(left.data + 1, left.width))
    if left.op == right.op and left.op in ("zext", "sext"):
        a, b = left.args[0], right.args[0]
        if a.width == b.width:
            return eq(a, b)
    if left.op == right.op == "concat":
        widths = [arg.width for arg in left.args]
        if widths == [arg.width for arg in right.args]:
            return all_of([eq(a, b) for a, b in zip(left.args, right.args, strict=True)])
    return None


def _top_bit(word: Term) -> Term | None:
    """The highest set bit of a word as it is made with lzcnt; the top bit when there is none."""
    width = word.width
    bits = width.bit_length() - 1
    if width != 1 << bits or bits < 3:
        return None
    zeros = extract(count_zeros("clz", word), 0, bits)
    return shl(const(1, width), zext(complement(zeros), width))


def _zero_sum(term: Term) -> Term:
    """Make `term == 0` of a sum with one sign for both spellings of it."""
    factors, constant = term.data
    width = term.width
    if len(term.args) == 2 and constant == 0 and sum(factors) == 1 << width and 1 in factors:
        left, right = term.args
        return _eq_pair(left, right) or _eq_pair(right, left) or intern("eq", 1, term.args)
    if len(term.args) == 1:
        return _eq_const(term, 0)
    if factors[0] >> (width - 1):
        negative = linear(width, [(-1, term)])
        factors, constant = negative.data
        term = negative
    return intern("eq", 1, (term, const(0, width)))


def _eq_const(term: Term, value: int) -> Term:
    if value > term.top:
        return boolean(False)
    if term.op in _EQUALITIES and (found := _EQUALITIES[term.op](term, value)) is not None:
        return found
    return intern("eq", 1, (term, const(value, term.width)))


def _eq_extended(term: Term, value: int) -> Term:
    inner = term.args[0]
    cut = const(value, inner.width)
    grown = (zext if term.op == "zext" else sext)(cut, term.width)
    return eq(inner, cut) if grown.data == value else boolean(False)


def _eq_choice(term: Term, value: int) -> Term | None:
    test, high, low = term.args
    if not high.is_const and not low.is_const:
        return None
    target = const(value, term.width)
    return ite(test, eq(high, target), eq(low, target))


def _eq_or(term: Term, value: int) -> Term | None:
    zero = const(0, term.width)
    return all_of([eq(arg, zero) for arg in term.args]) if value == 0 else None


def _eq_xor(term: Term, value: int) -> Term | None:
    if value == 0 and len(term.args) == 2:
        return eq(*term.args)
    if not term.args[0].is_const:
        return None
    rest = bitwise("xor", term.args[1:], term.width)
    return eq(rest, const(value ^ term.args[0].data, term.width))


def _eq_counted(term: Term, value: int) -> Term | None:
    """A word is 0 after n lowest bits were cleared when it has at most n."""
    if value:
        return None
    (word,) = term.args
    if term.op == "popcount":
        return eq(word, const(0, term.width))
    return ult(popcount(word), const(term.data + 1, term.width))


def _eq_joined(term: Term, value: int) -> Term:
    tests: list[Term] = []
    for part in term.args:
        tests.append(eq(part, const(value, part.width)))
        value >>= part.width
    return all_of(tests)


def _eq_sum(term: Term, value: int) -> Term:
    factors, constant = term.data
    width = term.width
    if value == 0 == constant and never_wraps(term):
        return all_of([eq(arg, const(0, width)) for arg in term.args])
    wanted = (value - constant) % (1 << width)
    if len(term.args) == 1:
        # An even factor says nothing of the argument's top bits.
        by = (factors[0] & -factors[0]).bit_length() - 1
        if wanted & ((1 << by) - 1):
            return boolean(False)
        inverse = pow(factors[0] >> by, -1, 1 << width)
        rest = extract(term.args[0], 0, width - by)
        return eq(rest, const((wanted >> by) * inverse, width - by))
    return _zero_sum(linear(width, [(1, term)], -constant - wanted))


def ult(left: Term, right: Term) -> Term:
    """Make left < right, unsigned."""
    width = left.width
    if left is right:
        return boolean(False)
    if left.is_const:
        if left.data == (1 << width) - 1:
            return boolean(False)
        if right.is_const:
            return boolean(left.data < right.data)
        return complement(ult(right, const(left.data + 1, width)))
    if width == 1:
        return bitwise("and", (complement(left), right), 1)
    if right.is_const:
        return _ult_const(left, right.data)
    if left.op == "zext" == right.op and left.args[0].width == right.args[0].width:
        return ult(left.args[0], right.args[0])
    return intern("ult", 1, (left, right))


def _ult_const(term: Term, limit: int) -> Term:
    width = term.width
    if limit == 0:
        return boolean(False)
    if term.top < limit:
        return boolean(True)
    if limit == 1:
        return eq(term, const(0, width))
    if limit == (1 << width) - 1:
        return complement(eq(term, const(limit, width)))
    if limit == 1 << (width - 1):
        return complement(extract(term, width - 1, 1))
    if term.op == "zext":
        return ult(term.args[0], const(limit, term.args[0].width))
    return intern("ult", 1, (term, const(limit, width)))


def slt(left: Term, right: Term) -> Term:
    """Make left < right, signed: an unsigned comparison with both sign bits flipped."""
    width = left.width
    sign = 1 << (width - 1)
    if left.top < sign and right.top < sign:
        return ult(left, right)
    if left.op == "sext" and right.op in ("sext", "const"):
        inner = left.args[0].width
        cut = extract(right, 0, inner)
        if sext(cut, width) is right and inner > 1:
            return slt(left.args[0], cut)
    flip = const(sign, width)
    return ult(add(left, flip), add(right, flip))


# How a term of an operation is compared with a constant; None where that cannot be simplified.
_EQUALITIES: dict[str, Callable[[Term, int], Term | None]] = {
    "zext": _eq_extended,
    "sext": _eq_extended,
    "concat": _eq_joined,
    "ite": _eq_choice,
    "or": _eq_or,
    "xor": _eq_xor,
    "sum": _eq_sum,
    "popcount": _eq_counted,
    "blsr": _eq_counted,
}
