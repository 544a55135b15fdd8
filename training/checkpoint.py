"""Keep the state of a training run in one file, whole or not at all."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from llmcc.backends.embedded.prompt import WHOLE, PromptStyle
from llmcc.backends.embedded.tokens import Vocabulary
from llmcc.training.model import LanguageModel, ModelShape


@dataclass(frozen=True, slots=True)
class Position:
    """Where a run stands in its data and its time."""

    step: int = 0  # optimiser steps done
    epoch: int = 0
    step_in_epoch: int = 0  # steps done of this epoch
    tokens: int = 0  # prompt and rewrite tokens seen, padding included
    elapsed_s: float = 0.0  # training time over all sessions of the run


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything needed to go on as if nothing had happened."""

    shape: ModelShape
    vocabulary: Vocabulary
    weights: dict[str, torch.Tensor]
    optimiser: dict[str, Any]  # torch's state dict
    position: Position
    settings: dict[str, Any]  # of the trainer that wrote it, for the model card
    style: PromptStyle = WHOLE  # what of a prompt the model reads

    def model(self) -> LanguageModel:
        """Build the model with the checkpoint's weights."""
        model = LanguageModel(self.shape)
        model.load_state_dict(self.weights)
        return model


def save(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint, by rename."""
    document = {
        "shape": checkpoint.shape.to_json(),
        "tokens": list(checkpoint.vocabulary.tokens),
        "weights": checkpoint.weights,
        "optimiser": checkpoint.optimiser,
        "position": asdict(checkpoint.position),
        "settings": checkpoint.settings,
        "style": asdict(checkpoint.style),
    }
    temporary = path.with_name(path.name + ".tmp")
    torch.save(document, temporary)
    temporary.replace(path)


def load(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        ValueError: the file is not a checkpoint of this version.
    """
    document = torch.load(path, map_location="cpu", weights_only=True)
    try:
        return Checkpoint(
            ModelShape(**document["shape"]),
            Vocabulary(tuple(document["tokens"])),
            document["weights"],
            document["optimiser"],
            Position(**document["position"]),
            document["settings"],
            PromptStyle(**document.get("style", {})),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a checkpoint of this version: {error}") from error
