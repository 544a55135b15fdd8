"""How a run of PPO is set up, and where its results go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from llmcc.training.ppo_maths import Clip
from llmcc.training.ppo_state import RunState
from llmcc.training.rollout import MAX_NEW_TOKENS


@dataclass(frozen=True, slots=True)
class Settings:
    """How to train. Defaults follow notes of VC-PPO, VAPO and DAPO; see docs/training.md."""

    reward: str = "lcb"  # a key of REWARDS
    minutes: float = 60.0  # budget of the whole run, over all its sessions
    seed: int = 0
    prompts: int = 32  # problems an iteration steps on
    draws_per_prompt: int = 2  # problems asked about for each of these: some tell nothing
    samples: int = 16  # answers to each
    has_plain_reward: bool = False  # pay the reward, not what an answer is worth to a compile
    best_of: int = 4  # what counts is the best of so many answers; 1: the mean of all
    max_new_tokens: int = MAX_NEW_TOKENS  # of an answer; a program needs more than a loop
    samplers: int = 1  # processes that sample, while nothing is judged
    learning_rate: float = 1.5e-4
    critic_learning_rate: float = 1e-3
    epochs: int = 1  # of the policy over one iteration's samples
    critic_epochs: int = 4  # of the critic, which costs next to nothing
    steps_per_epoch: int = 4  # optimiser steps
    averaging: float = 0.98  # share of the average policy that a step leaves
    tokens_per_batch: int = 4096  # of one backward pass: what stays in cache
    discount: float = 1.0
    trace: float = 1.0  # lambda of the policy's advantages; the critic's targets use 1 (VC-PPO)
    clip: Clip = field(default_factory=Clip)
    value_clip: float = 0.5
    gradient_norm_limit: float = 1.0
    prompt_baseline: bool = True  # take each prompt's mean error off its answers' advantages
    target_kl: float = 0.03  # an update that has moved so far, in nats a token, is ended
    kl_coefficient: float = 0.02  # of KL to the SFT model
    entropy_coefficient: float = 0.01  # while the entropy is below half of the SFT model's
    imitation_coefficient: float = 0.3  # of the SFT loss on finds and pairs
    imitations_per_step: int = 16
    warm_up_iterations: int = 4  # of the critic alone, at most
    warm_up_explained_variance: float = 0.3  # enough to end the warm-up
    validate_every: int = 10  # iterations
    validation_prompts: int = 64
    save_every_s: float = 180.0
    max_iterations: int | None = None  # stop early, for tests


@dataclass(frozen=True, slots=True)
class Sinks:
    """Where a run's results go."""

    save: Callable[[RunState], None]
    save_best: Callable[[RunState], None]
    log: Callable[[dict[str, object]], None]
    verify_again: Callable[[RunState], None]  # the reward-hacking alarm
    progress: Callable[[str, int, int], None]  # what is being done, how far, of how much
