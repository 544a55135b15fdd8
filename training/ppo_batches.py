"""From judged answers to batches that PPO steps on: log-probabilities, values, advantages."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from llmcc.backends.embedded.tokens import PADDING
from llmcc.outcome import Outcome
from llmcc.training import ppo_maths
from llmcc.training.estimators import credit_for_best
from llmcc.training.judgement import Judgement
from llmcc.training.ppo_settings import Settings
from llmcc.training.ppo_state import RunState
from llmcc.training.rewards import NOT_BUILT, REWARDS
from llmcc.training.rollout import (
    Answer,
    Rows,
    chosen_log_probabilities,
    hidden_states,
    lay_out,
    log_distribution,
)

_ADVANTAGE_MOST = 5.0
# What the critic predicts is credit over this, so that one learning rate and one clip suit all.
_REWARD_SCALE = {"lcb": 1.0, "cgs": 20.0, "so": 2.0}


@dataclass(slots=True)
class Batch:
    """Answers of one backward pass and what was known of them when they were drawn; (N,) each."""

    rows: Rows
    answers: list[Answer]
    credit: list[float]  # of each answer
    old: Tensor  # log-probabilities under the policy that drew them
    reference: Tensor  # and under the SFT model
    hidden: Tensor  # (N, D) float32: the SFT model's last hidden states, for the critic
    values: Tensor
    returns: Tensor
    advantages: Tensor


def telling_answers(
    answers: Sequence[Answer], credit: Sequence[float], most: int, *, is_plain: bool = False
) -> list[int]:
    """Choose the answers to step on: those of the problems whose answers differ most in credit.

    Where all are paid the same there is nothing to prefer (DAPO's dynamic sampling,
    arXiv:2503.14476, section 3.2), and where none earns anything only something to avoid: a policy
    that is mostly told what to avoid unlearns form (docs/LOG.md). While no answer to any problem
    earns anything, form is all there is to learn.

    Args:
        most: problems.
        is_plain: credit is a plain reward, whose sign says nothing; problems need not earn.
    """

    def variance(some: list[int]) -> float:
        return statistics.pvariance([credit[n] for n in some for _ in range(answers[n].count)])

    problems = _by_problem(answers)
    earning = [some for some in problems if is_plain or max(credit[n] for n in some) > 0.0]
    # Stable: else as they were drawn.
    ordered = sorted(earning or problems, key=variance, reverse=True)
    return [n for some in ordered[:most] for n in some]


def worth_of(settings: Settings) -> Callable[[Judgement], float]:
    """Say what an answer is worth: its reward, but neither harm nor copying is told apart.

    In a compile the best of several is taken, and where none is faster gcc's loop stays: what is
    wrong or slower costs as little as a no-op. A copy adds nothing to gcc's loop either, and a
    policy that gets more for it than for what cannot be built copies wherever it is unsure. What
    cannot be built keeps its reward, or form is unlearnt. With a plain reward that is all.
    """
    reward = REWARDS[settings.reward]
    if settings.has_plain_reward:
        return reward
    of_unbuilt = max(reward(Judgement(outcome)) for outcome in NOT_BUILT)
    of_no_gain = worth_of_no_gain(settings)

    def worth(judgement: Judgement) -> float:
        if judgement.outcome is Outcome.IDENTICAL:
            return of_unbuilt
        own = reward(judgement)
        return own if judgement.outcome in NOT_BUILT else max(own, of_no_gain)

    return worth


def worth_of_no_gain(settings: Settings) -> float:
    """Say what a right rewrite is worth that is no faster than gcc's loop."""
    return REWARDS[settings.reward](Judgement(Outcome.NOT_FASTER, 1.0))


def share_credit(
    answers: Sequence[Answer], worths: Sequence[float], *, best_of: int, of_no_gain: float
) -> list[float]:
    """Turn worths into credit: what each answer adds to the best of `best_of` to its problem.

    What is worth less than no gain costs the difference, whatever the others are worth: in the best
    of several it would cost nothing, and form would be unlearnt (docs/LOG.md).
    """
    credit = [min(worth - of_no_gain, 0.0) for worth in worths]
    for some in _by_problem(answers):
        samples = [n for n in some for _ in range(answers[n].count)]
        shares = credit_for_best([max(worths[n], of_no_gain) for n in samples], best_of)
        for n, share in dict(zip(samples, shares, strict=True)).items():
            credit[n] += share  # equal samples have equal shares
    return credit


def _by_problem(answers: Sequence[Answer]) -> list[list[int]]:
    """Group the numbers of answers by problem, in the order of the problems' first ones."""
    found: dict[int, list[int]] = {}
    for n, answer in enumerate(answers):
        found.setdefault(answer.prompt, []).append(n)
    return list(found.values())


