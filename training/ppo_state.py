"""Everything a run of PPO is, kept in one file, so that a stopped run goes on as if it had not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from llmcc.backends.embedded.tokens import Vocabulary
from llmcc.training.alarm import Alarm
from llmcc.training.checkpoint import Checkpoint, Position
from llmcc.training.critic import Critic
from llmcc.training.curriculum import Curriculum, Finds
from llmcc.training.model import LanguageModel, ModelShape

_ADAM_BETAS = (0.9, 0.95)


@dataclass(slots=True)
class RunState:
    """A run between two iterations. Randomness is drawn from (seed, iteration): no state of it."""

    shape: ModelShape
    vocabulary: Vocabulary
    policy: LanguageModel
    average: LanguageModel  # of the policies of late: what is validated and kept as a checkpoint
    reference: LanguageModel  # the SFT model the run started from; never changes
    critic: Critic
    policy_optimiser: torch.optim.AdamW
    critic_optimiser: torch.optim.AdamW
    curriculum: Curriculum
    finds: Finds = field(default_factory=Finds)
    alarm: Alarm = field(default_factory=Alarm)
    iteration: int = 0  # done so far
    policy_steps: int = 0  # optimiser steps of the policy
    samples: int = 0  # drawn so far
    elapsed_s: float = 0.0
    is_warm: bool = False  # whether the critic has been warmed up
    entropy_floor: float | None = None  # set by the first iteration
    best_score: float = float("-inf")  # of validation

    @classmethod
    def new(cls, start: Checkpoint, *, problem_count: int) -> RunState:
        """Begin a run from a model's weights."""
        policy, average, reference = (start.model() for _ in range(3))
        critic = Critic(start.shape.hidden_size)
        return cls(
            shape=start.shape,
            vocabulary=start.vocabulary,
            policy=policy,
            average=average.requires_grad_(False),
            reference=reference.requires_grad_(False),
            critic=critic,
            policy_optimiser=_adam(policy),
            critic_optimiser=_adam(critic),
            curriculum=Curriculum.untried(problem_count),
        )

    def checkpoint(self, settings: dict[str, Any]) -> Checkpoint:
        """Give the average policy as a checkpoint that `eval`, `export` and `sft --start` read."""
        position = Position(step=self.policy_steps, epoch=0, elapsed_s=self.elapsed_s)
        return Checkpoint(
            self.shape, self.vocabulary, self.average.state_dict(), {}, position, settings
        )


_PLAIN = (
    *("iteration", "policy_steps", "samples", "elapsed_s", "is_warm"),
    *("entropy_floor", "best_score"),
)
_MODULES = ("policy", "average", "reference", "critic", "policy_optimiser", "critic_optimiser")
_ALARM = ("endings", "passed", "failed", "uncovered", "unclear", "over_cap")


def save(state: RunState, path: Path) -> None:
    """Write a run's state, by rename."""
    document: dict[str, Any] = {
        "shape": state.shape.to_json(),
        "tokens": list(state.vocabulary.tokens),
        "curriculum": (state.curriculum.tried, state.curriculum.solved),
        "finds": state.finds.best,
        "alarm": {name: getattr(state.alarm, name) for name in _ALARM},
    }
    document |= {name: getattr(state, name).state_dict() for name in _MODULES}
    document |= {name: getattr(state, name) for name in _PLAIN}
    temporary = path.with_name(path.name + ".tmp")
    torch.save(document, temporary)
    temporary.replace(path)


def load(path: Path) -> RunState:
    """Read a run's state.

    Raises:
        ValueError: the file is not one of this version.
    """
    document = torch.load(path, map_location="cpu", weights_only=True)
    try:
        shape = ModelShape(**document["shape"])
        weights = document["reference"]
        start = Checkpoint(
            shape, Vocabulary(tuple(document["tokens"])), weights, {}, Position(), {}
        )
        state = RunState.new(start, problem_count=0)
        for name in _MODULES:
            getattr(state, name).load_state_dict(document[name])
        for name in _PLAIN:
            setattr(state, name, document[name])
        state.curriculum = Curriculum(*document["curriculum"])
        state.finds = Finds(document["finds"])
        state.alarm = Alarm(**document["alarm"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a PPO run of this version: {error}") from error
    return state


def _adam(module: torch.nn.Module) -> torch.optim.AdamW:
    return torch.optim.AdamW(module.parameters(), lr=0.0, betas=_ADAM_BETAS, weight_decay=0.0)
