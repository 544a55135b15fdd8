"""One worker: surveys units, decides on regions, finishes units; in a process of its own."""

from __future__ import annotations

import os
import time
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
    PASSING,
    Context,
    Workshop,
    decision_of,
    finish_unit,
    make_context,
    store_result,
    survey_unit,
    unit_name,
    unit_record,
)
from llmcc.regions.model import Region
from llmcc.store.evict import trim_when_due
from llmcc.store.records import RegionDecision
from llmcc.store.spool import Spool, SpooledUnit
from llmcc.store.unit_records import UnitRecords
from llmcc.store.units import UnitStore

_UNLIMITED_S = float("inf")


class Worker:
    """Does tasks, one after the other; the model and the sandbox are opened once."""

    def __init__(self, config: Config) -> None:
        """Work on the cache of `config`; a unit's own settings come from its compile."""
        self._config = config
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
                    return Decided(task.key, workshop.attempt(task.region, task.function_text))
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
        keys = tuple(workshop.key(region) for region in survey.regions)

        def known(region: Region) -> RegionDecision | None:
            refusal = survey.eligibility.refusal(region.function)
            return workshop.known(region) if refusal is None else decision_of(refusal)

        return Surveyed(
            unit=unit.key,
            source=unit_name(unit.text),
            config=config,
            survey=survey,
            keys=keys,
            known=tuple(map(known, survey.regions)),
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
        return make_context(config, unit.driver if unit else None)

    def _workshop(self, config: Config) -> Workshop:
        if config not in self._workshops:
            self._workshops[config] = Workshop(self._context(config, None))
        return self._workshops[config]
