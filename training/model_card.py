"""Write the model card: what the weights are, how they were made, how well they do."""

from __future__ import annotations

from typing import Any

from llmcc.training.checkpoint import Checkpoint
from llmcc.training.evaluation_table import BY_FAMILY


def model_card(
    state: Checkpoint, *, parameter_count: int, evaluation: dict[str, Any] | None
) -> str:
    """Give the card in Markdown; without an evaluation it says that none was made."""
    shape, position, settings = state.shape, state.position, state.settings
    seed = settings.get("seed", "?")
    lines = [
        "# The embedded model",
        "",
        f"A decoder-only Llama-type transformer with {parameter_count / 1e6:.1f} M parameters "
        f"({shape.layer_count} layers, {shape.hidden_size} wide, {shape.head_count} heads, "
        f"context {shape.context}, vocabulary {shape.vocabulary_size}). It reads the contract and "
        "the canonical assembly of one loop and writes a faster way through it. Nothing it writes "
        "is used before llmcc has verified and timed it.",
        "",
        "## Training",
        "",
        f"The last stage was `llmcc-train {settings.get('method', '?')}`, seed {seed}: "
        f"{position.step} steps, {position.elapsed_s / 60:.0f} minutes; docs/training.md tells of "
        "those before it. The loops are drawn at random (`llmcc-train corpus`) and compiled from "
        "Debian's packages (`llmcc-train harvest`); rewrites come from templates, from gcc and "
        "clang at other flags, and from the model itself, each verified and timed.",
        "",
        "## Quality on held-out loops",
        "",
    ]
    if evaluation is None:
        lines.append("Not measured.")
    else:
        lines += [
            "Right = passes llmcc's gate and verification; faster = right and shown to be faster; "
            "a speed-up is 1 where nothing was accepted. What each column means stands in "
            "docs/training.md.",
            "",
            # The table of every family is too long for a card.
            evaluation["markdown"].partition(BY_FAMILY)[0].rstrip(),
        ]
    lines += [
        "",
        "## Files",
        "",
        "`model.safetensors` (float16, transformers' names; the header carries a checksum), "
        "`config.json` (LlamaConfig), `tokenizer.json` (WordLevel over space-separated tokens; "
        "`llmcc.backends.embedded.tokens` splits assembly into them).",
    ]
    return "\n".join(lines) + "\n"
