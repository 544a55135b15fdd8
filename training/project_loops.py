"""The loops of a project that llmcc may rewrite, one of each shape, as prompt-only records."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from llmcc.backends.embedded.prompt import prompt_text
from llmcc.config import read_config
from llmcc.pipeline import make_context, survey_unit
from llmcc.propose import Request
from llmcc.regions.model import Region
from llmcc.training.corpus import shape_key
from llmcc.training.dataset import PairRecord
from llmcc.training.experts import ISAS
from llmcc.training.project_units import ProjectUnit

FAMILY = "real"


@dataclass(frozen=True, slots=True)
class ProjectLoop:
    """A loop that may be rewritten, and where it is from."""

    source: str  # name of the C file
    level: str  # gcc's: "O2", "O3", …
    region: Region


@dataclass(frozen=True, slots=True)
class ProjectLoops:
    """What looking through a project's units came to."""

    units: int  # looked at
    loops: tuple[ProjectLoop, ...]  # of distinct shapes
    endings: Counter[str]  # all loops: a refusal's name, "again" (a shape seen before) or "loop"
    is_complete: bool  # False when time was over before the last unit


def find_project_loops(
    units: Iterable[ProjectUnit], *, scratch: Path, timeout_s: float
) -> ProjectLoops:
    """Look through units as the product does: its region finder, and gcc's word on each function.

    The sources must still be where they were compiled: gcc is asked again.
    """
    deadline_s = time.monotonic() + timeout_s
    config = replace(read_config({}), cache=scratch, log=scratch / "log", is_strict=True)
    seen: set[str] = set()
    loops: list[ProjectLoop] = []
    endings: Counter[str] = Counter()
    count = 0
    for unit in units:
        if time.monotonic() > deadline_s:
            return ProjectLoops(count, tuple(loops), endings, is_complete=False)
        count += 1
        survey = survey_unit(unit.text, make_context(config, unit.driver))
        endings.update(record.decision.outcome.name for record in survey.refused)
        for region in survey.regions:
            refusal = survey.eligibility.refusal(region.function)
            if refusal is not None:
                endings[refusal.outcome.name] += 1
                continue
            shape = shape_key(region.text)
            endings["again" if shape in seen else "loop"] += 1
            if shape not in seen:
                seen.add(shape)
                loops.append(ProjectLoop(unit.source, unit.level, region))
    return ProjectLoops(count, tuple(loops), endings, is_complete=True)


def prompt_records(project: str, split: str, loops: Iterable[ProjectLoop]) -> list[PairRecord]:
    """Make a record without a rewrite for each loop and ISA."""
    return [
        PairRecord(
            id=f"{project}-{loop.source}-{loop.region.function}-"
            f"{loop.region.placement.head_label}-{loop.level}-{isa}",
            family=FAMILY,
            element_type="any",
            isa=isa,
            opt=loop.level,
            split=split,
            prompt=prompt_text(Request(loop.region, isa)),
            rewrite="",
            provenance=f"{project} {loop.source} {loop.region.function}, gcc -{loop.level}",
            region=loop.region,
            group=project,
        )
        for loop in loops
        for isa in ISAS
    ]
