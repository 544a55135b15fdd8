"""``llmcc-train export``: write a checkpoint as the files that are shipped.

The directory loads in transformers as a LlamaForCausalLM, and in llmcc's own runtime.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from llmcc.backends.embedded.backend import SHIPPED_WEIGHTS, STYLE_KEY
from llmcc.backends.embedded.safetensors_file import write_tensors
from llmcc.backends.embedded.tokens import END, PADDING, UNKNOWN, Vocabulary, tokenizer_json
from llmcc.training import checkpoint
from llmcc.training.checkpoint import Checkpoint
from llmcc.training.model_card import model_card


@click.command()
@click.argument("checkpoint_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=SHIPPED_WEIGHTS,
    help="Where to write. Default: the weights that llmcc ships.",
)
@click.option(
    "--evaluation",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="JSON written by `llmcc-train eval`, for the model card.",
)
def export(checkpoint_file: Path, directory: Path, evaluation: Path | None) -> None:
    """Write CHECKPOINT_FILE as safetensors, tokenizer, config and model card."""
    result = None if evaluation is None else json.loads(evaluation.read_text(encoding="utf-8"))
    write_model(checkpoint.load(checkpoint_file), directory, evaluation=result)
    click.echo(f"wrote {directory}")


def write_model(
    state: Checkpoint, directory: Path, *, evaluation: dict[str, Any] | None = None
) -> None:
    """Write the four files of a model; `evaluation` is what `llmcc-train eval --json` gave."""
    directory.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, NDArray[Any]] = {
        name: weight.detach().float().numpy().astype(np.float16)
        for name, weight in state.weights.items()
    }
    write_tensors(
        directory / "model.safetensors",
        tensors,
        metadata={"vocabulary_sha256": state.vocabulary.sha256},
    )
    _write(directory / "tokenizer.json", tokenizer_json(state.vocabulary))
    special = {"unk_token": UNKNOWN, "pad_token": PADDING, "eos_token": END}
    tokenizer_config = {"tokenizer_class": "PreTrainedTokenizerFast", **special}
    _write(directory / "tokenizer_config.json", json.dumps(tokenizer_config, indent=2) + "\n")
    _write(directory / "config.json", json.dumps(_config(state), indent=2) + "\n")
    count = sum(weight.numel() for weight in state.weights.values())
    card = model_card(state, parameter_count=count, evaluation=evaluation)
    _write(directory / "MODEL_CARD.md", card)


def _config(state: Checkpoint) -> dict[str, Any]:
    ids: Vocabulary = state.vocabulary
    return {
        **state.shape.hugging_face_config(),
        "pad_token_id": ids.ids[PADDING],
        "eos_token_id": ids.ids[END],
        "bos_token_id": None,
        STYLE_KEY: asdict(state.style),
    }


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
