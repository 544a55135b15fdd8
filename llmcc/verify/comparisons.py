"""Vector comparisons of a rewrite that came out only one way in all runs that were stepped.

A branch must go both ways before it counts as tested; a comparison whose mask is worked on without
a branch must be true and false in one lane at least, for the same reason.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

import capstone
import numpy as np
from capstone import x86_const as x86
from numpy.typing import NDArray

from llmcc.sandbox.model import Steps
from llmcc.verify.operands import instructions_of

_NAME = re.compile(
    r"v?pcmp(?:eq|gt|n?l[te]|ne?q?|ge|)u?[bwdq]$|v?cmp[a-z_]*p[sd]$|vptestn?m[bwdq]$"
)
_LANE_BYTES = {"ps": 4, "pd": 8, "b": 1, "w": 2, "d": 4, "q": 8}


@dataclass(frozen=True, slots=True)
class VectorComparison:
    """An instruction that writes a mask into a vector or a k register."""

    text: str
    number: int  # of the register written
    is_opmask: bool
    lane_count: int
    lane_bytes: int


class OneSided:
    """Collects which ways the comparisons of a blob came out, lane by lane."""

    def __init__(self, code: bytes) -> None:
        self._comparisons = _comparisons(code)
        self._true: dict[int, NDArray[np.bool_]] = {}  # offset -> (lanes,): seen so
        self._false: dict[int, NDArray[np.bool_]] = {}

    def look(self, steps: Steps) -> None:
        """Look at the mask in front of the instruction behind each comparison."""
        is_last = np.isin(np.arange(len(steps.offset)) + 1, steps.ends)
        for offset, comparison in self._comparisons.items():
            met = np.flatnonzero((steps.offset == offset) & ~is_last)
            if not len(met):
                continue
            lanes = _lanes(comparison, steps, met + 1)
            never = np.zeros(comparison.lane_count, np.bool_)
            self._true[offset] = self._true.get(offset, never) | lanes.any(axis=0)
            self._false[offset] = self._false.get(offset, never) | ~lanes.all(axis=0)

    @property
    def texts(self) -> tuple[str, ...]:
        """Comparisons that were executed, and came out both ways in no lane."""
        return tuple(
            self._comparisons[offset].text
            for offset in sorted(self._true)
            if not (self._true[offset] & self._false[offset]).any()
        )


def _lanes(comparison: VectorComparison, steps: Steps, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which lanes came out true: (rows, lanes)."""
    if comparison.is_opmask:
        one = np.uint64(1) << np.arange(comparison.lane_count, dtype=np.uint64)
        found = steps.mask[rows, comparison.number][:, None] & one
    else:
        used = slice(0, comparison.lane_bytes * comparison.lane_count, comparison.lane_bytes)
        found = steps.vector[rows, comparison.number, used].astype(np.uint64)
    is_true: NDArray[np.bool_] = found != 0
    return is_true


@functools.lru_cache(maxsize=64)
def _comparisons(code: bytes) -> dict[int, VectorComparison]:
    found: dict[int, VectorComparison] = {}
    for instruction in instructions_of(code):
        if _NAME.match(instruction.mnemonic) and not _is_idiom(instruction):
            found[instruction.address] = _comparison(instruction)
    return found


def _is_idiom(instruction: capstone.CsInsn) -> bool:
    """Whether it compares a register with itself: a way to write all ones, or zero."""
    registers = [o.reg for o in instruction.operands if o.type == x86.X86_OP_REG]
    return len(registers) >= 2 and registers[-1] == registers[-2]


def _comparison(instruction: capstone.CsInsn) -> VectorComparison:
    name = instruction.reg_name(instruction.operands[0].reg)
    mnemonic = instruction.mnemonic
    lane_bytes = _LANE_BYTES.get(mnemonic[-2:]) or _LANE_BYTES[mnemonic[-1]]
    size_bytes = max(operand.size for operand in instruction.operands)
    return VectorComparison(
        text=f"{mnemonic} {instruction.op_str}",
        number=int(name.lstrip("xymzk")),
        is_opmask=name.startswith("k"),
        lane_count=size_bytes // lane_bytes,
        lane_bytes=lane_bytes,
    )
