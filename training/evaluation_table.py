"""Write an evaluation for people, as Markdown, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from llmcc.training.estimators import Interval
from llmcc.training.figures import KS, Comparison, Figures

BY_FAMILY = "**by family and project**"  # the heading of the last and longest table
_HEADINGS = (
    "row",
    "loops",
    "shapes",
    "assembles",
    "right",
    "faster",
    "timed",
    "geomean",
    "p25/p50/p75",
    *(f"pass@{k}" for k in KS),
    *(f"speedup@{k}" for k in KS),
)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything an evaluation found."""

    made_by: str  # the command line
    machine: str
    sections: tuple[Figures, ...]
    families: tuple[Figures, ...]
    comparisons: tuple[Comparison, ...]


def to_json(report: Report) -> dict[str, Any]:
    """Turn a report into what json.dumps takes, its Markdown included for the model card."""
    return {**asdict(report), "markdown": markdown(report)}


def tables(report: Report) -> list[Table]:
    """Lay a report out for a terminal: a table a section without intervals, then comparisons."""
    laid_out = []
    for section in dict.fromkeys(one.section for one in report.sections):
        table = Table(*_HEADINGS, title=section)
        for one in _of(report.sections, section):
            table.add_row(*(cell.partition(" [")[0] for cell in _cells(one)))
        laid_out.append(table)
    if report.comparisons:
        table = Table(*_comparison_headings(report.comparisons), title="paired comparison")
        for two in report.comparisons:
            table.add_row(*_comparison_cells(two))
        laid_out.append(table)
    return laid_out


def markdown(report: Report) -> str:
    """Write a report as Markdown tables, for docs/training.md and the model card."""
    lines = [f"`{report.made_by}`, {report.machine}. Brackets: 95 % bootstrap over shapes.", ""]
    for section in dict.fromkeys(one.section for one in report.sections):
        some = _of(report.sections, section)
        rows = [_cells(one) for one in some]
        lines += [f"**{section}**", "", *_markdown_table(_HEADINGS, rows), ""]
        lines += ["How samples ended:", "", *map(_endings, some), ""]
    if report.comparisons:
        headings = _comparison_headings(report.comparisons)
        rows = [_comparison_cells(two) for two in report.comparisons]
        lines += ["**paired comparison**", "", *_markdown_table(headings, rows), ""]
    if report.families:
        headings = ("family or project", *_HEADINGS)
        rows = [(one.section, *_cells(one)) for one in report.families]
        lines += [BY_FAMILY, "", *_markdown_table(headings, rows), ""]
    return "\n".join(lines)


def _of(every: Sequence[Figures], section: str) -> list[Figures]:
    return [one for one in every if one.section == section]


def _cells(one: Figures) -> tuple[str, ...]:
    return (
        one.row,
        str(one.loops),
        str(one.shapes),
        *map(_share, (one.assembles, one.right, one.faster)),
        _ratio(one.timed),
        _ratio(one.geomean_one),
        "/".join(f"{value:.2f}" for value in one.percentiles),
        *map(_share, one.pass_at),
        *map(_ratio, one.speedup_at),
    )


def _endings(one: Figures) -> str:
    total = max(sum(one.refusals.values()), 1)
    shares = (f"{name} {count / total:.1%}" for name, count in one.refusals.items())
    return f"- {one.row}: " + (", ".join(shares) or "nothing was proposed")


def _comparison_headings(comparisons: Sequence[Comparison]) -> tuple[str, ...]:
    count = len(comparisons[0].parts)
    parts = tuple(f"part {number}" for number in range(1, count + 1))
    return ("loops of", "new", "old", "k", "loops", "gain", *parts, "shown")


def _comparison_cells(two: Comparison) -> tuple[str, ...]:
    return (
        two.section,
        two.new,
        two.old,
        str(two.k),
        str(two.loops),
        *map(_ratio, (two.gain, *two.parts)),
        "yes" if two.is_shown else "no",
    )


def _share(one: Interval) -> str:
    return f"{one.value:.1%} [{100 * one.low:.1f}, {100 * one.high:.1f}]"


def _ratio(one: Interval) -> str:
    return f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"


def _markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    head = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    return [*head, *("| " + " | ".join(row) + " |" for row in rows)]
