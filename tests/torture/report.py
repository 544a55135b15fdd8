"""The figures of `make torture`: a summary for machines, and docs/torture.md for people."""

from __future__ import annotations

import json
import os
import platform
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from llmcc.native.identity import generation
from llmcc.store.keys import cpu_name
from llmcc.toolchain import find_gcc, gcc_version
from tests.torture.journal import NO_END, Row
from tests.torture.spoil import PEELED, SPOILED

# Everything in docs/torture.md behind this line is ours.
_MARK = "<!-- figures: all below is written by `make torture` -->"


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of one suite."""

    suite: str
    programs: int  # that come to an end
    endless: int
    passed_by_gcc: int
    passed_by_llmcc: int
    passed_by_one: tuple[str, ...]  # names
    different: tuple[str, ...]  # names
    outcomes: dict[str, int]
    backends: dict[str, int]  # of accepted rewrites; empty when not known
    found: int
    tried: int
    accepted: int
    failed: int
    ran: int | None  # None when not counted
    seconds: float  # of work, on one core


def figures(suite: str, rows: Sequence[Row]) -> Figures:
    """Add up the rows of a suite."""
    ended = [row for row in rows if row.verdict != NO_END]
    outcomes: Counter[str] = Counter()
    backends: Counter[str] = Counter()
    for row in ended:
        outcomes.update(row.outcomes)
        backends.update(row.backends)
    counts = Row("", "", False, False, outcomes=outcomes).counts
    counted = [row.ran for row in ended if row.ran is not None]
    return Figures(
        suite=suite,
        programs=len(ended),
        endless=len(rows) - len(ended),
        passed_by_gcc=sum(row.is_passed_by_gcc for row in ended),
        passed_by_llmcc=sum(row.is_passed_by_llmcc for row in ended),
        passed_by_one=tuple(
            row.name for row in ended if row.is_passed_by_gcc != row.is_passed_by_llmcc
        ),
        different=tuple(row.name for row in ended if row.is_different),
        outcomes=dict(outcomes.most_common()),
        backends=dict(backends.most_common()),
        found=counts.found,
        tried=counts.tried,
        accepted=counts.accepted,
        failed=counts.failed,
        ran=sum(counted) if counted else None,
        seconds=round(sum(row.seconds for row in rows), 1),
    )


def write_summary(all_figures: Sequence[Figures], path: Path) -> None:
    """Write the figures as JSON, with the machine and the code they are of."""
    about = {
        "date": time.strftime("%Y-%m-%d"),
        "generation": generation(),
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "gcc": gcc_version(find_gcc()),
        "system": platform.platform(),
    }
    suites = [asdict(one) for one in all_figures]
    path.write_text(json.dumps({**about, "suites": suites}, indent=1) + "\n")


def write_figures(
    all_figures: Sequence[Figures], command: str, document: Path, *, unfinished: Sequence[str]
) -> None:
    """Put the figures into a document, in place of those it has."""
    text, mark, _ = document.read_text().partition(_MARK)
    assert mark, f"{document} has no line {_MARK}"
    document.write_text(f"{text}{_MARK}\n\n{markdown(all_figures, command)}")
    if unfinished:
        with document.open("a") as file:
            file.write(f"\n**Not finished** when this was written: {', '.join(unfinished)}.\n")


def markdown(all_figures: Sequence[Figures], command: str) -> str:
    """Lay the figures out for people."""
    lines = [
        f"`{command}`, {time.strftime('%-d %B %Y')}, {os.cpu_count()} cores of {_cpu_model()},"
        f" gcc {gcc_version(find_gcc())}, llmcc generation `{generation()[:16]}`:",
        "",
        "| suite | programs | passed by gcc | by llmcc | **different** | errors | minutes |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {one.suite} | {one.programs:,} | {one.passed_by_gcc:,} | {one.passed_by_llmcc:,}"
            f" | **{len(one.different)}** | {one.failed} | {one.seconds / 60:.0f} |"
            for one in all_figures
        ),
        "",
        "| suite | loops found | tried | fast paths | of these the model's | peeled | spoiled"
        " | executed |",
        "|---|---|---|---|---|---|---|---|",
        *(map(_loops_line, all_figures)),
        "",
        *(f"- {one.suite}: {_told(one)}" for one in all_figures),
        "",
    ]
    return "\n".join(lines)


def _loops_line(one: Figures) -> str:
    names = ("embedded", PEELED, SPOILED)
    known = [str(one.backends.get(name, 0)) if one.backends else "" for name in names]
    ran = "" if one.ran is None else one.ran
    cells = [one.suite, one.found, one.tried, one.accepted, *known, ran]
    return f"| {' | '.join(map(str, cells))} |"


def _told(one: Figures) -> str:
    """Say in words what the tables leave out."""
    parts = [f"gcc itself fails {one.programs - one.passed_by_gcc}"]
    if one.endless:
        parts.append(f"{one.endless} more did not end")
    if one.passed_by_one:
        parts.append(f"passed by one compiler only: {', '.join(one.passed_by_one)}")
    if one.different:
        parts.append(f"different: {', '.join(one.different)}")
    kept = [f"{count} {name}" for name, count in one.outcomes.items() if name != "ACCEPTED"]
    parts.append(f"loops without a fast path: {', '.join(kept[:8]) or 'none'}")
    return "; ".join(parts) + "."


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "an unknown CPU"
