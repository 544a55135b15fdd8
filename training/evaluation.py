"""Judge the answers of several proposers on the same loops, loop by loop, resumably."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from llmcc.asm.model import LineKind
from llmcc.asm.parse import parse_line
from llmcc.config import read_config
from llmcc.outcome import Outcome, OutcomeClass, Refusal
from llmcc.sandbox.selftest import open_checked_sandbox
from llmcc.sandbox.zygote import SandboxDied
from llmcc.training.corpus import shape_key
from llmcc.training.dataset import PairRecord, read_pairs
from llmcc.training.families.composed import FAMILIES as COMPOSED
from llmcc.training.figures import Comparison, Figures, compare, figures
from llmcc.training.judgement import Judgement
from llmcc.training.judging import Case
from llmcc.training.loop_results import LoopResult, ResultFile
from llmcc.training.proposers import Answers, Proposer
from llmcc.training.self_timing import time_itself
from llmcc.training.side_by_side import side_by_side

SEEN, UNSEEN_COMPOSITIONS, UNSEEN_FAMILIES, UNSEEN_PROJECTS, ALL = (
    "seen families, unseen shapes",
    "unseen compositions",
    "unseen families",
    "unseen projects",
    "all",
)
SECTIONS = (SEEN, UNSEEN_COMPOSITIONS, UNSEEN_FAMILIES, UNSEEN_PROJECTS)
AA_ROW = "A/A"
_COMPOSED = frozenset(family.name for family in COMPOSED)
_LOOPS_PER_ROUND = 8
_AA_REPEATS = 2

Results = Mapping[str, Sequence[LoopResult]]  # by row


class Judges(Protocol):
    """What judges cases: a `judging.JudgePool`, or a stand-in in tests."""

    def judge(self, cases: Sequence[Case]) -> list[Judgement]:
        """Judge cases, in their order."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """The loops of an evaluation."""

    records: tuple[PairRecord, ...]  # with regions
    trained_families: frozenset[str]
    new_compositions: frozenset[str]  # composed loops of instructions no training loop is made of

    def section(self, loop: LoopResult | PairRecord) -> str:
        """Say how new a loop is to the models."""
        if loop.group != "synthetic":
            return UNSEEN_PROJECTS
        if loop.family not in self.trained_families:
            return UNSEEN_FAMILIES
        name = loop.id if isinstance(loop, PairRecord) else loop.record_id
        return UNSEEN_COMPOSITIONS if name in self.new_compositions else SEEN


def read_question(
    files: Sequence[Path],
    *,
    split: str,
    per_family: int | None,
    sections: Collection[str] = SECTIONS,
) -> tuple[Question, list[PairRecord]]:
    """Take the loops of a split, and the training pairs that rewrites are borrowed from.

    per_family: most of each family, or of each project, in each section; None for all.
    sections: leave out loops of others.
    """
    records = list(itertools.chain.from_iterable(map(read_pairs, files)))
    training = [record for record in records if record.split == "train"]
    asked = [record for record in records if record.split == split and record.region is not None]
    known = {_instructions(record) for record in training}
    question = Question(
        tuple(asked),
        frozenset(record.family for record in training),
        frozenset(
            record.id
            for record in asked
            if record.family in _COMPOSED and _instructions(record) not in known
        ),
    )
    taken: Counter[tuple[str, str, str]] = Counter()
    chosen: list[PairRecord] = []
    for record in asked:
        section = question.section(record)
        kind = (section, record.family, record.group)
        taken[kind] += 1
        if section in sections and (per_family is None or taken[kind] <= per_family):
            chosen.append(record)
    return replace(question, records=tuple(chosen)), training


def _instructions(record: PairRecord) -> tuple[str, ...]:
    """What a loop is made of: mnemonics without operands, each as often as it stands there."""
    text = record.region.text if record.region is not None else ""
    lines = map(parse_line, text.splitlines())
    return tuple(sorted(line.name for line in lines if line.kind is LineKind.INSTRUCTION))


def judge_row(
    proposer: Proposer,
    records: Sequence[PairRecord],
    *,
    judges: Judges,
    store: ResultFile,
    advance: Callable[[int], None],
    jobs: int = 1,
) -> list[LoopResult]:
    """Judge one proposer's samples on every loop.

    advance: told how many loops are done.
    jobs: processes that sample; they stand still while the samples are judged, and timed.
    """
    results = {record.id: known for record in records if (known := store.get(record.id))}
    advance(len(results))
    waiting = [record for record in records if record.id not in results]
    for start in range(0, len(waiting), _LOOPS_PER_ROUND):
        some = waiting[start : start + _LOOPS_PER_ROUND]
        answers = side_by_side(proposer.answer, some, jobs=jobs)
        for record, judgements in zip(some, _judge_some(some, answers, judges), strict=True):
            results[record.id] = _keep(record, judgements, store)
        advance(len(some))
    return [results[record.id] for record in records]


def judge_itself(
    records: Sequence[PairRecord],
    *,
    timing: str,
    seed: int,
    store: ResultFile,
    advance: Callable[[int], None],
) -> list[LoopResult]:
    """Time gcc's loops against themselves; none where the sandbox cannot be trusted."""
    sandbox = open_checked_sandbox(read_config().cache)
    if isinstance(sandbox, Refusal):
        return []
    results = []
    with sandbox:
        for record in records:
            known = store.get(record.id)
            if known is None and record.region is not None:
                judgements = []
                for repeat in range(_AA_REPEATS):
                    with suppress(SandboxDied):
                        judgements.append(
                            time_itself(
                                record.region, sandbox=sandbox, timing=timing, seed=seed + repeat
                            )
                        )
                known = _keep(record, judgements, store)
            if known is not None:
                results.append(known)
            advance(1)
    return results


