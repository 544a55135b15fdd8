"""Judge a whole program: build, tests, then time, each under one protocol or both."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from llmcc.measure.eprocess import THETA
from llmcc.measure.machine import TimingBusy, timing_lock
from llmcc.outcome import Outcome, Refusal
from llmcc.training.judgement import Judgement
from llmcc.training.program.copies import is_copy, paper_calls_identical
from llmcc.training.program.rows import TESTS_MOST, Row
from llmcc.training.program.running import Limits, build, run
from llmcc.training.program.timing import (
    PairedTiming,
    PaperTiming,
    RunFailed,
    find_hyperfine,
    time_by_pairs,
    time_by_paper,
)

Protocol = Literal["ours", "paper"]
PROTOCOLS: tuple[Protocol, ...] = ("ours", "paper")


@dataclass(frozen=True, slots=True)
class Trial:
    """How a candidate did on its tests.

    outcome: NOT_FASTER when it passes them all (nothing is timed yet), else why not.
    """

    outcome: Outcome
    passed: int
    total: int
    detail: str = ""

    @property
    def is_built(self) -> bool:
        """Whether it assembled and linked."""
        return self.outcome is not Outcome.GATE_DOES_NOT_ASSEMBLE

    @property
    def is_right(self) -> bool:
        """Whether it passed all tests."""
        return self.outcome is Outcome.NOT_FASTER


@dataclass(frozen=True, slots=True)
class Result:
    """All there is to say of one response; what was not measured is None."""

    row_id: str
    tested: Trial
    is_copy: bool  # after normalisation, see copies.py
    is_identical_by_paper: bool  # what the paper's check of the raw text says
    paper: PaperTiming | None = None
    paired: PairedTiming | None = None

    def judgement(self, protocol: Protocol) -> Judgement:
        """Say it in the words both environments share.

        By the paper, a copy is what its text check says, and faster is any ratio over 1. By ours,
        a copy is a copy however it is written, and faster is a lower limit of at least 1.02.
        A copy that was timed all the same (`times_copies`) is judged by its time.
        """
        tested = self.tested
        share = tested.passed / tested.total if tested.total else 0.0
        # The paper does not run what its check calls identical.
        if protocol == "paper" and self.is_identical_by_paper and self.paper is None:
            return Judgement(Outcome.IDENTICAL, 1.0)
        if not tested.is_right:
            return Judgement(tested.outcome, share, detail=tested.detail)
        if protocol == "ours" and self.is_copy and self.paired is None:
            return Judgement(Outcome.IDENTICAL, 1.0)
        if protocol == "paper" and self.paper is not None:
            is_faster = self.paper.ratio > 1.0
            outcome = Outcome.ACCEPTED if is_faster else Outcome.NOT_FASTER
            return Judgement(outcome, 1.0, ratio=self.paper.ratio)
        if protocol == "ours" and self.paired is not None:
            timing = self.paired
            is_faster = timing.low_ratio >= 1.0 + THETA
            outcome = Outcome.ACCEPTED if is_faster else Outcome.NOT_FASTER
            return Judgement(outcome, 1.0, timing.ratio, timing.low_ratio, timing.high_ratio)
        return Judgement(Outcome.MACHINE_TOO_NOISY, 1.0, detail=tested.detail or "not timed")


def judge(
    row: Row,
    assembly: str,
    *,
    protocols: tuple[Protocol, ...] = PROTOCOLS,
    seed: int = 0,
    limits: Limits | None = None,
    times_copies: bool = False,
) -> Result:
    """Build and test a candidate, and time it when it is right.

    Args:
        row: the program; its first ten tests count, as in the paper.
        assembly: the candidate, a complete file.
        protocols: how it is timed; each costs a run or some tens per test.
        seed: of the order of the pairs and of the interval.
        limits: of one run; `Limits()` when None.
        times_copies: time even what is a copy: the A/A row.

    A time-out, a crash and an exit code other than 0 end the tests at once, as in the paper.
    """
    limits = limits or Limits()
    copied, identical = (
        is_copy(assembly, row.assembly),
        paper_calls_identical(assembly, row.assembly),
    )
    with tempfile.TemporaryDirectory(prefix="llmcc-program-") as name:
        folder = Path(name)
        # Names of one length: argv[0] moves the stack, and with it the time.
        baseline, candidate = folder / "program-a", folder / "program-b"
        inputs = _write_inputs(row, folder)
        tested = try_program(row, assembly, candidate, inputs, limits=limits)
        if not tested.is_right:
            return Result(row.id, tested, copied, identical)
        refusal = build(row.assembly, baseline)
        if refusal is not None:
            tested = Trial(
                Outcome.INTERNAL_ERROR, 0, len(inputs), f"the baseline: {refusal.detail}"
            )
            return Result(row.id, tested, copied, identical)
        wanted = [
            protocol
            for protocol in protocols
            if times_copies or not (identical if protocol == "paper" else copied)
        ]
        timings = _time(baseline, candidate, inputs, wanted, seed=seed, limits=limits)
    if isinstance(timings, Refusal):
        # Right in its tests and wrong a moment later is not right; a busy machine is not its fault.
        if timings.outcome is Outcome.NOT_DETERMINISTIC:
            tested = Trial(timings.outcome, 0, len(inputs), timings.detail)
        else:
            tested = Trial(tested.outcome, tested.passed, tested.total, timings.detail)
        return Result(row.id, tested, copied, identical)
    paper, paired = timings
    return Result(row.id, tested, copied, identical, paper, paired)


def try_program(
    row: Row, assembly: str, target: Path, inputs: list[Path], *, limits: Limits
) -> Trial:
    """Build a candidate and run its tests: the bytes of stdout and exit code 0."""
    total = len(inputs)
    refusal = build(assembly, target)
    if refusal is not None:
        return Trial(refusal.outcome, 0, total, refusal.detail)
    passed = 0
    for number, given in enumerate(inputs):
        ended = run(target, given, limits)
        if ended.is_timed_out:
            return Trial(Outcome.TIMED_OUT, passed, total, f"test {number}: {limits.wall_s:g} s")
        if ended.returncode != 0:
            return Trial(Outcome.CRASHED, passed, total, f"test {number}: {ended.returncode}")
        passed += ended.stdout == row.tests[number].output.encode("utf-8", "surrogateescape")
    if passed == total and total:
        return Trial(Outcome.NOT_FASTER, passed, total)
    return Trial(Outcome.WRONG_OUTPUT, passed, total, f"{total - passed} of {total} tests")


def ratio_of(result: Result, protocol: Protocol) -> float:
    """The figure that counts in a table: 1.0 for what is wrong, a copy, or could not be timed."""
    if not result.tested.is_right:
        return 1.0
    timing = result.paper if protocol == "paper" else result.paired
    if timing is None:
        return 1.0
    ratio = timing.clamped_ratio if isinstance(timing, PaperTiming) else timing.ratio
    return ratio if math.isfinite(ratio) else 1.0


def _time(
    baseline: Path,
    candidate: Path,
    inputs: list[Path],
    protocols: list[Protocol],
    *,
    seed: int,
    limits: Limits,
) -> tuple[PaperTiming | None, PairedTiming | None] | Refusal:
    if not protocols:
        return None, None
    try:
        with timing_lock():
            paper = (
                time_by_paper(baseline, candidate, inputs, tool=find_hyperfine())
                if "paper" in protocols
                else None
            )
            paired = (
                time_by_pairs(baseline, candidate, inputs, seed=seed, limits=limits)
                if "ours" in protocols
                else None
            )
    except TimingBusy as error:
        return Refusal(Outcome.MACHINE_TOO_NOISY, str(error))
    except RunFailed as error:
        return Refusal(Outcome.NOT_DETERMINISTIC, str(error))
    return paper, paired


def _write_inputs(row: Row, folder: Path) -> list[Path]:
    paths = []
    for number, test in enumerate(row.tests[:TESTS_MOST]):
        path = folder / f"input-{number}"
        path.write_bytes(test.input.encode("utf-8", "surrogateescape"))
        paths.append(path)
    return paths
