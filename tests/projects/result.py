"""What came of one project, and the journal that keeps it: an ended run goes on where it was.

A journal belongs to one generation of llmcc's code: another's results are not this one's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.projects.outputs import SuiteResult

# The compiles that are compared; also the names of their folders, as long as one another, since
# a path inside a program moves what comes after it.
GCC, AGAIN, LLMCC, SYNC = "gcc-a", "gcc-b", "llmcc", "sync0"

Figures = Mapping[str, tuple[float, ...]]  # of each compile, in the order of the rounds


@dataclass(frozen=True, slots=True)
class Timed:
    """One figure of a benchmark."""

    name: str
    is_rate: bool  # more is faster; else seconds of CPU time
    figures: Figures


@dataclass(frozen=True, slots=True)
class Filled:
    """What the first build with llmcc and `llmcc-ctl optimize` found."""

    mode: str
    build_s: float
    optimise_s: float  # 0 when the build itself did it
    tests: SuiteResult  # of what that build made, before anything was optimised in mode `record`
    recorded: int  # units in the spool before anything was optimised; 0 in mode `sync`
    left: int  # of these still there: the time was over before all their loops were decided
    units: int  # whose loops are counted here
    outcomes: Mapping[str, int]
    hot: Mapping[str, Mapping[str, int]]  # outcomes of the loops of hot functions
    accepted_in: tuple[str, ...]  # functions
    seconds_a_loop: float | None  # median of those tried


@dataclass(frozen=True, slots=True)
class ProjectResult:
    """All that was found about a project."""

    name: str
    version: str
    filled: Filled
    in_sync: Filled | None
    build_s: Figures
    tests: Mapping[str, SuiteResult]  # of gcc's build and of llmcc's with a full store
    timed: tuple[Timed, ...]
    text_bytes: Mapping[str, int]  # of all programs together, as `size` tells
    problems: tuple[str, ...]  # all that llmcc did otherwise than gcc
    seconds: float  # for all of this


class Journal:
    """A line of JSON for each project that was done."""

    def __init__(self, path: Path) -> None:
        """Open the journal at `path`; nothing is read or made yet."""
        self.path = path

    def add(self, result: ProjectResult) -> None:
        """Append a result."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(asdict(result)) + "\n")

    def results(self) -> dict[str, ProjectResult]:
        """Read all results, the last of each project."""
        if not self.path.exists():
            return {}
        rows = map(json.loads, self.path.read_text().splitlines())
        return {row["name"]: _result(row) for row in rows}


def _result(row: dict[str, Any]) -> ProjectResult:
    return ProjectResult(
        **{
            **row,
            "filled": _filled(row["filled"]),
            "in_sync": _filled(row["in_sync"]) if row["in_sync"] else None,
            "build_s": _figures(row["build_s"]),
            "tests": {name: SuiteResult(**fields) for name, fields in row["tests"].items()},
            "timed": tuple(
                Timed(one["name"], one["is_rate"], _figures(one["figures"])) for one in row["timed"]
            ),
            "problems": tuple(row["problems"]),
        }
    )


def _filled(row: dict[str, Any]) -> Filled:
    tests = SuiteResult(**row["tests"])
    return Filled(**{**row, "tests": tests, "accepted_in": tuple(row["accepted_in"])})


def _figures(row: Mapping[str, list[float]]) -> Figures:
    return {name: tuple(figures) for name, figures in row.items()}
