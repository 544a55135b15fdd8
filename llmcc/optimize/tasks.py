"""What workers are asked for, and what they reply."""

from __future__ import annotations

from dataclasses import dataclass

from llmcc.config import Config
from llmcc.outcome import Outcome
from llmcc.pipeline import Answer, Survey
from llmcc.regions.model import Region
from llmcc.store.records import RegionDecision


@dataclass(frozen=True, slots=True)
class SurveyTask:
    """Find the loops of a spooled unit."""

    unit: str  # key in the spool


@dataclass(frozen=True, slots=True)
class DecideTask:
    """Try a region that is not decided yet."""

    key: str  # what the decision is filed under
    region: Region
    function_text: str
    config: Config
    source: str  # for people


@dataclass(frozen=True, slots=True)
class FinishTask:
    """Store a unit as far as it is decided."""

    unit: str
    survey: Survey
    answers: tuple[Answer, ...]
    config: Config


Task = SurveyTask | DecideTask | FinishTask


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A unit's loops, with what is known of them."""

    unit: str
    source: str
    config: Config  # the settings it was compiled with
    survey: Survey
    keys: tuple[str, ...]  # of the regions
    known: tuple[RegionDecision | None, ...]  # of the regions; None: to be tried


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a region."""

    key: str
    decision: RegionDecision


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of a unit."""

    unit: str
    outcomes: tuple[Outcome, ...]  # of its loops
    is_kept: bool  # in the spool: another run may find more


@dataclass(frozen=True, slots=True)
class Dropped:
    """A unit or region that nothing could be found out about, and why."""

    why: str


Reply = Surveyed | Decided | Finished | Dropped
