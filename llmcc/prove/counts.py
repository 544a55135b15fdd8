"""Normal forms of shifts by a term, and of counts of bits."""

from __future__ import annotations

from llmcc.prove.simplify import (
    extract,
    linear,
    sext,
    zext,
)
from llmcc.prove.terms import Term, const, intern


def shl(term: Term, count: Term) -> Term:
    """Shift left; 0 from the width on."""
    if count.is_const:
        by = count.data
        return linear(term.width, [(1 << by, term)]) if by < term.width else const(0, term.width)
    return intern("shl", term.width, (term, count))


def lshr(term: Term, count: Term) -> Term:
    """Shift right; 0 from the width on."""
    width = term.width
    if count.is_const:
        by = count.data
        return zext(extract(term, by, width - by), width) if by < width else const(0, width)
    return intern("lshr", width, (term, count), top=term.top)


def ashr(term: Term, count: Term) -> Term:
    """Shift right with the sign; all sign bits from the width on."""
    width = term.width
    if count.is_const:
        by = min(count.data, width - 1)
        return sext(extract(term, by, width - by), width)
    return intern("ashr", width, (term, count))


def popcount(term: Term) -> Term:
    """Count set bits, at the term's width."""
    width = term.width
    match term.op:
        case "const":
            return const(term.data.bit_count(), width)
        case "zext":
            return zext(popcount(term.args[0]), width)
        case "concat" if width > 7:
            return linear(width, [(1, zext(popcount(part), width)) for part in term.args])
    if width == 1:
        return term
    # A constant that was shifted has no more bits than before.
    is_shifted = term.op in ("shl", "lshr") and term.args[0].is_const
    most = term.args[0].data.bit_count() if is_shifted else width
    return intern("popcount", width, (term,), top=most)


def count_zeros(op: str, term: Term) -> Term:
    """Make clz or ctz, at the term's width; of 0 the width."""
    width = term.width
    if term.is_const:
        value = term.data
        if value == 0:
            return const(width, width)
        zeros = width - value.bit_length() if op == "clz" else (value & -value).bit_length() - 1
        return const(zeros, width)
    return intern(op, width, (term,), top=width)
