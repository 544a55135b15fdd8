"""Judge many proposals in worker processes: one cache, one timing lane, no exceptions.

Timing takes turns through the machine's own lock (`llmcc.measure.machine.timing_lock`), so the
lane is one over all workers, all pools and the product. A worker that dies is replaced; the case it
died of ends as INTERNAL_ERROR.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from llmcc.config import read_config
from llmcc.gate.text import check_text
from llmcc.optimize.crew import Crew
from llmcc.outcome import Outcome, OutcomeClass, Refusal
from llmcc.regions.model import Region
from llmcc.sandbox.selftest import open_checked_sandbox
from llmcc.training.judgement import Judgement
from llmcc.training.region_judge import RegionJudge, Thoroughness
from llmcc.training.regions_json import to_json

_WAIT_S = 60.0
_EDITION = 2  # of how judges judge: one more makes every cached judgement unknown
# Few enough that two workers share one loop's samples when no other loop is left.
_CASES_PER_TASK = 8


@dataclass(frozen=True, slots=True)
class Case:
    """A proposal to judge."""

    region: Region
    isa: str  # a key of `toolchain.MARCH`
    text: str


@dataclass(frozen=True, slots=True)
class Task:
    """Some texts of one region; `keys` are where their judgements go."""

    region: Region
    isa: str
    texts: tuple[str, ...]
    keys: tuple[str, ...]


class JudgePool:
    """Worker processes that judge; a context manager. Make it before torch starts its threads."""

    def __init__(
        self,
        *,
        jobs: int,
        seed: int,
        battery: str = "quick",
        timing: str = "quick",
        cache: Path | None = None,
        make_worker: Callable[[], Callable[[Task], list[Judgement]]] | None = None,
    ) -> None:
        """Start `jobs` workers.

        Args:
            jobs: worker processes.
            seed: of the states and of the timing's places.
            battery: "quick" (some 600 states, 3,000 for what is faster) or "full" (the product's
                10,000 and its mutants).
            timing: "quick" (some 30 ms), "full" (`llmcc.measure` and `llmcc.decide`) or "none".
            cache: file of JSON lines with what was judged before, appended to; None: only memory.
            make_worker: called in each worker, gives what judges there; None: llmcc's own judges.

        Raises:
            ValueError: `battery` or `timing` is none of these words.
        """
        if battery not in ("quick", "full") or timing not in ("quick", "full", "none"):
            raise ValueError(f"no such battery or timing: {battery!r}, {timing!r}")
        how = Thoroughness(battery, timing)
        self._context = f"{_EDITION} {seed} {battery} {timing}"
        self._cache = cache
        self._known = {} if cache is None else _read(cache)
        self._crew: Crew[Task, list[Judgement]] = Crew(
            jobs, make_worker or (lambda: _worker(seed, how))
        )
        self._region_keys: dict[int, tuple[Region, str]] = {}

    def __enter__(self) -> JudgePool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers."""
        self._crew.stop()

    def judge(self, cases: Sequence[Case]) -> list[Judgement]:
        """Judge cases, in their order; equal ones, and those known from before, only once.

        What the machine stood in the way of (an ENVIRONMENT outcome) is not remembered.
        """
        keys = [self._key(case) for case in cases]
        waiting = list(_tasks(cases, keys, self._known))
        lost: dict[str, Judgement] = {}
        while waiting or self._crew.at_work:
            while waiting and self._crew.has_idle:
                self._crew.begin(waiting.pop())
            for task, reply in self._crew.wait(_WAIT_S):
                if reply is not None:
                    self._remember(task, reply, lost)
                elif len(task.texts) > 1:
                    waiting += _one_by_one(task)
                else:
                    lost[task.keys[0]] = Judgement(Outcome.INTERNAL_ERROR, detail="worker died")
        return [lost.get(key) or self._known[key] for key in keys]

    def _remember(self, task: Task, reply: list[Judgement], lost: dict[str, Judgement]) -> None:
        lines = []
        for key, judgement in zip(task.keys, reply, strict=True):
            if judgement.outcome.kind is OutcomeClass.ENVIRONMENT:
                lost[key] = judgement
                continue
            self._known[key] = judgement
            lines.append(_to_line(key, judgement))
        if self._cache is not None and lines:
            # One write of whole lines: what a killed run leaves is at worst one line cut short.
            with self._cache.open("a", encoding="utf-8") as stream:
                stream.write("".join(lines))

    def _key(self, case: Case) -> str:
        plain = check_text(case.region, case.text)
        text = case.text if isinstance(plain, Refusal) else plain.text
        parts = (self._context, self._region_key(case.region), case.isa, text)
        return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()

    def _region_key(self, region: Region) -> str:
        # Kept with the region, whose id could otherwise be another one's by now.
        known = self._region_keys.get(id(region))
        if known is None or known[0] is not region:
            text = json.dumps(to_json(region), sort_keys=True)
            known = (region, hashlib.blake2b(text.encode(), digest_size=16).hexdigest())
            self._region_keys[id(region)] = known
        return known[1]


def _tasks(
    cases: Sequence[Case], keys: Sequence[str], known: dict[str, Judgement]
) -> Iterator[Task]:
    """Group what is not known by region and ISA, a few texts a task."""
    groups: dict[tuple[int, str], dict[str, Case]] = {}
    for case, key in zip(cases, keys, strict=True):
        if key not in known:
            groups.setdefault((id(case.region), case.isa), {}).setdefault(key, case)
    for group in groups.values():
        items = list(group.items())
        for start in range(0, len(items), _CASES_PER_TASK):
            part = items[start : start + _CASES_PER_TASK]
            first = part[0][1]
            yield Task(
                first.region,
                first.isa,
                tuple(case.text for _, case in part),
                tuple(key for key, _ in part),
            )


def _one_by_one(task: Task) -> list[Task]:
    return [
        Task(task.region, task.isa, (text,), (key,))
        for text, key in zip(task.texts, task.keys, strict=True)
    ]


def _worker(seed: int, how: Thoroughness) -> Callable[[Task], list[Judgement]]:
    """Open a sandbox in a worker; where it cannot be shown to hold, every case ends with that."""
    sandbox = open_checked_sandbox(read_config().cache)
    if isinstance(sandbox, Refusal):
        refused = Judgement(sandbox.outcome, detail=sandbox.detail)
        return lambda task: [refused] * len(task.texts)
    judge = RegionJudge(sandbox, seed=seed, thoroughness=how)
    return lambda task: judge.judge(task.region, task.isa, task.texts)


def _to_line(key: str, judgement: Judgement) -> str:
    row = [
        key,
        judgement.outcome.name,
        judgement.tests_passed,
        judgement.ratio,
        judgement.low_ratio,
        judgement.high_ratio,
        judgement.detail,
    ]
    return json.dumps(row) + "\n"


def _read(path: Path) -> dict[str, Judgement]:
    """Read a cache; lines that a killed run left half written are passed over."""
    known: dict[str, Judgement] = {}
    if not path.exists():
        return known
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            key, name, tests_passed, ratio, low_ratio, high_ratio, detail = json.loads(line)
            known[key] = Judgement(
                Outcome[name], tests_passed, ratio, low_ratio, high_ratio, detail
            )
        except (ValueError, KeyError, TypeError):
            continue
    return known
