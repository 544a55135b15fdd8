"""One worker: surveys units, decides on regions, finishes units; in a process of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace

from llmcc.config import Config, read_config
from llmcc.errors import LlmccError
from llmcc.native.identity import generation
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
from llmcc.pipeline import (
    finish_unit,
    make_context,
    store_result,
    survey_unit,
    try_region,
    unit_name,
    unit_record,
)
from llmcc.store.evict import trim_when_due
from llmcc.store.spool import Spool, SpooledUnit
from llmcc.store.unit_records import UnitRecords
from llmcc.store.units import UnitStore
from llmcc.workshop import PASSING, Context, Rewriter, Workshop

_UNLIMITED_S = float("inf")

RewriterMaker = Callable[[Config], Rewriter]


class Worker:
    """Does tasks, one after the other; the model and the sandbox are opened once."""

    def __init__(self, config: Config, *, make_rewriter: RewriterMaker | None = None) -> None:
        """Work on the cache of `config`; a unit's own settings come from its compile.

        `make_rewriter` makes what tries regions, the real thing unless given.
        """
        self._config = config
        self._make_rewriter = make_rewriter
        self._spool = Spool(config.cache)
        self._generation = generation()
        self._workshops: dict[Config, Workshop] = {}

    def do(self, task: Task) -> Reply:
        """Do a task; what went wrong outside the pipeline is the reply."""
        try:
            match task:
                case SurveyTask():
                    return self._survey(task)
                case DecideTask():
                    workshop = self._workshop(task.config)
                    return Decided(task.key, try_region(task.region, task.function_text, workshop))
                case FinishTask():
                    return self._finish(task)
        except (LlmccError, OSError) as error:
            return Dropped(str(error))

    def _survey(self, task: SurveyTask) -> Surveyed | Dropped:
        unit = self._spool.get(task.unit)
        if unit is None:
            return Dropped("a damaged file in the spool was removed")
        if unit.generation != self._generation:
            self._spool.remove(unit.key)
            return Dropped("recorded by another version of llmcc: build once more")
        config = self._settings_of(unit)
        survey = survey_unit(unit.text, self._context(config, unit))
        workshop = self._workshop(config)
        return Surveyed(
            unit=unit.key,
            source=unit_name(unit.text),
            config=config,
            survey=survey,
            keys=tuple(workshop.key(region) for region in survey.regions),
            known=tuple(workshop.known(region, survey.eligibility) for region in survey.regions),
        )

    def _finish(self, task: FinishTask) -> Finished | Dropped:
        unit = self._spool.get(task.unit)
        if unit is None:
            return Dropped("a unit is not in the spool any more")
        started_s = time.monotonic()
        result = finish_unit(unit.text, task.survey, task.answers, config=task.config)
        cache = self._config.cache
        store_result(unit.key, result, UnitStore(cache))
        seconds = round(time.monotonic() - started_s, 3)
        record = unit_record(unit.key, unit.text, unit.driver, result, seconds=seconds)
        UnitRecords(cache).put(record)
        trim_when_due(cache, cap_bytes=self._config.cap_bytes, now_s=time.time())
        is_kept = any(answer.decision.outcome in PASSING for answer in task.answers)
        if not is_kept:
            self._spool.remove(unit.key)
        outcomes = tuple(loop.decision.outcome for loop in result.records)
        return Finished(unit.key, outcomes, is_kept)

    def _settings_of(self, unit: SpooledUnit) -> Config:
        """Return the settings a unit was compiled with; where files are is ours to say.

        Raises:
            BadSetting: one cannot be understood.
        """
        others = {n: v for n, v in os.environ.items() if not n.startswith("LLMCC_")}
        its_own = read_config({**others, **unit.environ})
        return replace(
            its_own,
            budget_s=_UNLIMITED_S,
            cache=self._config.cache,
            cap_bytes=self._config.cap_bytes,
            remote=self._config.remote,
            remote_secret=self._config.remote_secret,
            log=self._config.log,
            is_strict=self._config.is_strict,
            mode=self._config.mode,
        )

    def _context(self, config: Config, unit: SpooledUnit | None) -> Context:
        context = make_context(config, unit.driver if unit else None)
        make = self._make_rewriter
        return context if make is None else replace(context, make_rewriter=lambda: make(config))

    def _workshop(self, config: Config) -> Workshop:
        if config not in self._workshops:
            self._workshops[config] = Workshop(self._context(config, None))
        return self._workshops[config]
