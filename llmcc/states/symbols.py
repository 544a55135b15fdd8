"""The values that matter to a loop: the dictionary its data and registers are drawn from.

Constants of the text with their neighbours and negations, extremes of each width, the special
values of floating point, and, per state, the values that the loop's invariant registers hold.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from llmcc.states.model import TextFacts

_PAIR_LIMIT = 4  # sums of two constants are ranges' ends (gcc subtracts a, compares with b - a)
MAX_SYMBOLS = 96
# IEEE 754 patterns: zeros, ones, 0.5, denormals, least and greatest normals, infinities, NaNs,
# powers of two at the ends of the mantissa and of integers.
_FLOAT32 = (
    0x00000000, 0x80000000, 0x3F800000, 0xBF800000, 0x3F000000, 0x40000000, 0x00000001, 0x80000001,
    0x007FFFFF, 0x00800000, 0x7F7FFFFF, 0xFF7FFFFF, 0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00000,
    0x7F800001, 0x7FC12345, 0x4B000000, 0xCB000001, 0x4F000000, 0xCF000000, 0x3F7FFFFF, 0x3F800001,
)  # fmt: skip
_FLOAT64 = (
    0x0, 0x8000000000000000, 0x3FF0000000000000, 0xBFF0000000000000, 0x3FE0000000000000,
    0x4000000000000000, 0x1, 0x8000000000000001, 0x000FFFFFFFFFFFFF, 0x0010000000000000,
    0x7FEFFFFFFFFFFFFF, 0xFFEFFFFFFFFFFFFF, 0x7FF0000000000000, 0xFFF0000000000000,
    0x7FF8000000000000, 0xFFF8000000000000, 0x7FF0000000000001, 0x7FF8000012345678,
    0x4330000000000000, 0xC330000000000001, 0x43E0000000000000, 0xC3E0000000000000,
    0x3FEFFFFFFFFFFFFF, 0x3FF0000000000001,
)  # fmt: skip


def static_symbols(facts: TextFacts, width_bytes: int) -> NDArray[np.int64]:
    """List the symbols that do not depend on the state, as patterns, without repeats."""
    bits = 8 * width_bytes
    values: list[int] = [
        0,
        1,
        -1,
        2,
        1 << (bits - 1),
        (1 << (bits - 1)) - 1,
        (1 << (bits - 1)) + 1,
        -2,
    ]
    if facts.is_float and width_bytes in (4, 8):
        values += _FLOAT32 if width_bytes == 4 else _FLOAT64
    constants = list(facts.constants)
    if len(constants) <= _PAIR_LIMIT:
        constants += [a + b for a, b in itertools.combinations(constants, 2)]
        constants += [b - a for a, b in itertools.permutations(facts.constants, 2)]
    for constant in constants:
        values += (constant, constant + 1, constant - 1, -constant, ~constant)
    masked = dict.fromkeys(value & ((1 << bits) - 1) for value in values)
    return np.array([_signed(value) for value in masked][:MAX_SYMBOLS], dtype=np.int64)


def state_symbols(
    facts: TextFacts, width_bytes: int, registers: Sequence[NDArray[np.int64]], *, count: int
) -> NDArray[np.int64]:
    """Table of symbols per state: (count, S).

    The static ones come first, then for each register its value, one less and one more.
    """
    fixed = static_symbols(facts, width_bytes)
    static = np.broadcast_to(fixed, (count, len(fixed)))
    columns = [value[:, None] + step for value in registers for step in (0, -1, 1)]
    return np.concatenate([static, *columns], axis=1)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value
