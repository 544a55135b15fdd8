"""What a run is watched by: figures of an iteration's samples, and validation on fixed problems."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence

from llmcc.outcome import Outcome
from llmcc.training.environment import Environment, ProblemT
from llmcc.training.judgement import Judgement
from llmcc.training.ppo_settings import Settings, Sinks
from llmcc.training.ppo_state import RunState
from llmcc.training.rewards import REWARDS, is_about_proposal
from llmcc.training.rollout import Answer, runtime_policy, sample_answers

_SEED = "validation"  # the same problems, renamings and noise each time


def judge_answers(
    environment: Environment[ProblemT], problems: Sequence[ProblemT], answers: Sequence[Answer]
) -> list[Judgement]:
    """Judge all answers that have ended; the others proposed nothing."""
    ended = [answer for answer in answers if answer.is_ended]
    found = iter(environment.judge([(problems[a.prompt], a.text) for a in ended]))
    return [next(found) if a.is_ended else Judgement(Outcome.NO_PROPOSAL) for a in answers]


def reward_record(
    answers: Sequence[Answer],
    judged: Sequence[Judgement],
    reward: Callable[[Judgement], float],
) -> dict[str, object]:
    """Say how samples ended, as shares of those whose ending is their own doing."""
    outcomes: Counter[str] = Counter()
    sums: Counter[str] = Counter()
    silent = 0
    for answer, judgement in zip(answers, judged, strict=True):
        if not is_about_proposal(judgement):
            silent += answer.count
            continue
        outcomes[judgement.outcome.name] += answer.count
        sums["reward_mean"] += answer.count * reward(judgement)  # type: ignore[assignment]
        sums["right_share"] += answer.count * judgement.is_right_rewrite
        sums["faster_share"] += answer.count * judgement.is_faster
        sums["identical_share"] += answer.count * (judgement.outcome is Outcome.IDENTICAL)
        sums["unfinished_share"] += answer.count * (not answer.is_ended)
    total = outcomes.total()
    names = ("reward_mean", "right_share", "faster_share", "identical_share", "unfinished_share")
    shares = {name: sums[name] / total for name in names} if total else {}
    return {
        **shares,
        "distinct_share": len(answers) / max(total + silent, 1),
        "silent_samples": silent,
        "answer_tokens": _mean_tokens(answers),
        "outcomes": dict(outcomes.most_common()),
    }


def validate(
    state: RunState, environment: Environment[ProblemT], settings: Settings, sinks: Sinks
) -> dict[str, object]:
    """Sample fixed validation problems; the state is saved as the best when their best reward is.

    The score is the mean over problems of the best reward among the samples: in a compile the best
    of several is taken, so the mean of all would favour a policy without variety.
    """
    problems = list(environment.prompts("validation"))
    random.Random(_SEED).shuffle(problems)
    problems = problems[: settings.validation_prompts]
    if not problems:
        sinks.save_best(state)
        return {}
    done = iter(range(1, len(problems) + 1))
    answers = sample_answers(
        runtime_policy(state.average),
        environment,
        problems,
        samples=settings.samples,
        seed=_SEED,
        advance=lambda: sinks.progress("validating", next(done), len(problems)),
        max_new_tokens=settings.max_new_tokens,
        jobs=settings.samplers,
    )
    judged = judge_answers(environment, problems, answers)
    reward = REWARDS[settings.reward]
    rewards: dict[int, list[float]] = {}
    speedups: dict[int, float] = {}
    for answer, judgement in zip(answers, judged, strict=True):
        if not is_about_proposal(judgement):
            continue
        rewards.setdefault(answer.prompt, []).extend([reward(judgement)] * answer.count)
        ratio = judgement.ratio if judgement.is_faster and judgement.ratio else 1.0
        speedups[answer.prompt] = max(speedups.get(answer.prompt, 1.0), ratio)
    if not rewards:
        return {}
    score = _mean([max(values) for values in rewards.values()])
    record: dict[str, object] = {
        "validation_reward_best": score,
        "validation_reward_mean": _mean([v for values in rewards.values() for v in values]),
        "validation_speedup": math.exp(_mean([math.log(s) for s in speedups.values()])),
        "validation_solved": _mean([float(s > 1.0) for s in speedups.values()]),
    }
    if score > state.best_score:
        state.best_score = score
        sinks.save_best(state)
    return record


def _mean_tokens(answers: Sequence[Answer]) -> float:
    tokens = sum(answer.count * (len(answer.ids) - answer.start) for answer in answers)
    return tokens / max(sum(answer.count for answer in answers), 1)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
