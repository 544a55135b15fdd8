"""Compute the floating-point operations of terms: what uninterpreted functions stand for.

Used to compare semantics with the CPU and to look for counter-examples, never to prove anything.
NaNs as SSE makes them: the first NaN operand made quiet, else the default NaN.
Source: Intel SDM vol. 1, sections 4.8.3.5 and 11.5.2.3.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmcc.prove.terms import Term

Words = NDArray[np.uint64]
Floats = NDArray[Any]
_NAME = re.compile(r"(.*?)(32|64)$")


def compute(term: Term, args: list[Words]) -> Words:
    """Compute one `fp` term from its arguments' values."""
    match = _NAME.match(term.data)
    assert match is not None
    name, width = match[1], int(match[2])
    left, right = np.broadcast_arrays(args[0], args[-1])
    with np.errstate(all="ignore"):
        if name in _CONVERSIONS:
            return _CONVERSIONS[name](left)
        a, b = _floats(left, width), _floats(right, width)
        if name.startswith("cmp"):
            return _PREDICATES[name[3:]](a, b).astype(np.uint64)
        if "comi." in name:
            return _told(name.partition(".")[2], a, b).astype(np.uint64)
        if name in ("min", "max"):
            is_first = a < b if name == "min" else a > b
            return np.where(is_first, left, right)
        return _arithmetic(name, width, left, right)


def _floats(words: Words, width: int) -> Floats:
    return words.astype(np.uint32).view(np.float32) if width == 32 else words.view(np.float64)


def _words(values: Floats) -> Words:
    plain: NDArray[Any] = values.view(np.uint32 if values.dtype == np.float32 else np.uint64)
    return plain.astype(np.uint64)


def _arithmetic(name: str, width: int, left: Words, right: Words) -> Words:
    left, right = np.ascontiguousarray(left), np.ascontiguousarray(right)
    a, b = _floats(left, width), _floats(right, width)
    result = np.sqrt(a) if name == "sqrt" else _ARITHMETIC[name](a, b)
    quiet = np.uint64(1 << (22 if width == 32 else 51))
    default = np.uint64(0xFFC00000 if width == 32 else 0xFFF8000000000000)
    words = np.where(np.isnan(result), default, _words(result))
    words = np.where(np.isnan(b), right | quiet, words)
    return np.where(np.isnan(a), left | quiet, words)


def _told(flag: str, a: Floats, b: Floats) -> NDArray[np.bool_]:
    is_unordered = np.isnan(a) | np.isnan(b)
    if flag == "pf":
        return is_unordered
    return is_unordered | (a == b if flag == "zf" else a < b)


def _to_int(values: Floats) -> Words:
    """To 32-bit integers; what does not fit is the integer indefinite."""
    fits = (values >= -(2.0**31)) & (values < 2.0**31)
    numbers = np.where(fits, values, -(2.0**31)).astype(np.int64)
    return numbers.astype(np.uint64) & np.uint64(0xFFFFFFFF)


def _signed(words: Words) -> NDArray[np.int32]:
    return words.astype(np.uint32).view(np.int32)


_ARITHMETIC: dict[str, Callable[[Floats, Floats], Floats]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
}
_PREDICATES: dict[str, Callable[[Floats, Floats], NDArray[np.bool_]]] = {
    "eq": lambda a, b: a == b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "unord": lambda a, b: np.isnan(a) | np.isnan(b),
    "neq": lambda a, b: ~(a == b),
    "nlt": lambda a, b: ~(a < b),
    "nle": lambda a, b: ~(a <= b),
    "ord": lambda a, b: ~(np.isnan(a) | np.isnan(b)),
}
_CONVERSIONS: dict[str, Callable[[Words], Words]] = {
    "cvtdq2ps": lambda words: _words(_signed(words).astype(np.float32)),
    "cvtps2dq": lambda words: _to_int(np.rint(_floats(words, 32).astype(np.float64))),
    "cvttps2dq": lambda words: _to_int(np.trunc(_floats(words, 32).astype(np.float64))),
    "cvtdq2pd": lambda words: _words(_signed(words).astype(np.float64)),
    "cvtps2pd": lambda words: _words(_floats(words, 32).astype(np.float64)),
}
