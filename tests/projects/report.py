"""docs/projects.md: the journal's results for people. Pure but for the writing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from llmcc.outcome import Outcome
from tests.evidence.machine_facts import MachineFacts
from tests.evidence.tables import table
from tests.projects.interval import Interval, median_interval, ratios
from tests.projects.project import Project
from tests.projects.result import AGAIN, GCC, LLMCC, Filled, ProjectResult, Timed
from tests.torture.programs import Counts

_MOST_RATIO = 1.05  # of lua5.4's build
_METHOD = """\
Each project is a Debian source package, fetched by the run. It is built three times in folders
whose names are equally long: by `gcc`, by `gcc` again (the A/A row: what the method itself gets
wrong) and with `CC=llmcc`, on two cores, at the optimisation level that the table names. llmcc's
store is empty at first: the project is configured, built and tested in `LLMCC_MODE={mode}`{more}.
Then everything is cleaned, built again in `LLMCC_MODE=apply` and tested, and builds and benchmarks
are timed turn by turn in random order. Sizes, tests and timings are of that second build.

An interval is that of the sign test for the median of the ratios within a round, with a chance of
at least 95 % unless another is given. Build times are wall-clock; speed is gcc's CPU time divided
by llmcc's, or llmcc's MB/s divided by gcc's where the program times itself: above 1 is faster.
Compared besides: the files that `configure` makes, what each step says on standard error, the
numbers of tests passed and failed, and what the benchmarks print."""


def write_page(
    file: Path,
    results: Mapping[str, ProjectResult],
    projects: Sequence[Project],
    *,
    machine: MachineFacts,
    mode: str,
) -> None:
    """Write the page; projects without a result are named as not done."""
    file.write_text(page(results, projects, machine=machine, mode=mode))


def page(
    results: Mapping[str, ProjectResult],
    projects: Sequence[Project],
    *,
    machine: MachineFacts,
    mode: str,
) -> str:
    """Lay the results out."""
    done = [results[project.name] for project in projects if project.name in results]
    missing = [project.name for project in projects if project.name not in results]
    told = {project.name: project for project in projects}
    more = ", then `llmcc-ctl optimize` works off what was recorded" if mode == "record" else ""
    parts = [
        "# Real projects, built with `CC=llmcc`",
        "What `make projects` found; written by it, do not edit. " + machine.sentence(),
        _METHOD.format(mode=mode, more=more),
        "## Builds and tests",
        table(
            (
                *(
                    "project",
                    "version",
                    "compiled with",
                    "units",
                    "build, gcc",
                    "llmcc, empty store",
                ),
                *("optimising", "gcc again / gcc", "llmcc, full store / gcc"),
                *("tests passed, gcc", f"llmcc, {mode}", "llmcc, full store", "different"),
            ),
            (_build_row(one, told[one.name]) for one in done),
        ),
        *(f"- {project.name}: {project.note}." for project in projects if project.note),
        _lua_sentence(results),
        "## Loops",
        "Found: all loops of the units that were looked at, test programs too where they are "
        "compiled. Tried: a rewrite was asked for. Not finished: units with loops that were not "
        "decided when the time was over; those without a fast path are not in these figures. "
        "Errors: llmcc's own; gcc's loop stays as it is.",
        table(
            (
                *("project", "units recorded", "not finished", "found", "tried", "accepted"),
                *("errors", "median s a loop"),
                *("code and constants, gcc", "llmcc", "more"),
            ),
            map(_loop_row, done),
        ),
        "## The projects' own benchmarks",
        table(("project", "benchmark", "rounds", "llmcc", "gcc again (A/A)"), _speed_rows(done)),
        "## What became of the loops",
        "Per cent of the loops found; outcomes below 0.5 % in every project are left out.",
        _outcome_table(done),
        "## The functions the benchmarks spend their time in",
        *(_hot_lines(one, told[one.name]) for one in done),
        *_sync_part(done),
        "## What llmcc did otherwise than gcc",
        "\n".join(f"- {one.name}: {problem}" for one in done for problem in one.problems)
        or "Nothing.",
    ]
    if missing:
        parts.append(f"**Not done** when this was written: {', '.join(missing)}.")
    return "\n\n".join(part for part in parts if part) + "\n"


def speed(timed: Timed, compile_name: str) -> Interval:
    """Speed of a compile's program over gcc's; above 1 is faster."""
    ours, gccs = timed.figures[compile_name], timed.figures[GCC]
    return median_interval(ratios(ours, gccs) if timed.is_rate else ratios(gccs, ours))


def build_ratio(result: ProjectResult, compile_name: str) -> Interval:
    """Time of a compile's build over gcc's; below 1 is faster."""
    return median_interval(ratios(result.build_s[compile_name], result.build_s[GCC]))


def _build_row(result: ProjectResult, project: Project) -> tuple[object, ...]:
    gcc_s = median_interval(result.build_s[GCC]).median
    filled = result.filled
    return (
        result.name,
        result.version,
        project.level,
        filled.units,
        f"{gcc_s:.1f} s",
        f"{filled.build_s:.1f} s",
        f"{filled.optimise_s:.0f} s" if filled.optimise_s else "in the build",
        build_ratio(result, AGAIN),
        build_ratio(result, LLMCC),
        result.tests[GCC],
        filled.tests,
        result.tests[LLMCC],
        f"**{len(result.problems)}**",
    )


def _lua_sentence(results: Mapping[str, ProjectResult]) -> str:
    if "lua5.4" not in results:
        return ""
    found = build_ratio(results["lua5.4"], LLMCC)
    met = "met" if found.median <= _MOST_RATIO else "**missed**"
    return (
        f"Target for a build of lua5.4 from a full store: at most {_MOST_RATIO} of gcc's time. "
        f"Measured: {found} over {found.count} rounds: {met}."
    )


def _counts(filled: Filled) -> Counts:
    return Counts.of(Counter({Outcome[name]: n for name, n in filled.outcomes.items()}))


def _loop_row(result: ProjectResult) -> tuple[object, ...]:
    counts = _counts(result.filled)
    seconds = result.filled.seconds_a_loop
    gcc, ours = result.text_bytes[GCC], result.text_bytes[LLMCC]
    return (
        result.name,
        result.filled.recorded or "",
        result.filled.left,
        f"{counts.found:,}",
        f"{counts.tried:,}",
        f"{counts.accepted:,}",
        counts.failed,
        "" if seconds is None else f"{seconds:.2f}",
        f"{gcc:,}",
        f"{ours:,}",
        f"{100 * (ours / gcc - 1):.2f} %",
    )


def _speed_rows(results: Sequence[ProjectResult]) -> list[tuple[object, ...]]:
    return [
        (result.name, one.name, speed(one, LLMCC).count, speed(one, LLMCC), speed(one, AGAIN))
        for result in results
        for one in result.timed
    ]


def _outcome_table(results: Sequence[ProjectResult]) -> str:
    shares = {
        result.name: {
            name: 100 * count / max(sum(result.filled.outcomes.values()), 1)
            for name, count in result.filled.outcomes.items()
        }
        for result in results
    }
    total: Counter[str] = Counter()
    for result in results:
        total.update(result.filled.outcomes)
    names = [
        name
        for name, _ in total.most_common()
        if any(of_one.get(name, 0) >= 0.5 for of_one in shares.values())
    ]
    rows = [
        (f"{name}", *(f"{shares[result.name].get(name, 0):.1f}" for result in results))
        for name in names
    ]
    return table(("outcome", *(result.name for result in results)), rows)


def _hot_lines(result: ProjectResult, project: Project) -> str:
    lines = []
    for function in project.hot:
        outcomes = result.filled.hot.get(function)
        told = ", ".join(f"{n} {name}" for name, n in (outcomes or {}).items())
        lines.append(f"`{function}`: {told or 'no loop under this name'}")
    accepted = ", ".join(f"`{name}`" for name in result.filled.accepted_in[:40])
    return f"- **{result.name}**: {'; '.join(lines)}. Fast paths in: {accepted or 'none'}."


def _sync_part(results: Sequence[ProjectResult]) -> list[str]:
    rows = [
        (
            result.name,
            f"{sync.build_s:.1f} s",
            sync.units,
            counts.found,
            counts.tried,
            counts.accepted,
            sync.tests,
        )
        for result in results
        if (sync := result.in_sync) is not None
        for counts in [_counts(sync)]
    ]
    if not rows:
        return []
    head = ("project", "build", "units", "found", "tried", "accepted", "tests passed")
    return ["## Small ones in `LLMCC_MODE=sync`, from an empty store", table(head, rows)]