def score(
    state: RunState,
    answers: Sequence[Answer],
    credit: Sequence[float],
    forbidden: Tensor,
    settings: Settings,
) -> list[Batch]:
    """Run policy, SFT model and critic over the answers, in the batches that training will use.

    The same batches, because in bfloat16 another padding gives other last bits: so the first
    step's ratios are exactly 1.
    """
    order = sorted(range(len(answers)), key=lambda n: len(answers[n].ids))
    groups: list[list[int]] = []
    for n in order:
        if groups and (len(groups[-1]) + 1) * len(answers[n].ids) <= settings.tokens_per_batch:
            groups[-1].append(n)
        else:
            groups.append([n])
    batches = []
    for group in groups:
        rows = lay_out([answers[n] for n in group], state.vocabulary.ids[PADDING])
        with torch.no_grad():
            own, start = (hidden_states(model, rows) for model in (state.policy, state.reference))
            old, reference = (
                chosen_log_probabilities(log_distribution(model, hidden, forbidden), rows)
                for model, hidden in ((state.policy, own), (state.reference, start))
            )
            known = start.float()
            values = state.critic(known)
        batches.append(
            Batch(
                rows,
                [answers[n] for n in group],
                [credit[n] for n in group],
                old,
                reference,
                known,
                values,
                returns=torch.zeros_like(old),
                advantages=torch.zeros_like(old),
            )
        )
    return batches


def advise(batches: Sequence[Batch], settings: Settings) -> dict[str, float]:
    """Fill in advantages and returns, and measure the critic on samples it has not seen."""
    scale = _REWARD_SCALE[settings.reward]
    errors: dict[int, list[float]] = {}  # of each prompt: how far its first value was off
    for batch in batches:
        values = pad_sequence(list(_by_answer(batch.values, batch)), batch_first=True)
        lengths = torch.tensor(batch.rows.lengths)
        mask = (torch.arange(values.shape[1]) < lengths[:, None]).float()
        rewards = torch.zeros_like(values)
        rewards[torch.arange(len(lengths)), lengths - 1] = torch.tensor(batch.credit) / scale
        is_token = mask.bool()
        advantages, _ = ppo_maths.advantages_and_returns(
            rewards, values, mask, discount=settings.discount, trace=settings.trace
        )
        _, returns = ppo_maths.advantages_and_returns(
            rewards, values, mask, discount=settings.discount, trace=1.0
        )
        batch.advantages, batch.returns = advantages[is_token], returns[is_token]
        firsts = (returns[:, 0] - values[:, 0]).tolist()
        for answer, error in zip(batch.answers, firsts, strict=True):
            errors.setdefault(answer.prompt, []).extend([error] * answer.count)
    if settings.prompt_baseline:
        _subtract_baseline(batches, {p: sum(e) / len(e) for p, e in errors.items()})
    weights = torch.cat([batch.rows.weights for batch in batches])
    whole = ppo_maths.whiten(torch.cat([batch.advantages for batch in batches]), weights)
    parts = whole.clamp(-_ADVANTAGE_MOST, _ADVANTAGE_MOST).split_with_sizes(
        [len(batch.old) for batch in batches]
    )
    for batch, part in zip(batches, parts, strict=True):
        batch.advantages = part
    explained = ppo_maths.explained_variance(
        torch.cat([b.values for b in batches]), torch.cat([b.returns for b in batches]), weights
    )
    return {"explained_variance": explained, **_agreement(batches)}


def _subtract_baseline(batches: Sequence[Batch], mean_error: dict[int, float]) -> None:
    """Correct the critic by what it got wrong of the whole prompt, the same for all its tokens."""
    for batch in batches:
        lengths = torch.tensor(batch.rows.lengths)
        errors = torch.tensor([mean_error[answer.prompt] for answer in batch.answers])
        batch.advantages = batch.advantages - errors.repeat_interleave(lengths)


def _agreement(batches: Sequence[Batch]) -> dict[str, float]:
    """How far sampler and trainer differ in the log-probability of an answer, in nats a token."""
    gaps = [
        abs(part.sum().item() - answer.sampled_log_probability) / length
        for batch in batches
        for answer, part, length in zip(
            batch.answers, _by_answer(batch.old, batch), batch.rows.lengths, strict=True
        )
    ]
    return {"sampler_gap": sum(gaps) / len(gaps)}


def _by_answer(tokens: Tensor, batch: Batch) -> tuple[Tensor, ...]:
    """Cut (N,) into one piece an answer."""
    return tokens.split_with_sizes(batch.rows.lengths)
