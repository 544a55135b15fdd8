"""Single-step a few states, and refuse a rewrite that touches what gcc's loop does not.

gcc's loop is stepped once for all rewrites of a region. The arrays lie apart, with memory on both
sides of them: what faults at their ends is the battery's to find.
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
        steps = runner.trace(baseline, chunk.states, steps_most=4 * _STEPS_MOST)
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


def trips_to_step(small_trip: int, instruction_count: int) -> NDArray[np.int64]:
    """Choose trip counts: short ones, and long ones with every remainder of the widest vector.

    small_trip: 4 lanes + 8. As many long ones as there is time for, evenly spread.
    """
    lanes = max(1, (small_trip - 8) // 4)
    room = _STEPS_MOST // (instruction_count * (2 * lanes + lanes // 2))
    step = max(1, -(-lanes // max(room, 1)))
    short = np.arange(1, min(_SHORT_STATES, 2 * lanes) + 1)
    return np.concatenate([short, np.arange(2 * lanes, 3 * lanes, step)])
