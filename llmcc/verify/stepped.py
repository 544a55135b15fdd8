"""Single-step a few states, and refuse a rewrite that touches what gcc's loop does not.

A region's states are chosen and stepped once for all its rewrites: some short, and some long
enough for the widest vectors twice over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmcc.outcome import Outcome, Refusal
from llmcc.sandbox.model import STUCK, Blob, States, Steps
from llmcc.verify.chunk import Chunk, Runner
from llmcc.verify.comparisons import OneSided
from llmcc.verify.footprint import LINE_BYTES, PAGE_BYTES, Footprint, first_excess, footprints

_SHORT_STATES = 10
_LONG_STATES = 12
_STEPS_MOST = 16_000
# What a rewrite may take beyond the steps of gcc's loop: entering it costs more in short runs.
_EXTRA_STEPS = 1000


@dataclass(frozen=True, slots=True)
class Stepped:
    """gcc's loop stepped through some states of a battery."""

    states: States
    exit_id: NDArray[np.int32]  # (N,)
    allowed: tuple[Footprint, ...]  # N
    step_count: int
    further: States  # stepped by rewrites only, when a comparison came out one way only

    @classmethod
    def of(
        cls, baseline: Blob, chunk: Chunk, *, further: States, runner: Runner
    ) -> Stepped | Refusal:
        """Step gcc's loop through a chunk; some 10 us an instruction."""
        steps = runner.trace(baseline, chunk.states, steps_most=2 * _STEPS_MOST)
        allowed = footprints(baseline, steps)
        if allowed is None or (steps.exit_id != chunk.expected.exit_id).any():
            return Refusal(Outcome.NOT_A_COUNTED_STATE, "gcc's loop cannot be single-stepped")
        return cls(chunk.states, steps.exit_id, allowed, len(steps.offset), further)

    def refuse(
        self, rewrite: Blob, code: bytes, *, runner: Runner, is_early_exit: bool
    ) -> Refusal | None:
        """Step a rewrite through the same states; None when it stays within gcc's footprint.

        code: the rewrite's own bytes, at the beginning of the blob.
        """
        room = 2 * self.step_count + _EXTRA_STEPS
        steps = runner.trace(rewrite, self.states, steps_most=room)
        if (steps.exit_id == STUCK).any():
            return Refusal(Outcome.TIMED_OUT, f"over {room} instructions, gcc {self.step_count}")
        if (steps.exit_id != self.exit_id).any():
            return Refusal(Outcome.NOT_DETERMINISTIC, "it leaves otherwise when single-stepped")
        actual = footprints(rewrite, steps)
        if actual is None:
            return Refusal(Outcome.GATE_UNDECODABLE, "an instruction that was stepped over")
        block_bytes = PAGE_BYTES if is_early_exit else LINE_BYTES
        excess = first_excess(self.allowed, actual, block_bytes=block_bytes)
        return excess or self._one_sided(rewrite, code, steps, runner=runner)

    def _one_sided(
        self, rewrite: Blob, code: bytes, steps: Steps, *, runner: Runner
    ) -> Refusal | None:
        comparisons = OneSided(code)
        comparisons.look(steps)
        if comparisons.texts:
            comparisons.look(runner.trace(rewrite, self.further, steps_most=_STEPS_MOST))
        if texts := comparisons.texts:
            return Refusal(Outcome.NOT_COVERED, f"`{texts[0]}` came out one way only")
        return None


def choose_rows(
    passes: NDArray[np.int64], *, long_pass: int, instruction_count: int
) -> NDArray[np.bool_]:
    """Pick short runs, and the shortest of those with at least `long_pass` passes.

    passes: (N,) of gcc's loop. Returns (N,), true for at least one.
    """
    passes = np.maximum(passes, 0)
    is_long = passes >= long_pass
    order = np.argsort(passes, kind="stable")
    long = order[is_long[order]][:_LONG_STATES]
    short = np.flatnonzero(~is_long)[:_SHORT_STATES]
    rows = np.concatenate([short, long])
    rows = rows[np.cumsum((passes[rows] + 2) * instruction_count) <= _STEPS_MOST]
    is_chosen = np.zeros(len(passes), np.bool_)
    is_chosen[rows if len(rows) else order[:1]] = True
    return is_chosen
