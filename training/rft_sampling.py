"""Sample rewrites of training loops, and keep what came of each loop as soon as it is known.

Results are JSON lines, one a loop; a search that was stopped goes on with the loops that have none.
The pass rates in them tell PPO which loops have something to teach.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from llmcc.gate.text import check_text
from llmcc.outcome import Refusal
from llmcc.regions.model import Region
from llmcc.training.dataset import PairRecord
from llmcc.training.judgement import Judgement
from llmcc.training.judging import Case
from llmcc.training.region_environment import RegionEnvironment
from llmcc.training.rewards import lcb
from llmcc.training.rollout import runtime_policy, sample_answers
from llmcc.training.start import load_start

LOOPS_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Sampled:
    """What came of the samples of one loop."""

    record_id: str
    tried: int  # samples
    accepted: int  # of them right and shown to be faster
    rewrite: str  # the best of these that is not known yet; "" when there is none


def find_rewrites(
    model_path: Path,
    records: Sequence[PairRecord],
    *,
    samples: int,
    seed: int,
    judge: Callable[[Sequence[Case]], list[Judgement]],
    jobs: int = 1,
) -> Iterator[list[Sampled]]:
    """Give what came of the training loops among `records`, a few loops at a time.

    jobs: processes that sample.
    The order is drawn by `seed`, so that a search that ends early has seen some of everything.
    """
    start = load_start(model_path)
    environment = RegionEnvironment(
        records, start.vocabulary, context=start.shape.context, judge=judge
    )
    policy = runtime_policy(start.model())
    problems = list(environment.prompts("train"))
    random.Random(seed).shuffle(problems)
    for first in range(0, len(problems), LOOPS_AT_ONCE):
        part = problems[first : first + LOOPS_AT_ONCE]
        answers = sample_answers(
            policy,
            environment,
            part,
            samples=samples,
            seed=f"rft {seed} {part[0].id}",
            advance=lambda: None,
            jobs=jobs,
        )
        ended = [answer for answer in answers if answer.is_ended]
        judged = environment.judge([(part[answer.prompt], answer.text) for answer in ended])
        accepted = [0] * len(part)
        best: dict[int, tuple[float, str]] = {}
        for answer, judgement in zip(ended, judged, strict=True):
            if not judgement.is_faster:
                continue
            accepted[answer.prompt] += answer.count
            worth = (lcb(judgement), answer.text)
            if is_new(part[answer.prompt], answer.text):
                best[answer.prompt] = max(worth, best.get(answer.prompt, (0.0, "")))
        yield [
            Sampled(record.id, samples, accepted[n], best.get(n, (0.0, ""))[1])
            for n, record in enumerate(part)
        ]


def is_new(record: PairRecord, text: str) -> bool:
    """Tell whether a rewrite differs from the known one in more than spelling."""
    region = record.region
    assert region is not None
    return _normal(region, text) != _normal(region, record.rewrite)


def finds_of(sampled: Iterable[Sampled], records: Iterable[PairRecord]) -> list[PairRecord]:
    """Make records of the new rewrites, provenance "rft".

    A find replaces nothing: the known rewrite of its loop stays a pair of its own. Results on loops
    that are not among `records` are left out.
    """
    by_id = {record.id: record for record in records}
    return [
        replace(
            by_id[one.record_id],
            id=f"{one.record_id}-rft",
            rewrite=one.rewrite,
            provenance="rft",
        )
        for one in sampled
        if one.rewrite and one.record_id in by_id
    ]


def append_sampled(path: Path, sampled: Sequence[Sampled]) -> None:
    """Add results to a file, in one write: what a killed run leaves is at worst one line cut."""
    with path.open("a", encoding="utf-8") as stream:
        stream.write("".join(json.dumps(asdict(one)) + "\n" for one in sampled))


def read_sampled(path: Path) -> list[Sampled]:
    """Read a file of results; nothing when there is none, and lines cut short are passed over."""
    sampled = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            sampled.append(Sampled(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return sampled


def _normal(region: Region, text: str) -> str:
    plain = check_text(region, text)
    return text if isinstance(plain, Refusal) else plain.text
