"""A batch of valid states with the ends of gcc's loop, and who runs it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from llmcc.sandbox.model import Blob, Ends, States, Steps

Rows = NDArray[np.bool_] | slice


class Runner(Protocol):
    """The sandbox, as far as verifying needs it."""

    def run(self, blob: Blob, states: States, *, timeout_s: float) -> Ends:
        """Run `blob` from each state; see `sandbox.runner`."""
        ...

    def trace(self, blob: Blob, states: States, *, steps_most: int) -> Steps:
        """Run `blob` from each state instruction by instruction; see `sandbox.runner`."""
        ...


@dataclass(frozen=True, slots=True)
class Chunk:
    """Valid states and the ends of gcc's loop."""

    states: States
    expected: Ends

    def __len__(self) -> int:
        return len(self.states)

    def part(self, rows: Rows) -> Chunk:
        """Keep some of the states."""
        return Chunk(states_of(self.states, rows), ends_of(self.expected, rows))


def states_of(states: States, rows: Rows) -> States:
    """Keep some states."""
    return replace(
        states,
        gpr=states.gpr[rows],
        vector=states.vector[rows],
        mask=states.mask[rows],
        rflags=states.rflags[rows],
        mxcsr=states.mxcsr[rows],
        memory=states.memory[rows],
    )


def ends_of(ends: Ends, rows: Rows) -> Ends:
    """Keep some ends; coverage stays the batch's."""
    return Ends(
        ends.exit_id[rows],
        ends.gpr[rows],
        ends.vector[rows],
        ends.mask[rows],
        ends.rflags[rows],
        ends.mxcsr[rows],
        ends.memory[rows],
        ends.fault_address[rows],
        ends.coverage,
        ends.arenas,
    )
