"""The page of `llmcc-ctl report`: from unit records to one HTML text that needs nothing else.

All that comes from records is escaped by the template engine. The page forbids itself, by a content
security policy, to load anything and to run any script but the one that sorts its tables.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import jinja2
from markupsafe import Markup

import llmcc
from llmcc.ctl import plots
from llmcc.ctl.builds import Summary, mean_ratio, resolved_source, source_of, summarise
from llmcc.ctl.evidence import BucketTime, Fact, bucket_times, facts
from llmcc.ctl.listing import (
    Listing,
    command_text,
    count_text,
    duration_text,
    printable,
    time_text,
)
from llmcc.ctl.stages import Stage, has_reached
from llmcc.outcome import Outcome
from llmcc.store.records import LoopRecord, SpeedupInterval
from llmcc.store.unit_records import UnitRecord, count_outcomes

# What a row of a plot tells no longer at a glance is folded away.
_ROWS_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Loop:
    """One loop, ready to be shown."""

    number: int
    source: str
    function: str
    head_label: str
    outcome: Outcome
    detail: str
    isa: str
    speedup: SpeedupInterval | None
    plot: Markup  # of the speedup; empty without one
    level: str
    level_detail: str
    buckets: tuple[BucketTime, ...]
    facts: tuple[Fact, ...]
    baseline: str  # "" but for accepted loops, as the rewrite
    rewrite: str


@dataclass(frozen=True, slots=True)
class StageRow:
    """One bar of the funnel."""

    sentence: str
    count: int
    percent: float
    plot: Markup


@dataclass(frozen=True, slots=True)
class BucketRow:
    """The accepted loops in one range of trip counts."""

    name: str
    trips: str
    loops: int
    mean: float
    low: float
    high: float
    plot: Markup


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """All loops that ended alike."""

    outcome: Outcome
    percent: float
    loops: tuple[Loop, ...]


@dataclass(frozen=True, slots=True)
class UnitRow:
    """One unit."""

    source: str
    command: str
    summary: Summary


@dataclass(frozen=True, slots=True)
class Page:
    """All that the template shows."""

    title: str
    version: str
    written: str
    summary: Summary
    finished: str
    funnel: tuple[StageRow, ...]
    axis: Markup
    accepted: tuple[Loop, ...]  # the fastest first
    buckets: tuple[BucketRow, ...]
    bucket_axis: Markup
    outcomes: tuple[OutcomeRow, ...]
    units: tuple[UnitRow, ...]


def render(units: Sequence[UnitRecord], *, base: Path, now_s: float) -> str:
    """Write the page of some units; there must be at least one.

    Sources are named from the folder or file `base`, which gives the page its title.
    """
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_resource),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["duration"] = duration_text
    environment.filters["count"] = count_text
    style, script = _resource("report.css"), _resource("report.js")
    return environment.get_template("report.html").render(
        page=make_page(units, base=base, now_s=now_s),
        rows_shown=_ROWS_SHOWN,
        style=Markup(style),
        script=Markup(script),
        style_digest=_digest(style),
        script_digest=_digest(script),
    )


def make_page(units: Sequence[UnitRecord], *, base: Path, now_s: float) -> Page:
    """Gather all that the page shows."""
    names = [_short_source(unit, base) for unit in units]
    records = [(name, loop) for name, unit in zip(names, units, strict=True) for loop in unit.loops]
    speedups = [
        loop.decision.speedup
        for _, loop in records
        if loop.decision.outcome is Outcome.ACCEPTED and loop.decision.speedup
    ]
    scale = plots.Scale.of(end for one in speedups for end in (one.ratio, one.low, one.high))
    loops = [
        _loop(number, loop, source=name, scale=scale) for number, (name, loop) in enumerate(records)
    ]
    accepted = sorted(
        (loop for loop in loops if loop.outcome is Outcome.ACCEPTED),
        key=lambda loop: -loop.speedup.ratio if loop.speedup else 0.0,
    )
    bucket_scale = plots.Scale.of(
        bucket.speedup_ratio for loop in accepted for bucket in loop.buckets
    )
    summary = summarise(units)
    return Page(
        title=printable(str(base)),
        version=llmcc.__version__,
        written=time_text(now_s),
        summary=summary,
        finished=time_text(summary.finished_s or 0.0),
        funnel=_funnel(loops),
        axis=plots.axis(scale),
        accepted=tuple(accepted),
        buckets=_bucket_rows(accepted, bucket_scale),
        bucket_axis=plots.axis(bucket_scale),
        outcomes=_outcome_rows(units, loops),
        units=tuple(
            UnitRow(name, command_text(unit.command), summarise([unit]))
            for name, unit in zip(names, units, strict=True)
        ),
    )


def _resource(name: str) -> str:
    return files("llmcc.ctl").joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """Name a text as a content security policy does."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _loop(number: int, record: LoopRecord, *, source: str, scale: plots.Scale) -> Loop:
    decision = record.decision
    is_in = decision.outcome is Outcome.ACCEPTED
    return Loop(
        number=number,
        source=source,
        function=printable(record.function),
        head_label=printable(record.head_label),
        outcome=decision.outcome,
        detail=printable(decision.detail),
        isa=decision.isa,
        speedup=decision.speedup,
        plot=plots.interval(scale, decision.speedup) if is_in and decision.speedup else Markup(),
        level=printable(decision.level),
        level_detail=printable(decision.level_detail),
        buckets=tuple(bucket_times(decision)),
        facts=tuple(facts(decision)),
        baseline=_listing(record.loop_text) if is_in else "",
        rewrite=_listing(decision.rewrite) if is_in else "",
    )


