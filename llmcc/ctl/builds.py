"""Units as builds: which were compiled together, where their sources are, and what they sum up to.

Units that came whole from the store leave no record, so nothing here knows of them.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from llmcc.ctl.stages import Stage, has_reached
from llmcc.outcome import Outcome
from llmcc.store.records import LoopRecord, SpeedupInterval
from llmcc.store.unit_records import UnitRecord, latest

# A pause longer than this ends a build.
_PAUSE_S = 60.0
_SOURCE_NAME = re.compile(r".+\.(?:c|cc|cpp|cxx|C|c\+\+|cp)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of some units."""

    units: int
    loops: int
    tried: int  # loops the model was asked about
    accepted: int
    speedup: SpeedupInterval | None  # see `geomean`
    seconds: float  # that llmcc looked at the units, loops tried meanwhile included
    trying_s: float  # what trying these loops took, whenever that was
    finished_s: float | None  # Unix time of the last; None without units


def last_build(records: Iterable[UnitRecord]) -> list[UnitRecord]:
    """Keep the units of the last span of work without a pause of over 60 s, the oldest first.

    A pause is from the end of one unit to the start of work on the next.
    """
    found: list[UnitRecord] = []
    start_s = math.inf
    for record in sorted(records, key=lambda record: -record.finished_s):
        if found and record.finished_s < start_s - _PAUSE_S:
            break
        start_s = min(start_s, record.finished_s - record.seconds)
        found.append(record)
    return latest(found)


def summarise(records: Sequence[UnitRecord]) -> Summary:
    """Sum units up."""
    loops = [loop for record in records for loop in record.loops]
    return Summary(
        units=len(records),
        loops=len(loops),
        tried=sum(has_reached(loop.decision.outcome, Stage.TRIED) for loop in loops),
        accepted=sum(loop.decision.outcome is Outcome.ACCEPTED for loop in loops),
        speedup=geomean(loops),
        seconds=round(sum(record.seconds for record in records), 3),
        trying_s=round(sum(loop.decision.evidence.get("seconds", 0.0) for loop in loops), 3),
        finished_s=max((record.finished_s for record in records), default=None),
    )


def geomean(loops: Iterable[LoopRecord]) -> SpeedupInterval | None:
    """Average the speedups of the accepted loops; None when there are none.

    The interval is the mean of the loops' lower ends to that of their upper ends: wider than an
    interval of the mean had to be, and without the assumption that their errors are independent.
    """
    speedups = [
        loop.decision.speedup
        for loop in loops
        if loop.decision.outcome is Outcome.ACCEPTED and loop.decision.speedup is not None
    ]
    if not speedups:
        return None
    return SpeedupInterval(
        ratio=mean_ratio([speedup.ratio for speedup in speedups]),
        low=mean_ratio([speedup.low for speedup in speedups]),
        high=mean_ratio([speedup.high for speedup in speedups]),
    )


def mean_ratio(ratios: Sequence[float]) -> float:
    """Take the geometric mean; there must be at least one."""
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def source_of(record: UnitRecord) -> Path:
    """Return where a unit's source is or was: gcc's `.file` has no folder, its command has."""
    words = [word for word in record.command[1:] if _SOURCE_NAME.fullmatch(word)]
    named = [word for word in words if Path(word).name == record.name]
    # gcc escapes names, so that of the only source need not look the same.
    word = next(iter(named or (words if len(words) == 1 else ())), record.name)
    return Path(record.folder, word)


def resolved_source(record: UnitRecord) -> Path | None:
    """Return the source's one true path; None when it is not known where gcc ran."""
    return Path(os.path.realpath(source_of(record))) if record.folder else None


def units_of(file: Path, records: Iterable[UnitRecord]) -> list[UnitRecord]:
    """Keep the units of one source, the newest last.

    A file that is not there is looked for below any folder: it may have been compiled elsewhere.
    """
    ordered = sorted(records, key=lambda record: record.finished_s)
    if file.exists():
        resolved = Path(os.path.realpath(file))
        return [record for record in ordered if resolved_source(record) == resolved]
    parts = file.parts
    return [record for record in ordered if source_of(record).parts[-len(parts) :] == parts]


def is_below(record: UnitRecord, folder: Path) -> bool:
    """Tell whether a unit's source is this file or in this folder."""
    source = resolved_source(record)
    return source is not None and source.is_relative_to(os.path.realpath(folder))
