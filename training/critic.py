"""The critic: a small network that predicts credit from what the start model makes of a token."""

from __future__ import annotations

from torch import Tensor, nn


class Critic(nn.Module):
    """Predicts at each token, before the next is chosen, what the answer will be worth.

    It reads the last hidden states of the model that the run started from, which are there anyway
    for the KL to it and never change. A trunk of its own explains more of a plain reward, and is
    half of an iteration (docs/LOG.md).
    """

    def __init__(self, hidden_size: int) -> None:
        """The last layer starts at zero, so that nothing is expected at first.

        Drawn at random it would bias every advantage of the first steps (VC-PPO,
        arXiv:2503.01491).
        """
        super().__init__()
        self.inner = nn.Linear(hidden_size, hidden_size)
        self.head = nn.Linear(hidden_size, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, hidden: Tensor) -> Tensor:
        """Predict the return before each of N chosen tokens: (N, D) float32 -> (N,)."""
        result: Tensor = self.head(nn.functional.silu(self.inner(hidden)))[:, 0]
        return result
