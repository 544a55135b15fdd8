"""The embedded backend: the shipped model proposes rewrites."""

from __future__ import annotations

import json
import math
import random
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmcc.backends.embedded.prompt import WHOLE, PromptStyle, in_style, prompt_text
from llmcc.backends.embedded.renaming import Renaming
from llmcc.backends.embedded.runtime import Sampling, Transformer, load_transformer
from llmcc.backends.embedded.safetensors_file import WeightsError
from llmcc.backends.embedded.tokens import (
    END,
    SEPARATOR,
    UNKNOWN,
    Vocabulary,
    is_in_rewrite,
    read_tokenizer_json,
)
from llmcc.propose import Proposal, Request

SHIPPED_WEIGHTS = Path(__file__).parent / "weights"
STYLE_KEY = "llmcc_prompt"  # of config.json
LEAVE_IT = "\tjmp\t.LH\n"  # how the model says that it knows nothing better than gcc's loop
_NAME = "embedded"
_TEMPERATURE = 0.8
_RENAMINGS = 4
_MAX_NEW_TOKENS = 400
# In nats. Of 675 accepted samples of 53 held-out loops 2 % were below -2.4, the last at -5.1; above
# this limit each loop keeps one (docs/LOG.md, "Giving up improbable samples").
_LEAST_LOG_PROBABILITY = -4.0
# Bounds the time of a request; one of 40 held-out loops comes here (docs/LOG.md).
_MOST_TOKENS = 1600


class EmbeddedBackend:
    """Propose rewrites with a model small enough to run inside a compile."""

    def __init__(self, seed: int = 0, weights: Path | None = None) -> None:
        """Remember where the model is; it is loaded at the first request.

        Args:
            seed: of the sampling, not negative; with the request and the weights it decides the
                proposals.
            weights: directory written by ``llmcc-train export``; None means the shipped one.
        """
        self._seed = seed
        self._directory = SHIPPED_WEIGHTS if weights is None else weights
        self._loaded: LoadedModel | None = None

    def propose(self, request: Request, n: int) -> tuple[Proposal, ...]:
        """Propose at most `n` distinct rewrites, the most probable first.

        Returns nothing when the request holds words the model does not know or is too long for it.

        Raises:
            WeightsError: the model's files are missing or damaged.
        """
        if self._loaded is None:
            self._loaded = load_model(self._directory)
        return propose_with(self._loaded, request, n, seed=self._seed)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model with its vocabulary."""

    transformer: Transformer
    vocabulary: Vocabulary
    never: tuple[int, ...]  # ids that cannot be part of a rewrite
    style: PromptStyle = WHOLE  # what it was trained to read


def load_model(directory: Path) -> LoadedModel:
    """Load a directory written by ``llmcc-train export``.

    Raises:
        WeightsError: a file is missing or damaged, or the files do not belong together.
    """
    try:
        text = (directory / "tokenizer.json").read_text(encoding="utf-8")
        vocabulary = read_tokenizer_json(text)
    except (OSError, ValueError) as error:
        raise WeightsError(f"cannot read {directory / 'tokenizer.json'}: {error}") from error
    transformer = load_transformer(directory)
    if vocabulary.sha256 != transformer.vocabulary_sha256:
        raise WeightsError(f"the tokenizer and the weights in {directory} do not belong together")
    never = tuple(n for n, token in enumerate(vocabulary.tokens) if not is_in_rewrite(token))
    return LoadedModel(transformer, vocabulary, never, _style(directory))


def _style(directory: Path) -> PromptStyle:
    config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    try:
        return PromptStyle(**config.get(STYLE_KEY, {}))
    except TypeError as error:
        raise WeightsError(f"{directory} was trained on prompts of an unknown style") from error


def propose_with(
    model: LoadedModel,
    request: Request,
    n: int,
    *,
    seed: int,
    temperature: float = _TEMPERATURE,
) -> tuple[Proposal, ...]:
    """Sample `n` rewrites and give the distinct ones, the most probable first.

    Samples that the model itself finds improbable are given up early.
    "Leave it" is an answer of the model, but no proposal: the gate would refuse it.
    """
    vocabulary = model.vocabulary
    text = in_style(prompt_text(request), model.style).strip("\n")
    ids = np.array([*vocabulary.encode(text), vocabulary.ids[SEPARATOR]], dtype=np.int64)
    if n <= 0 or vocabulary.ids[UNKNOWN] in ids:
        return ()
    # Requests must not share their luck: another loop gets other noise.
    noise = zlib.crc32(text.encode()) ^ (seed << 32)
    tables = renamings(ids, vocabulary, min(n, _RENAMINGS), seed=noise)
    samples = model.transformer.sample(
        [table[ids] for table in tables],
        Sampling(
            count=n,
            temperature=temperature,
            max_new_tokens=_MAX_NEW_TOKENS,
            end_id=vocabulary.ids[END],
            never=model.never,
            seed=noise,
            least_log_probability=_LEAST_LOG_PROBABILITY,
            most_tokens=_MOST_TOKENS,
        ),
    )
    originals = [np.argsort(table) for table in tables]
    found: dict[str, dict[int, float]] = {}  # rewrite -> its probability under each renaming
    for sample in samples:
        back = originals[sample.prompt][list(sample.ids)]
        rewrite = vocabulary.decode(back.tolist()) + "\n"
        if rewrite == LEAVE_IT:
            continue
        found.setdefault(rewrite, {})[sample.prompt] = math.exp(sample.log_probability)
    # A rewrite that several renamings lead to is the likelier to be right.
    scores = {text: sum(by.values()) / len(tables) for text, by in found.items()}
    ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return tuple(
        Proposal(rewrite, request.isa, math.log(max(score, 1e-300)), _NAME)
        for rewrite, score in ranked
    )


def renamings(
    ids: NDArray[np.int64], vocabulary: Vocabulary, count: int, *, seed: int
) -> list[NDArray[np.int64]]:
    """Draw tables old id -> new id; the first one changes nothing."""
    # Registers 16 and up follow their xmm: where they are scratch, any name will do.
    renaming = Renaming.of(ids, len(ids), vocabulary=vocabulary, wide_follows_xmm=True)
    rng = random.Random(seed)
    same = np.arange(len(vocabulary), dtype=np.int64)
    return [same, *(renaming.draw(rng, vocabulary) for _ in range(count - 1))]
