"""Run and time machine code in the confined children of native/runner.c.

What is confined: system calls (all but exit_group and rt_sigreturn end the child), files, network,
processes, CPU and wall time, memory, and, when comparing, the clock.
What is not: the child may write over its own outputs, so a caller compares every byte with what it
expects and never takes a child's word; side channels of the CPU.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from llmcc.config import read_config
from llmcc.errors import LlmccError
from llmcc.sandbox import wire
from llmcc.sandbox.layout import STEP, Layout, SharedMemory, run_layout, slot_bytes, time_layout
from llmcc.sandbox.model import (
    ARENA_MAX_BYTES,
    ARENA_MAX_COUNT,
    COVERAGE_BYTES,
    NOT_RUN,
    STUCK,
    Blob,
    Ends,
    States,
    Steps,
    TimedRuns,
)
from llmcc.sandbox.zygote import SandboxDied, Zygote

__all__ = ["Sandbox", "SandboxDied", "TimedRunFailed"]

_TICK_US = 5_000
_STUCK_TICKS = 3
_STUCK_MOST = 8
# While timing nothing is known to be slow, so patience costs nothing.
_STUCK_TICKS_TIMING = 100
_TIMING_TIMEOUT_S = 20.0
# A step takes some 30 us of CPU time.
_STUCK_TICKS_TRACING = 400
# Batches of more bytes than this in shared memory go to several children.
_SHARED_BYTES_MOST = 96 << 20
_BLOB_BYTES_MOST = 1 << 20
_STATE_ARRAYS = ("gpr", "vector", "mask", "rflags", "mxcsr", "memory")


class TimedRunFailed(LlmccError):
    """A blob that is timed did not come to its exit."""

    def __init__(self, end: int, version: int) -> None:
        super().__init__(f"blob {version} ended with {end} while timed")
        self.end = end
        """FAULT, STUCK or TRAP of the model; NOT_RUN when the child was killed."""
        self.version = version
        """0: the first blob, 1: the second; -1: not known."""


class Sandbox:
    """One zygote and its shared memory; a context manager; starts lazily; for one thread.

    The arrays of a `States` are made read-only when they are first run, because running the same
    object again does not copy it again.
    """

    def __init__(self, cache: Path | None = None) -> None:
        self.cache = read_config().cache if cache is None else cache
        """Folder that holds the compiled runner, and what was found out about this machine."""
        self._zygote = Zygote(self.cache)
        self._loaded: States | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the zygote; the next use starts a new one."""
        self._zygote.close()
        self._loaded = None

    def features(self) -> frozenset[str]:
        """What CPU and system can run: "avx2" (with BMI, LZCNT, POPCNT), "avx512" (F BW DQ VL too).

        Raises:
            SandboxDied: the runner cannot be started.
            NotCompiled: it cannot be compiled.
        """
        reply = self._zygote.ask({"kind": wire.KIND_HELLO}, timeout_s=0.0)
        return frozenset(name for bit, name in wire.FEATURE_NAMES.items() if reply.features & bit)

    def run(self, blob: Blob, states: States, *, timeout_s: float = 5.0) -> Ends:
        """Run a blob from each of N states.

        In states with `exit_id` FAULT, STUCK or TRAP the registers and memory are those of that
        moment; with NOT_RUN they are random bytes. On a CPU without AVX-512 (AVX) the upper parts
        of vectors and the masks are neither loaded nor stored and end as 0. Of rflags the status
        flags are loaded, all are stored.

        Args:
            blob: code; may do anything.
            states: N >= 1 states; arena_bytes a multiple of 4096.
            timeout_s: wall time of each child, of which there is one per some 90 MB of states.

        Raises:
            SandboxDied: the runner was lost twice, or children cannot be set up.
        """
        _check(blob, states)
        memory_bytes = states.memory[0].nbytes
        per_state = 2 * (states.vector[0].nbytes + memory_bytes + 512)
        step = max(1, _SHARED_BYTES_MOST // per_state)
        ends = _empty_ends(states)
        coverage = np.zeros(COVERAGE_BYTES, np.uint8)
        killed = 0
        stuck_left = _STUCK_MOST
        for start in range(0, len(states), step):
            part = slice(start, start + step)
            if killed or stuck_left <= 0:
                break
            chunk = states if step >= len(states) else _slice(states, part)
            layout = run_layout(chunk, len(blob.code))
            memory = self._load(blob, chunk, layout)
            fields = _run_fields(blob, chunk, layout) | {"stuck_most": stuck_left}
            reply = self._zygote.ask(fields, timeout_s=timeout_s)
            for name, array in ends.items():
                array[part] = layout.view(memory, f"out_{name}")
            coverage |= layout.view(memory, "out_coverage")
            killed = reply.killed
            stuck_left -= int(np.count_nonzero(ends["exit_id"][part] == STUCK))
        fault = ends.pop("fault")
        return Ends(
            **ends, fault_address=fault, coverage=coverage, arenas=states.arenas, killed=killed
        )

    def trace(
        self, blob: Blob, states: States, *, steps_most: int, timeout_s: float = 5.0
    ) -> Steps:
        """Run a blob from each of N states instruction by instruction; some 30 us each.

        Args:
            blob: code; may do anything.
            states: N >= 1 states, few enough for one child (90 MB).
            steps_most: instructions of all runs together; a run without room for them ends STUCK.
            timeout_s: wall time of the child.

        Raises:
            SandboxDied: the runner was lost twice, or children cannot be set up.
        """
        _check(blob, states)
        layout = run_layout(states, len(blob.code), steps_most=steps_most)
        memory = self._load(blob, states, layout)
        ends = layout.view(memory, "out_step_ends")
        ends[...] = 0
        fields = _run_fields(blob, states, layout) | {
            "kind": wire.KIND_TRACE,
            "steps_most": steps_most,
            "stuck_ticks": _STUCK_TICKS_TRACING,
            "stuck_most": _STUCK_MOST,
        }
        self._zygote.ask(fields, timeout_s=timeout_s)
        steps = layout.view(memory, "out_steps").view(STEP)[: int(ends.max())]
        return Steps(
            offset=steps["offset"].copy(),
            gpr=steps["gpr"].copy(),
            mask=steps["mask"].copy(),
            vector=steps["vector"].copy(),
            ends=ends.copy(),
            exit_id=layout.view(memory, "out_exit_id").copy(),
        )

    def time(
        self,
        first: Blob,
        second: Blob,
        states: States,
        *,
        placements: int,
        rounds: int,
        runs_per_block: int,
        seed: int,
    ) -> TimedRuns:
        """Time two blobs against each other on a rotating pool of inputs.

        Each placement puts both blobs at fresh random multiples of 64 bytes, on pages of their own
        and in either order; each round times one block of both, in random order and on the same
        inputs. Arenas are restored before each block, outside the time; one block of each version
        at each placement goes unmeasured. In the time is a trampoline that loads the general
        registers and xmm0-15 of each input, so runs of a few ns look alike. MXCSR is that of the
        first state and is loaded once a block; flags are not loaded, mask registers and upper
        halves are whatever the last run left.

        Args:
            first: ticks[..., 0].
            second: ticks[..., 1].
            states: P >= 256 inputs in all arrays but `memory`, which is (1, A, arena_bytes).
            placements: how many random places.
            rounds: pairs of blocks at each place.
            runs_per_block: consecutive inputs of the pool in one block.
            seed: of places, orders and starts in the pool.

        Raises:
            TimedRunFailed: a blob faulted, trapped, hung or was killed.
            SandboxDied: the runner was lost, or children cannot be set up.
        """
        _check(first, states)
        _check(second, states)
        layout = time_layout(first, second, states, placements=placements, rounds=rounds)
        memory = self._zygote.memory_for(layout)
        self._loaded = None
        layout.view(memory, "bases")[: len(states.arenas)] = states.arenas
        pool = len(states)
        slot = slot_bytes(first, second)
        random = np.random.default_rng(seed)
        places = layout.view(memory, "places")
        for version, blob in enumerate((first, second)):
            most = (slot - len(blob.code)) // 64 - 1
            places[:, version] = random.integers(1, most, placements) * 64
        places[:, 2:] = random.integers(0, 2, (placements, 2))
        starts = random.integers(0, pool, (placements, 1)) + np.arange(rounds) * runs_per_block
        layout.view(memory, "orders")[...] = starts % pool * 2 + random.integers(
            0, 2, (placements, rounds)
        )
        layout.view(memory, "gpr")[...] = states.gpr
        vector = layout.view(memory, "vector")
        vector[...] = states.vector[: len(vector), :16, :16]
        layout.view(memory, "mxcsr")[...] = states.mxcsr[:1]
        layout.view(memory, "memory")[...] = states.memory
        layout.view(memory, "code")[...] = np.frombuffer(first.code, np.uint8)
        layout.view(memory, "other")[...] = np.frombuffer(second.code, np.uint8)
        ticks = layout.view(memory, "out_ticks")
        ticks[...] = 0
        failure = layout.view(memory, "out_failure")
        failure[...] = 0
        reply = self._zygote.ask(
            layout.offsets()
            | {
                "kind": wire.KIND_TIME,
                "tick_us": _TICK_US,
                "stuck_ticks": _STUCK_TICKS_TIMING,
                "count": pool,
                "arenas": states.memory.shape[1],
                "arena_bytes": states.memory.shape[2],
                "code_bytes": len(first.code),
                "entry": first.entry,
                "other_bytes": len(second.code),
                "other_entry": second.entry,
                "placements": placements,
                "rounds": rounds,
                "runs_per_block": runs_per_block,
                "slot_bytes": slot,
                "vector_step": 256 if len(vector) > 1 else 0,
            },
            timeout_s=_TIMING_TIMEOUT_S,
        )
        if failure[0] != 0:
            raise TimedRunFailed(int(failure[0]), int(failure[1]))
        if reply.killed or not ticks.all():
            raise TimedRunFailed(NOT_RUN, -1)
        return TimedRuns(ticks.astype(np.float64), runs_per_block, reply.ticks_per_ns)

    def _load(self, blob: Blob, states: States, layout: Layout) -> SharedMemory:
        """Put states, unless they are there, and code into shared memory; spoil the outputs."""
        memory = self._zygote.memory_for(layout)
        if states is not self._loaded:
            for name in _STATE_ARRAYS:
                array: NDArray[Any] = getattr(states, name)
                layout.view(memory, name)[...] = array
                array.flags.writeable = False
            layout.view(memory, "bases")[: len(states.arenas)] = states.arenas
            self._loaded = states
        layout.view(memory, "code")[...] = np.frombuffer(blob.code, np.uint8)
        # What an earlier child computed must not pass for this one's answer.
        poison = np.random.default_rng().integers(1, 255)
        np.frombuffer(memory.map, np.uint8)[layout.input_bytes : layout.shared_bytes] = poison
        layout.view(memory, "out_coverage")[...] = 0
        layout.view(memory, "out_fault")[...] = 0
        layout.view(memory, "out_exit_id")[...] = NOT_RUN
        return memory


def _run_fields(blob: Blob, states: States, layout: Layout) -> dict[str, int]:
    """The request fields of a batch; `stuck_most` is the caller's."""
    return layout.offsets() | {
        "kind": wire.KIND_RUN,
        "tick_us": _TICK_US,
        "stuck_ticks": _STUCK_TICKS,
        "count": len(states),
        "arenas": states.memory.shape[1],
        "arena_bytes": states.memory.shape[2],
        "code_bytes": len(blob.code),
        "entry": blob.entry,
    }


def _check(blob: Blob, states: States) -> None:
    """Refuse what would make the runner's children fail; a bug of the caller, so it raises."""
    _, arenas, arena_bytes = states.memory.shape
    if arenas > ARENA_MAX_COUNT or arena_bytes > ARENA_MAX_BYTES or arena_bytes % wire.PAGE_BYTES:
        raise ValueError(f"{arenas} arenas of {arena_bytes} bytes cannot be mapped")
    if len(states.arenas) < arenas:
        raise ValueError(f"{arenas} arenas have {len(states.arenas)} addresses")
    if not 0 <= blob.entry < len(blob.code) <= _BLOB_BYTES_MOST:
        raise ValueError(f"a blob of {len(blob.code)} bytes cannot be entered at {blob.entry}")


def _slice(states: States, part: slice) -> States:
    return replace(states, **{name: getattr(states, name)[part] for name in _STATE_ARRAYS})


def _empty_ends(states: States) -> dict[str, NDArray[Any]]:
    count = len(states)
    ends: dict[str, NDArray[Any]] = {
        "exit_id": np.full(count, NOT_RUN, np.int32),
        "fault": np.zeros(count, np.uint64),
    }
    for name in _STATE_ARRAYS:
        array: NDArray[Any] = getattr(states, name)
        ends[name] = np.empty(array.shape, array.dtype)
    return ends