def sections_of(question: Question, results: Results, *, seed: int) -> list[Figures]:
    """Give the figures of every row on every section that has loops."""
    return [
        figures(row, section, some, seed=seed)
        for section in (*SECTIONS, ALL)
        for row, loops in results.items()
        if (some := [r for r in loops if section in (ALL, question.section(r))])
    ]


def families_of(results: Results, *, seed: int) -> list[Figures]:
    """Give the figures of every row on every family and project."""
    return [
        figures(row, name, some, seed=seed)
        for name in sorted({loop.kind for loops in results.values() for loop in loops})
        for row, loops in results.items()
        if (some := [loop for loop in loops if loop.kind == name])
    ]


def comparisons_of(
    question: Question,
    results: Results,
    pairs: Sequence[tuple[str, str]],
    *,
    k: int,
    parts: int,
    seed: int,
) -> list[Comparison]:
    """Compare pairs of rows, (new, old), on what no model was trained on and on the whole."""

    def cut(row: str, section: str) -> list[LoopResult]:
        return [r for r in results[row] if section in (ALL, question.section(r))]

    return [
        compare(
            (new, some),
            (old, cut(old, section)),
            section=section,
            k=k,
            parts=parts,
            by_kind=section in (UNSEEN_FAMILIES, UNSEEN_PROJECTS),
            seed=seed,
        )
        for section in (UNSEEN_COMPOSITIONS, UNSEEN_FAMILIES, UNSEEN_PROJECTS, ALL)
        for new, old in pairs
        if (some := cut(new, section)) and cut(old, section)
    ]


def _judge_some(
    records: Sequence[PairRecord], answers: Sequence[Answers], judges: Judges
) -> Iterator[list[Judgement]]:
    """Judge the samples of a few loops at once, so that no worker stands idle."""
    nothing = Judgement(Outcome.NO_PROPOSAL)
    cases = [
        Case(record.region, record.isa, text)
        for record, texts in zip(records, answers, strict=True)
        for text in texts
        if text is not None and record.region is not None
    ]
    judged = iter(judges.judge(cases))
    for texts in answers:
        yield [nothing if text is None else next(judged) for text in texts]


def _keep(record: PairRecord, judgements: Sequence[Judgement], store: ResultFile) -> LoopResult:
    result = LoopResult(
        record.id,
        record.family,
        record.group,
        record.isa,
        "" if record.region is None else shape_key(record.region.text),
        tuple(judgement.outcome for judgement in judgements),
        tuple((j.ratio or 1.0) if j.is_faster else 1.0 for j in judgements),
        tuple(judgement.ratio for judgement in judgements),
    )
    # What the machine stood in the way of is tried again by the next run.
    if all(j.outcome.kind is not OutcomeClass.ENVIRONMENT for j in judgements):
        store.keep(result)
    return result
