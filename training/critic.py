"""The critic: the policy's trunk, copied, with a head that predicts the reward still to come."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from llmcc.training.model import LanguageModel


class Critic(nn.Module):
    """Predicts at each token, before the next is chosen, what the answer will be worth."""

    def __init__(self, policy: LanguageModel) -> None:
        """Copy a policy's weights; the head starts at zero, so that nothing is expected at first.

        A head drawn at random would bias every advantage of the first steps (VC-PPO,
        arXiv:2503.01491).
        """
        super().__init__()
        self.trunk = LanguageModel(policy.shape)
        self.trunk.load_state_dict(policy.state_dict())
        self.head = nn.Linear(policy.shape.hidden_size, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def values(self, ids: Tensor, is_chosen: Tensor) -> Tensor:
        """Predict the return before each chosen token; (N,) float32 in row-major order.

        ids: (B, T) int64; is_chosen: (B, T) bool, true on an answer's tokens.
        """
        rows = self.trunk.hidden(ids[:, :-1])[is_chosen[:, 1:]]
        with torch.autocast("cpu", enabled=False):
            result: Tensor = self.head(rows.float())[:, 0]
        return result