def _listing(text: str) -> str:
    return "\n".join(Listing.of("", text).lines)


def _short_source(unit: UnitRecord, base: Path) -> str:
    """Name a source from the page's folder, if it is in there."""
    source = resolved_source(unit) or source_of(unit)
    is_inside = source != base and source.is_relative_to(base)
    return printable(str(source.relative_to(base) if is_inside else source))


def _funnel(loops: Sequence[Loop]) -> tuple[StageRow, ...]:
    rows = []
    for stage in Stage:
        count = sum(has_reached(loop.outcome, stage) for loop in loops)
        share = count / len(loops) if loops else 0.0
        bar = plots.bar(share, f"{count} of {len(loops)} loops")
        rows.append(StageRow(stage.value, count, 100 * share, bar))
    return tuple(rows)


def _bucket_rows(accepted: Sequence[Loop], scale: plots.Scale) -> tuple[BucketRow, ...]:
    by_name: dict[str, list[BucketTime]] = {}
    for loop in accepted:
        for bucket in loop.buckets:
            by_name.setdefault(bucket.name, []).append(bucket)
    return tuple(_bucket_row(times, scale) for times in by_name.values())


def _bucket_row(times: Sequence[BucketTime], scale: plots.Scale) -> BucketRow:
    ratios = [one.speedup_ratio for one in times]
    mean = mean_ratio(ratios)
    return BucketRow(
        name=times[0].name,
        trips=times[0].trips,
        loops=len(ratios),
        mean=mean,
        low=min(ratios),
        high=max(ratios),
        plot=plots.dots(scale, ratios, mean=mean),
    )


def _outcome_rows(units: Sequence[UnitRecord], loops: Sequence[Loop]) -> tuple[OutcomeRow, ...]:
    counts: Mapping[Outcome, int] = count_outcomes(units)
    order = sorted(counts, key=lambda outcome: (-counts[outcome], outcome.name))
    return tuple(
        OutcomeRow(
            outcome,
            100 * counts[outcome] / len(loops),
            tuple(loop for loop in loops if loop.outcome is outcome),
        )
        for outcome in order
    )
