"""What is to be done next: units are surveyed, then regions tried, hottest first over all units.

Regions that are the same, in whatever units, are tried once. A unit is finished as soon as all of
its regions are decided.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from llmcc.optimize.tasks import (
    Decided,
    DecideTask,
    Dropped,
    Finished,
    FinishTask,
    Reply,
    Surveyed,
    SurveyTask,
    Task,
)
from llmcc.outcome import Outcome
from llmcc.pipeline import Answer, hottest_first
from llmcc.regions.model import Region
from llmcc.store.records import RegionDecision

_DIED = RegionDecision(Outcome.INTERNAL_ERROR, detail="the worker that tried it died")
_NOT_TRIED = RegionDecision(Outcome.BUDGET_SPENT)


@dataclass(slots=True)
class _OpenUnit:
    surveyed: Surveyed
    missing: set[str]  # keys of regions that are not decided


@dataclass(slots=True)
class Agenda:
    """The work of one run; replies come in, tasks go out."""

    weights: Mapping[str, float]  # per cent of time of each function; {} without a profile
    units: int = 0  # how many there are in all
    surveyed: int = 0
    finished: list[Finished] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)  # why, one for each unit lost
    tried: int = 0
    decided: dict[str, RegionDecision] = field(default_factory=dict)
    _surveys: deque[SurveyTask] = field(default_factory=deque)
    _finishes: deque[FinishTask] = field(default_factory=deque)
    _regions: list[tuple[tuple[float, ...], str, DecideTask]] = field(default_factory=list)
    _waiting: dict[str, list[str]] = field(default_factory=dict)  # region key: units
    _open: dict[str, _OpenUnit] = field(default_factory=dict)

    def add(self, units: Iterable[str]) -> None:
        """Put spooled units on the agenda."""
        self._surveys.extend(map(SurveyTask, units))
        self.units = len(self._surveys)

    @property
    def to_try(self) -> int:
        """How many regions wait to be tried."""
        return len(self._regions)

    @property
    def to_survey(self) -> int:
        """How many units wait to be surveyed."""
        return len(self._surveys)

    def next(self) -> Task | None:
        """Take the next task; None when nothing is to be done, or not before a reply comes."""
        if (finish := self.next_finish()) is not None:
            return finish
        if self._surveys:
            return self._surveys.popleft()
        return heapq.heappop(self._regions)[2] if self._regions else None

    def next_finish(self) -> FinishTask | None:
        """Take a task that stores what was found."""
        return self._finishes.popleft() if self._finishes else None

    def take(self, task: Task, reply: Reply | None) -> None:
        """Note what came of a task; None: its worker died."""
        match task:
            case SurveyTask():
                self.surveyed += 1
                self._take_survey(reply)
            case DecideTask():
                self.tried += 1
                decision = reply.decision if isinstance(reply, Decided) else _DIED
                self._decide(task.key, decision)
            case FinishTask():
                self._take_end(reply)

    def unfinished(self) -> list[FinishTask]:
        """Give tasks to store, as far as they are decided, units that have a fast path by now."""
        tasks = [self._finish_task(unit) for unit in self._open.values()]
        return [*self._finishes, *(task for task in tasks if _has_fast_path(task))]

    def _take_survey(self, reply: Reply | None) -> None:
        if not isinstance(reply, Surveyed):
            self._take_end(reply)
            return
        missing = {}
        for region, key, known in zip(reply.survey.regions, reply.keys, reply.known, strict=True):
            if known is not None:
                self.decided.setdefault(key, known)
            elif key not in self.decided:
                missing[key] = region
        unit = _OpenUnit(reply, set(missing))
        self._open[reply.unit] = unit
        for key, region in missing.items():
            if key not in self._waiting:
                task = self._task(reply, key, region)
                heapq.heappush(self._regions, (self._heat(region), key, task))
            self._waiting.setdefault(key, []).append(reply.unit)
        self._close_if_decided(unit)

    def _take_end(self, reply: Reply | None) -> None:
        if isinstance(reply, Finished):
            self.finished.append(reply)
        else:
            self.dropped.append(reply.why if isinstance(reply, Dropped) else "the worker died")

    def _decide(self, key: str, decision: RegionDecision) -> None:
        self.decided[key] = decision
        for name in self._waiting.pop(key, ()):
            unit = self._open[name]
            unit.missing.discard(key)
            self._close_if_decided(unit)

    def _close_if_decided(self, unit: _OpenUnit) -> None:
        if not unit.missing:
            del self._open[unit.surveyed.unit]
            self._finishes.append(self._finish_task(unit))

    def _finish_task(self, unit: _OpenUnit) -> FinishTask:
        surveyed = unit.surveyed
        answers = tuple(
            Answer(key, known or self.decided.get(key, _NOT_TRIED))
            for key, known in zip(surveyed.keys, surveyed.known, strict=True)
        )
        return FinishTask(surveyed.unit, surveyed.survey, answers, surveyed.config)

    def _heat(self, region: Region) -> tuple[float, ...]:
        return -self.weights.get(region.function, 0.0), *hottest_first(region)

    def _task(self, unit: Surveyed, key: str, region: Region) -> DecideTask:
        text = unit.survey.function_texts[region.function]
        return DecideTask(key, region, text, unit.config, unit.source)


def _has_fast_path(task: FinishTask) -> bool:
    return any(answer.decision.outcome is Outcome.ACCEPTED for answer in task.answers)
