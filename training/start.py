"""Load the weights a run starts from: a checkpoint, or a directory that `export` wrote."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from llmcc.backends.embedded.safetensors_file import read_tensors
from llmcc.backends.embedded.tokens import read_tokenizer_json
from llmcc.training import checkpoint
from llmcc.training.checkpoint import Checkpoint, Position
from llmcc.training.model import LanguageModel, ModelShape


def load_start(path: Path) -> Checkpoint:
    """Read weights, shape and vocabulary; the optimiser's state and the position start anew.

    Raises:
        ValueError: it is neither; or the config is not of a model of this version.
        WeightsError: a file of the directory is missing or damaged.
        OSError: a file cannot be read.
    """
    if path.is_dir():
        return _read_exported(path)
    former = checkpoint.load(path)
    return replace(former, optimiser={}, position=Position(), settings={})


def deepen(start: Checkpoint, layer_count: int, *, seed: int) -> Checkpoint:
    """Put layers behind a model's own that change nothing yet, their output matrices being zero.

    The rest of a new layer is random, drawn from `seed`. Source of the idea: Chen et al.,
    "Net2Net", arXiv:1511.05641, section 3.

    Raises:
        ValueError: the model has more layers than that.
    """
    if layer_count < start.shape.layer_count:
        raise ValueError(f"the model has {start.shape.layer_count} layers, not {layer_count}")
    shape = replace(start.shape, layer_count=layer_count)
    torch.manual_seed(seed)
    weights = LanguageModel(shape).state_dict()
    for name, weight in weights.items():
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            weight.zero_()
    return replace(start, shape=shape, weights={**weights, **start.weights})


def _read_exported(directory: Path) -> Checkpoint:
    vocabulary = read_tokenizer_json((directory / "tokenizer.json").read_text(encoding="utf-8"))
    config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    try:
        shape = ModelShape(
            vocabulary_size=config["vocab_size"],
            hidden_size=config["hidden_size"],
            layer_count=config["num_hidden_layers"],
            head_count=config["num_attention_heads"],
            feed_forward_size=config["intermediate_size"],
            context=config["max_position_embeddings"],
            rope_base=config["rope_theta"],
            norm_epsilon=config["rms_norm_eps"],
        )
    except KeyError as error:
        raise ValueError(f"{directory / 'config.json'} has no {error}") from error
    tensors = read_tensors(directory / "model.safetensors").tensors
    weights = {
        name: torch.from_numpy(np.array(tensor, dtype=np.float32))
        for name, tensor in tensors.items()
    }
    return Checkpoint(shape, vocabulary, weights, {}, Position(), {})
