"""Compare the ends of two runs from the same states: registers that matter, memory, FP flags.

The expected ends never enter the sandbox; this is the one place that says "equal".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from llmcc.outcome import Outcome, Refusal
from llmcc.regions.model import Contract
from llmcc.sandbox.model import (
    ARENA_GUARD_BYTES,
    ARENA_MAX_BYTES,
    FAULT,
    NOT_RUN,
    STUCK,
    TRAP,
    Ends,
)
from llmcc.x86.registers import GPR, XMM

_RARE_SHARE = 0.25
_DIRECTION_FLAG = np.uint64(0x400)


class Comparison:
    """What of an end must be equal, worked out once from the contract."""

    def __init__(self, contract: Contract) -> None:
        live_out = contract.live_out or ((),)
        self._gpr = _required(GPR, live_out, contract.may_write)
        self._xmm = _required(XMM, live_out, contract.may_write)
        self._is_wide_free = contract.is_wide_free

    def wrong(self, expected: Ends, actual: Ends) -> NDArray[np.bool_]:
        """Tell which runs ended otherwise than expected: (N,)."""
        is_wrong: NDArray[np.bool_] = expected.exit_id != actual.exit_id
        exits = np.clip(expected.exit_id, 0, len(self._gpr) - 1)
        is_wrong = is_wrong | self._registers(expected, actual, exits)
        is_wrong |= expected.mxcsr != actual.mxcsr
        is_wrong |= (actual.rflags & _DIRECTION_FLAG) != 0
        return is_wrong | _memory_differs(expected, actual)

    def first_refusal(self, expected: Ends, actual: Ends) -> Refusal | None:
        """Name what is wrong with the first run that ended otherwise; None when all agree."""
        is_wrong = self.wrong(expected, actual)
        if not is_wrong.any():
            return None
        # The first one that ran: after a run that was stopped the others may not have been started.
        ran = np.flatnonzero(is_wrong & (actual.exit_id != NOT_RUN))
        if not len(ran):
            return Refusal(Outcome.TIMED_OUT, "some states were never run")
        return self._explain(expected, actual, int(ran[0]))

    def tell_tale(self, expected: Ends, actual: Ends) -> int | None:
        """Name the first wrong run when few others are wrong as well; None when it tells nothing.

        A rewrite that is wrong everywhere is noticed anyway: its states are not worth keeping.
        """
        is_wrong = self.wrong(expected, actual) & (actual.exit_id != NOT_RUN)
        if not 0 < is_wrong.mean() < _RARE_SHARE:
            return None
        return int(np.flatnonzero(is_wrong)[0])

    def _registers(
        self, expected: Ends, actual: Ends, exits: NDArray[np.int32]
    ) -> NDArray[np.bool_]:
        is_wrong: NDArray[np.bool_] = ((expected.gpr != actual.gpr) & self._gpr[exits]).any(axis=1)
        low = expected.vector[:, :16, :16].view(np.uint64) != actual.vector[:, :16, :16].view(
            np.uint64
        )
        is_wrong |= (low.any(axis=2) & self._xmm[exits]).any(axis=1)
        if not self._is_wide_free:
            is_wrong |= (expected.vector[:, 16:] != actual.vector[:, 16:]).any(axis=(1, 2))
            is_wrong |= (expected.vector[:, :16, 16:] != actual.vector[:, :16, 16:]).any(
                axis=(1, 2)
            )
            is_wrong |= (expected.mask != actual.mask).any(axis=1)
        return is_wrong

    def _explain(self, expected: Ends, actual: Ends, run: int) -> Refusal:
        left, right = int(expected.exit_id[run]), int(actual.exit_id[run])
        if right < 0:
            return _stopped(right, int(actual.fault_address[run]), actual.arenas)
        if left != right:
            return Refusal(Outcome.WRONG_EXIT, f"state {run}: exit {right} in place of {left}")
        exit_id = min(max(left, 0), len(self._gpr) - 1)
        for number, name in enumerate(GPR):
            a, b = int(expected.gpr[run, number]), int(actual.gpr[run, number])
            if a != b and self._gpr[exit_id, number]:
                return Refusal(Outcome.WRONG_OUTPUT, f"state {run}: {name} is {b:#x}, not {a:#x}")
        for number, name in enumerate(XMM):
            pair = expected.vector[run, number, :16], actual.vector[run, number, :16]
            if self._xmm[exit_id, number] and not np.array_equal(*pair):
                return Refusal(
                    Outcome.WRONG_OUTPUT,
                    f"state {run}: {name} is {_hex(pair[1])}, not {_hex(pair[0])}",
                )
        differs = np.argwhere(expected.memory[run] != actual.memory[run])
        if len(differs):
            arena, offset = differs[0].tolist()
            return Refusal(
                Outcome.WRONG_OUTPUT,
                f"state {run}: byte {offset} of arena {arena} and {len(differs) - 1} more",
            )
        if expected.mxcsr[run] != actual.mxcsr[run]:
            flags = f"{int(actual.mxcsr[run]):#x}, not {int(expected.mxcsr[run]):#x}"
            return Refusal(Outcome.WRONG_FP_FLAGS, f"state {run}: mxcsr is {flags}")
        if int(actual.rflags[run]) & int(_DIRECTION_FLAG):
            return Refusal(Outcome.WRONG_OUTPUT, f"state {run}: the direction flag is set")
        return Refusal(Outcome.WRONG_OUTPUT, f"state {run}: an upper vector half or mask register")


def _required(
    families: tuple[str, ...], live_out: tuple[tuple[str, ...], ...], may_write: tuple[str, ...]
) -> NDArray[np.bool_]:
    """Families that must be equal at each exit: (exits, families)."""
    return np.array(
        [[f in live or f not in may_write for f in families] for live in live_out], np.bool_
    )


def _memory_differs(expected: Ends, actual: Ends) -> NDArray[np.bool_]:
    count = len(expected.exit_id)
    left = expected.memory.reshape(count, -1).view(np.uint64)
    right = actual.memory.reshape(count, -1).view(np.uint64)
    differs: NDArray[np.bool_] = (left != right).any(axis=1)
    return differs


def _stopped(exit_id: int, address: int, arenas: tuple[int, ...]) -> Refusal:
    if exit_id == STUCK:
        return Refusal(Outcome.TIMED_OUT)
    reach = ARENA_MAX_BYTES + ARENA_GUARD_BYTES
    if exit_id == FAULT and any(-ARENA_GUARD_BYTES <= address - base < reach for base in arenas):
        return Refusal(Outcome.READS_BEYOND, f"fault at {address:#x}")
    kind = {FAULT: f"fault at {address:#x}", TRAP: "trap"}.get(exit_id, "not run")
    return Refusal(Outcome.CRASHED, kind)


def _hex(data: NDArray[np.uint8]) -> str:
    return bytes(data).hex()
