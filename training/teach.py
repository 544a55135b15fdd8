"""What the teachers know about loops of real projects: candidates, judged, the fastest kept.

Teachers: widening of gcc's SSE loops, a compiler at other flags (`training.lift`), and a small
search around gcc's own loop. None of them is believed: every candidate goes through the gate, the
tests and the timing of a `JudgePool`. Templates that know a loop's meaning take no part.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from llmcc.outcome import Outcome
from llmcc.regions.model import Region
from llmcc.training.dataset import PairRecord
from llmcc.training.experts import is_packed
from llmcc.training.families.vector import NotExpressible
from llmcc.training.judgement import Judgement
from llmcc.training.judging import Case
from llmcc.training.leave_it import NOTHING_FASTER
from llmcc.training.lift import lifted_rewrites
from llmcc.training.local_edits import local_edits
from llmcc.training.widen import widen

_LOOPS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text that a teacher would put in front of a loop."""

    teacher: str  # "widen", "lift …", "cmov", "unroll4 counted", …
    text: str


class Judges(Protocol):
    """What teaching needs of a `JudgePool`."""

    def judge(self, cases: Sequence[Case]) -> list[Judgement]:
        """Judge proposals, in their order."""
        ...


def candidates(region: Region, isa: str) -> list[Candidate]:
    """Ask every teacher; texts are distinct."""
    found: dict[str, Candidate] = {}
    for teacher, text in _texts(region, isa):
        found.setdefault(text, Candidate(teacher, text))
    return list(found.values())


def _texts(region: Region, isa: str) -> Iterator[tuple[str, str]]:
    if is_packed(region):
        with suppress(NotExpressible):
            yield "widen", widen(region, isa)
    for how, text in lifted_rewrites(region, isa):
        yield f"lift {how}", text
    yield from local_edits(region)


def teach_records(
    records: Sequence[PairRecord],
    endings: Counter[str],
    *,
    pool: Judges,
    timeout_s: float,
) -> list[PairRecord]:
    """Give each record the fastest rewrite a teacher has for it; "" stays where there is none.

    endings: counted up with how each candidate and each record ended.
    timeout_s: records that are not reached by then say so in their provenance.
    """
    deadline_s = time.monotonic() + timeout_s
    taught: list[PairRecord] = []
    for start in range(0, len(records), _LOOPS_AT_ONCE):
        part = records[start : start + _LOOPS_AT_ONCE]
        if time.monotonic() > deadline_s:
            endings["record: not tried"] += len(part)
            taught += [_noted(record, "not tried by a teacher") for record in part]
            continue
        taught += _teach_some(part, endings, pool)
    return taught


def _teach_some(
    records: Sequence[PairRecord], endings: Counter[str], pool: Judges
) -> list[PairRecord]:
    offered = [candidates(_region(record), record.isa) for record in records]
    cases = [
        Case(_region(record), record.isa, candidate.text)
        for record, some in zip(records, offered, strict=True)
        for candidate in some
    ]
    judgements = iter(pool.judge(cases))
    taught: list[PairRecord] = []
    for record, some in zip(records, offered, strict=True):
        judged = [(candidate, next(judgements)) for candidate in some]
        for candidate, judgement in judged:
            endings[f"{candidate.teacher}: {judgement.outcome.name}"] += 1
        taught.append(_chosen(record, judged, endings))
    return taught


def _chosen(
    record: PairRecord,
    judged: Sequence[tuple[Candidate, Judgement]],
    endings: Counter[str],
) -> PairRecord:
    faster = [(judgement.low_ratio or 0.0, n) for n, (_, judgement) in enumerate(judged)
              if judgement.is_faster]  # fmt: skip
    if not faster:
        why_not = _why_not(judged)
        endings["record: " + why_not] += 1
        return _noted(record, why_not)
    candidate, judgement = judged[max(faster)[1]]
    endings[f"record: taught by {candidate.teacher.partition(' ')[0]}"] += 1
    return replace(
        _noted(record, f"{candidate.teacher}, {judgement.ratio:.2f}x"),
        rewrite=candidate.text,
        wide_follows_xmm=candidate.teacher == "widen" and record.isa == "avx512",
    )


def _why_not(judged: Sequence[tuple[Candidate, Judgement]]) -> str:
    """Tell a loop nothing is faster for from one that was never judged rightly."""
    if not judged:
        return "no candidate"
    if any(judgement.is_right for _, judgement in judged):
        return NOTHING_FASTER
    counts = Counter(judgement.outcome for _, judgement in judged)
    outcome: Outcome = counts.most_common(1)[0][0]
    return f"nothing right, mostly {outcome.name}"


def _noted(record: PairRecord, note: str) -> PairRecord:
    return replace(record, provenance=f"{record.provenance}; {note}")


def _region(record: PairRecord) -> Region:
    assert record.region is not None, "harvested records hold their regions"
    return record.region
