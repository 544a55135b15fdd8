"""Proximal policy optimisation: the whole algorithm, in the order in which it happens.

One iteration: draw problems, sample answers, judge them, share the credit for each problem's best,
score every token with policy, start model and critic, estimate advantages, step critic and policy.
The formulas are in `ppo_maths`, sampling in `rollout`, credit and advantages in `ppo_batches`. The
critic learns alone until it explains something.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from llmcc.backends.embedded.tokens import PADDING
from llmcc.training import ppo_maths
from llmcc.training.environment import Demonstration, Environment, ProblemT
from llmcc.training.judgement import Judgement
from llmcc.training.ppo_batches import (
    Batch,
    advise,
    score,
    share_credit,
    telling_answers,
    worth_of,
    worth_of_no_gain,
)
from llmcc.training.ppo_settings import Settings, Sinks
from llmcc.training.ppo_state import RunState
from llmcc.training.ppo_validation import judge_answers, reward_record, validate
from llmcc.training.rewards import REWARDS, is_about_proposal
from llmcc.training.rollout import (
    Answer,
    chosen_log_probabilities,
    forbidden_mask,
    hidden_states,
    log_distribution,
    runtime_policy,
    sample_answers,
)

_ENTROPY_FLOOR_SHARE = 0.5  # of the SFT model's own entropy


def train(
    state: RunState,
    environment: Environment[ProblemT],
    settings: Settings,
    sinks: Sinks,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> RunState:
    """Train until the budget is spent; the state is saved at the end and every few minutes.

    What the run starts from is validated too: the best policy is never a worse one.
    """
    began = clock() - state.elapsed_s
    saved_s = state.elapsed_s
    if state.iteration == 0:
        record = validate(state, environment, settings, sinks)
        sinks.log({"iteration": 0, "elapsed_s": clock() - began, **record})
    while True:
        record = _iterate(state, environment, settings, sinks, clock)
        state.elapsed_s = clock() - began
        is_over = state.elapsed_s >= 60 * settings.minutes
        is_over |= state.iteration == settings.max_iterations
        if is_over or state.iteration % settings.validate_every == 0:
            record |= validate(state, environment, settings, sinks)
            sinks.verify_again(state)
            record["alarm_gap"] = state.alarm.gap
            state.elapsed_s = clock() - began
        sinks.log({"iteration": state.iteration, "elapsed_s": state.elapsed_s, **record})
        if is_over or state.elapsed_s - saved_s >= settings.save_every_s:
            sinks.save(state)
            saved_s = state.elapsed_s
        if is_over:
            return state


def _iterate(
    state: RunState,
    environment: Environment[ProblemT],
    settings: Settings,
    sinks: Sinks,
    clock: Callable[[], float],
) -> dict[str, object]:
    """Do one iteration and return its record."""
    seed = f"{settings.seed} {state.iteration}"
    rng = random.Random(seed)
    problems = environment.prompts("train")
    chosen = state.curriculum.draw(
        settings.prompts * settings.draws_per_prompt, rng, best_of=settings.best_of
    )
    times = [clock()]
    answers = _sample(state, environment, [problems[n] for n in chosen], settings, sinks, seed=seed)
    times.append(clock())
    sinks.progress("judging", 0, 1)
    judged = judge_answers(environment, [problems[n] for n in chosen], answers)
    times.append(clock())
    _note(state, chosen, answers, judged, REWARDS[settings.reward])
    told, credit = _paid(answers, judged, settings)
    record = reward_record(answers, judged, REWARDS[settings.reward])
    state.iteration += 1
    state.samples += sum(answer.count for answer in answers)
    if told:
        forbidden = forbidden_mask(state.shape.vocabulary_size, environment.never)
        batches = score(state, told, credit, forbidden, settings)
        advice = advise(batches, settings)
        record |= advice
        state.is_warm |= _is_warm(advice["explained_variance"], state.iteration, settings)
        times.append(clock())
        record |= _update(state, environment, batches, forbidden, settings, sinks, rng)
    times += [clock()] * (5 - len(times))
    spent = [end - begin for begin, end in itertools.pairwise(times)]
    record |= dict(zip(("sample_s", "judge_s", "score_s", "update_s"), spent, strict=True))
    return record


def _paid(
    answers: Sequence[Answer], judged: Sequence[Judgement], settings: Settings
) -> tuple[list[Answer], list[float]]:
    """Choose the answers to step on and give the credit of each."""
    worth = worth_of(settings)
    own = [n for n, judgement in enumerate(judged) if is_about_proposal(judgement)]
    told = [answers[n] for n in own]
    credit = share_credit(
        told,
        [worth(judged[n]) for n in own],
        best_of=settings.best_of,
        of_no_gain=worth_of_no_gain(settings),
    )
    kept = telling_answers(told, credit, settings.prompts, is_plain=settings.has_plain_reward)
    return [told[n] for n in kept], [credit[n] for n in kept]


def _is_warm(explained: float, iteration: int, settings: Settings) -> bool:
    """Whether the critic knows enough, or has had its time."""
    has_had_time = iteration > settings.warm_up_iterations
    return has_had_time or explained > settings.warm_up_explained_variance


def _sample(
    state: RunState,
    environment: Environment[ProblemT],
    problems: Sequence[ProblemT],
    settings: Settings,
    sinks: Sinks,
    *,
    seed: str,
) -> list[Answer]:
    done = iter(range(1, len(problems) + 1))
    return sample_answers(
        runtime_policy(state.policy),
        environment,
        problems,
        samples=settings.samples,
        seed=seed,
        advance=lambda: sinks.progress("sampling", next(done), len(problems)),
        max_new_tokens=settings.max_new_tokens,
        jobs=settings.samplers,
    )


def _note(
    state: RunState,
    chosen: Sequence[int],
    answers: Sequence[Answer],
    judged: Sequence[Judgement],
    reward: Callable[[Judgement], float],
) -> None:
    """Tell curriculum, buffer and alarm how it went."""
    tried, accepted = [0] * len(chosen), [0] * len(chosen)
    best: dict[int, tuple[float, str]] = {}  # of each prompt
    for answer, judgement in zip(answers, judged, strict=True):
        if not is_about_proposal(judgement):
            continue
        tried[answer.prompt] += answer.count
        if judgement.is_faster:
            accepted[answer.prompt] += answer.count
            found = (reward(judgement), answer.text)
            best[answer.prompt] = max(found, best.get(answer.prompt, found))
    for prompt, (most, text) in best.items():
        state.finds.note(chosen[prompt], most, text)
        state.alarm.note(chosen[prompt], text)
    for problem, samples, wins in zip(chosen, tried, accepted, strict=True):
        state.curriculum.note(problem, samples=samples, accepted=wins)


def _update(
    state: RunState,
    environment: Environment[ProblemT],
    batches: Sequence[Batch],
    forbidden: Tensor,
    settings: Settings,
    sinks: Sinks,
    rng: random.Random,
) -> dict[str, object]:
    """Step critic and policy over the samples; the policy stops where it has moved enough."""
    steps = settings.steps_per_epoch
    critic_losses = [
        _step_critic(state, group, settings)
        for group in _groups(batches, settings.critic_epochs, steps, rng)
    ]
    figures: list[dict[str, float]] = []
    for group in _groups(batches, settings.epochs, steps, rng) if state.is_warm else ():
        shown = _demonstrations(state, environment, settings, rng)
        figures.append(_step_policy(state, group, forbidden, shown, settings))
        sinks.progress("updating", len(figures), settings.epochs * steps)
        if figures[-1]["kl_of_step"] > settings.target_kl:
            break
    record: dict[str, object] = {
        "critic_loss": sum(critic_losses) / len(critic_losses),
        "is_warm": float(state.is_warm),
        "policy_steps": len(figures),
    }
    if figures:
        means = {name: sum(f[name] for f in figures) / len(figures) for name in figures[0]}
        record |= means | {"kl_of_step": figures[-1]["kl_of_step"]}
    return record


def _groups(
    batches: Sequence[Batch], epochs: int, steps: int, rng: random.Random
) -> Iterator[list[Batch]]:
    """Deal the batches out to `steps` optimiser steps, anew in each epoch."""
    for _ in range(epochs):
        order = rng.sample(batches, len(batches))
        yield from filter(None, (order[step::steps] for step in range(steps)))


def _step_critic(state: RunState, group: Sequence[Batch], settings: Settings) -> float:
    total_weight = sum(float(batch.rows.weights.sum()) for batch in group)
    total = 0.0
    for batch in group:
        loss = ppo_maths.value_loss(
            state.critic(batch.hidden),
            batch.values,
            batch.returns,
            batch.rows.weights,
            clip=settings.value_clip,
        ) * (float(batch.rows.weights.sum()) / total_weight)
        loss.backward()  # type: ignore[no-untyped-call]
        total += loss.item()
    _apply(state.critic, state.critic_optimiser, settings.critic_learning_rate, settings)
    return total


def _step_policy(
    state: RunState,
    group: Sequence[Batch],
    forbidden: Tensor,
    shown: Sequence[Demonstration],
    settings: Settings,
) -> dict[str, float]:
    """Take one step; every term of the loss is a mean over the tokens of all of the group."""
    total_weight = sum(float(batch.rows.weights.sum()) for batch in group)
    figures = dict.fromkeys(
        ("policy_loss", "kl_of_step", "kl_to_reference", "clip_share", "entropy"), 0.0
    )
    for batch in group:
        share = float(batch.rows.weights.sum()) / total_weight
        hidden = hidden_states(state.policy, batch.rows)
        distribution = log_distribution(state.policy, hidden, forbidden)
        chosen = chosen_log_probabilities(distribution, batch.rows)
        weights = batch.rows.weights
        surrogate = ppo_maths.policy_loss(
            chosen, batch.old, batch.advantages, weights, clip=settings.clip
        )
        kl = ppo_maths.kl_to_reference(chosen, batch.reference, weights)
        entropies = ppo_maths.entropy(distribution)
        loss = surrogate.loss + settings.kl_coefficient * kl
        if state.entropy_floor is not None:
            lacking = ppo_maths.entropy_shortfall(entropies, weights, floor=state.entropy_floor)
            loss = loss + settings.entropy_coefficient * lacking
        (loss * share).backward()  # type: ignore[no-untyped-call]
        figures["policy_loss"] += share * surrogate.loss.item()
        figures["kl_of_step"] += share * surrogate.kl.item()
        figures["kl_to_reference"] += share * kl.item()
        figures["clip_share"] += share * surrogate.clip_share.item()
        figures["entropy"] += share * ppo_maths.weighted_mean(entropies, weights).item()
    figures["imitation_loss"] = _imitate(state, shown, settings.imitation_coefficient)
    _apply(state.policy, state.policy_optimiser, settings.learning_rate, settings)
    _lean(state.average, state.policy, 1.0 - settings.averaging)
    state.policy_steps += 1
    if state.entropy_floor is None:
        state.entropy_floor = _ENTROPY_FLOOR_SHARE * figures["entropy"]
    return figures


def _demonstrations(
    state: RunState, environment: Environment[ProblemT], settings: Settings, rng: random.Random
) -> list[Demonstration]:
    """Draw finds and known answers to imitate beside; rare finds come most."""
    problems = environment.prompts("train")
    drawn = state.finds.draw(
        settings.imitations_per_step,
        range(len(problems)),
        rng,
        weights=1.0 - state.curriculum.rates(),
    )
    shown = (environment.demonstration(problems[n], state.finds.answer_to(n), rng) for n in drawn)
    return [demonstration for demonstration in shown if demonstration is not None]


def _imitate(state: RunState, shown: Sequence[Demonstration], coefficient: float) -> float:
    """Add the gradient of the SFT loss on demonstrations; returns that loss, in nats a token."""
    if not shown or not coefficient:
        return 0.0
    longest = max(len(one.ids) for one in shown)
    ids = np.full((len(shown), longest), state.vocabulary.ids[PADDING], dtype=np.int64)
    is_target = np.zeros(ids.shape, dtype=np.bool_)
    for row, one in enumerate(shown):
        ids[row, : len(one.ids)] = one.ids
        is_target[row, one.start : len(one.ids)] = True
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = state.policy.loss(torch.from_numpy(ids), torch.from_numpy(is_target))
    (coefficient * loss).backward()  # type: ignore[no-untyped-call]
    return loss.item()


def _lean(average: nn.Module, policy: nn.Module, share: float) -> None:
    """Move the average some way to the policy.

    The rate never falls, so the last policy is a noisy one; averages of policies earn more at the
    same KL (WARP, arXiv:2406.16768, section 3.1).
    """
    with torch.no_grad():
        for mean, weight in zip(average.parameters(), policy.parameters(), strict=True):
            mean.lerp_(weight, share)


def _apply(
    module: nn.Module, optimiser: torch.optim.AdamW, rate: float, settings: Settings
) -> None:
    nn.utils.clip_grad_norm_(module.parameters(), settings.gradient_norm_limit)
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.step()
    optimiser.zero_grad()
