"""Build a program with gcc or llmcc, run it under a time limit, and count what llmcc did to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from llmcc.outcome import Outcome, OutcomeClass
from llmcc.store.unit_records import UnitRecords, count_outcomes

LLMCC = Path(sys.executable).with_name("llmcc")
_BUILD_TIMEOUT_S = 900
# What a region ends as once a backend was asked, or llmcc failed on the way there.
_TRIED = frozenset({OutcomeClass.ACCEPTED, OutcomeClass.REFUSED, OutcomeClass.NOT_WORTH})


class BuildError(Exception):
    """A compiler failed; the message holds what it said."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a program ended."""

    status: int | None  # -n when signal n killed it, None when its time was over
    output: bytes


@dataclass(frozen=True, slots=True)
class Built:
    """How a compile ended."""

    status: int
    messages: str


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the loops of one or more compiles."""

    found: int = 0
    tried: int = 0
    accepted: int = 0
    failed: int = 0  # internal errors: llmcc's own fault, though the program is gcc's

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.found + other.found,
            self.tried + other.tried,
            self.accepted + other.accepted,
            self.failed + other.failed,
        )

    @classmethod
    def of(cls, outcomes: Counter[Outcome]) -> Counts:
        """Sort outcomes into found, tried, accepted and failed."""
        return cls(
            found=outcomes.total(),
            tried=sum(
                count
                for outcome, count in outcomes.items()
                if outcome.kind in _TRIED and outcome is not Outcome.BUDGET_SPENT
            ),
            accepted=outcomes[Outcome.ACCEPTED],
            failed=outcomes[Outcome.INTERNAL_ERROR],
        )


class CountedCompiler:
    """llmcc with a store of its own, whose outcomes are counted compile by compile."""

    def __init__(self, cache: Path, *, budget_s: float) -> None:
        self.cache = cache
        self._environ = {"LLMCC_DIR": str(cache), "LLMCC_BUDGET": f"{budget_s:g}"}
        self.outcomes: Counter[Outcome] = Counter()  # of all compiles so far

    def compile(self, arguments: Sequence[str], *, folder: Path) -> Counts:
        """Compile and tell what became of the loops.

        Raises:
            BuildError: llmcc said anything at all that gcc does not say, or failed.
        """
        compile_with(LLMCC, arguments, folder=folder, environ=self._environ)
        now = count_outcomes(UnitRecords(self.cache).all())
        counts = Counts.of(now - self.outcomes)
        self.outcomes = now
        return counts


def compile_with(
    compiler: Path | str,
    arguments: Sequence[str],
    *,
    folder: Path,
    environ: Mapping[str, str] | None = None,
) -> None:
    """Compile; `-w` among the arguments makes any message an error.

    Raises:
        BuildError: the compiler failed or said something.
    """
    built = build(compiler, arguments, folder=folder, environ=environ)
    if built.status or built.messages:
        raise BuildError(f"{compiler} {' '.join(arguments)}: {built.status}: {built.messages}")


def build(
    compiler: Path | str,
    arguments: Sequence[str],
    *,
    folder: Path,
    environ: Mapping[str, str] | None = None,
) -> Built:
    """Start a compiler in `folder` and tell how it ended and what it said."""
    done = subprocess.run(
        [str(compiler), *arguments],
        cwd=folder,
        env={**_plain_environ(), **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_BUILD_TIMEOUT_S,
        check=False,
    )
    return Built(done.returncode, done.stdout.decode(errors="replace"))


def _plain_environ() -> dict[str, str]:
    """The environment without settings of llmcc: what a user's compile would see."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LLMCC_")}


def run_program(
    program: Path,
    *,
    timeout_s: float,
    arguments: Sequence[str] = (),
    stdin: bytes = b"",
    folder: Path | None = None,
) -> Ending:
    """Run a program in `folder`, with an end to its standard input."""
    try:
        done = subprocess.run(
            [program, *arguments],
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Ending(None, b"")
    return Ending(done.returncode, done.stdout)


def told(ending: Ending) -> str:
    """Say how a program ended."""
    if ending.status is None:
        return "did not end"
    if ending.status < 0:
        return signal.Signals(-ending.status).name
    return f"status {ending.status}"


def outcome_lines(outcomes: Counter[Outcome]) -> list[str]:
    """List outcomes, the most frequent first."""
    return [f"{count:7d}  {outcome.name}" for outcome, count in outcomes.most_common()]
