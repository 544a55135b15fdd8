"""Compute terms for many assignments at once: what the tests of semantics and terms run on."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from llmcc.prove import evaluate_floats
from llmcc.prove.terms import Term

Words = NDArray[np.uint64]
_ONE = np.uint64(1)


def evaluate(term: Term, values: Mapping[Term, Words], done: dict[Term, Words]) -> Words:
    """Compute a term: (N,), or (1,) when it depends on no variable.

    values: each variable's (N,) values, within its width; done: what is known already, added to.
    """
    waiting = [term]
    while waiting:
        one = waiting[-1]
        if one in done:
            waiting.pop()
            continue
        missing = [arg for arg in one.args if arg not in done]
        if missing:
            waiting.extend(missing)
            continue
        waiting.pop()
        done[one] = _compute(one, [done[arg] for arg in one.args], values)
    return done[term]


def _compute(term: Term, args: list[Words], values: Mapping[Term, Words]) -> Words:
    mask = _word((1 << term.width) - 1)
    with np.errstate(over="ignore"):
        if term.op == "const":
            return np.array([term.data], np.uint64)
        if term.op == "var":
            return values[term] & mask
        return np.asarray(_OPERATIONS[term.op](term, args) & mask, np.uint64)


def _word(value: int) -> np.uint64:
    return np.uint64(value & (1 << 64) - 1)


def _signed(value: Words, width: int) -> NDArray[np.int64]:
    shift = np.uint64(64 - width)
    return (value << shift).view(np.int64) >> np.int64(64 - width)


def _sum(term: Term, args: list[Words]) -> Words:
    factors, constant = term.data
    total = np.array([constant], np.uint64)
    for factor, arg in zip(factors, args, strict=True):
        total = total + _word(factor) * arg
    return total


def _mul(term: Term, args: list[Words]) -> Words:
    product = args[0]
    for arg in args[1:]:
        product = product * arg
    return product


def _concat(term: Term, args: list[Words]) -> Words:
    total = np.zeros(1, np.uint64)
    low = 0
    for part, arg in zip(term.args, args, strict=True):
        total = total | arg << np.uint64(low)
        low += part.width
    return total


def _shift(term: Term, args: list[Words]) -> Words:
    value, count = args
    is_far = count >= term.width
    by = np.where(is_far, np.uint64(0), count)
    if term.op == "ashr":
        signed = _signed(value, term.width)
        by = np.where(is_far, np.uint64(63), count)
        return np.asarray(signed >> by.astype(np.int64)).view(np.uint64)
    moved = value << by if term.op == "shl" else value >> by
    return np.where(is_far, np.uint64(0), moved)


def _popcount(value: Words) -> Words:
    count = np.zeros_like(value)
    for bit in range(64):
        count = count + (value >> np.uint64(bit) & _ONE)
    return count


def _clz(term: Term, args: list[Words]) -> Words:
    count = np.full_like(args[0], term.width)
    for bit in range(term.width):
        count = np.where(args[0] >> np.uint64(bit) != 0, np.uint64(term.width - 1 - bit), count)
    return count


def _ctz(term: Term, args: list[Words]) -> Words:
    count = np.full_like(args[0], term.width)
    for bit in reversed(range(term.width)):
        count = np.where(args[0] >> np.uint64(bit) & _ONE != 0, np.uint64(bit), count)
    return count


def _blsr(term: Term, args: list[Words]) -> Words:
    value = args[0]
    for _ in range(term.data):
        value = value & (value - _ONE)
    return value


def _high(term: Term, args: list[Words]) -> Words:
    """Upper half of a product; of 64-bit factors by Python's integers."""
    signed = term.op == "smulh"
    width = term.width
    left, right = np.broadcast_arrays(*args)

    def number(value: int) -> int:
        return value - (1 << width) if signed and value >> (width - 1) else value

    pairs = zip(left.tolist(), right.tolist(), strict=True)
    found = [(number(a) * number(b) >> width) & (1 << width) - 1 for a, b in pairs]
    return np.array(found, np.uint64)


def _extreme(term: Term, args: list[Words]) -> Words:
    found = args[0]
    for arg in args[1:]:
        found = np.minimum(found, arg) if term.op == "umin" else np.maximum(found, arg)
    return found


def _bitwise(term: Term, args: list[Words]) -> Words:
    found = args[0]
    for arg in args[1:]:
        found = {"and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor}[term.op](
            found, arg
        )
    return found


_OPERATIONS: dict[str, Callable[[Term, list[Words]], Words]] = {
    "sum": _sum,
    "mul": _mul,
    "and": _bitwise,
    "or": _bitwise,
    "xor": _bitwise,
    "shl": _shift,
    "lshr": _shift,
    "ashr": _shift,
    "extract": lambda term, args: args[0] >> np.uint64(term.data),
    "concat": _concat,
    "zext": lambda term, args: args[0],
    "sext": lambda term, args: _signed(args[0], term.args[0].width).view(np.uint64),
    "eq": lambda term, args: (args[0] == args[1]).astype(np.uint64),
    "ult": lambda term, args: (args[0] < args[1]).astype(np.uint64),
    "ite": lambda term, args: np.where(args[0] != 0, args[1], args[2]),
    "umin": _extreme,
    "umax": _extreme,
    "popcount": lambda term, args: _popcount(args[0]),
    "clz": _clz,
    "ctz": _ctz,
    "blsr": _blsr,
    "umulh": _high,
    "smulh": _high,
    "fp": evaluate_floats.compute,
}
