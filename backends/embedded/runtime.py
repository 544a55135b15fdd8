"""Sample from a Llama-type decoder: few prompts, many continuations.

Samples that have drawn the same tokens so far are one branch, which is run once; a model that is
sure of itself has few branches for many samples. What branches have in common is kept once, in a
tree. Importing numpy takes a tenth of a second where torch takes two.

Letters in shapes: B branches still running, T prompt tokens, D hidden size, V vocabulary.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmcc.backends.embedded.decoder import Decoder, Floats, Ids, Nodes, Tree
from llmcc.backends.embedded.safetensors_file import WeightsError, read_tensors


@dataclass(frozen=True, slots=True)
class Sample:
    """One finished continuation."""

    prompt: int  # which of the prompts it continues
    ids: tuple[int, ...]  # without the end token
    log_probability: float  # of ids and the end token under the model, at temperature 1
    is_ended: bool = True  # false only where `Sampling.keeps_unfinished` asked for such samples


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to continue prompts."""

    count: int  # samples in all, spread evenly over the prompts
    temperature: float
    max_new_tokens: int
    end_id: int
    never: tuple[int, ...] = ()  # ids that must not be sampled
    seed: int = 0
    has_greedy: bool = True  # the first sample of each prompt takes the most probable tokens
    keeps_unfinished: bool = False  # give samples that do not end in time, too
    least_log_probability: float = -math.inf  # a less probable sample is given up where it is
    most_tokens: float = math.inf  # of all branches; then all but the most probable are given up


@dataclass(frozen=True, slots=True)
class Transformer:
    """A model ready to run."""

    decoder: Decoder
    vocabulary_sha256: str  # of the tokenizer the weights were trained with

    def logits(self, ids: Ids) -> Floats:
        """Run over a whole text: (T,) ids -> (T, V) logits."""
        return self.decoder.score(self._read(self.decoder.tree(len(ids)), [ids])[0][0])

    def sample(self, prompts: Sequence[Ids], how: Sampling) -> list[Sample]:
        """Continue prompts of (T,) ids, all of one T.

        Samples that do not end in time are left out, unless `how` keeps them, and so are those that
        are given up.

        The result, the greedy ones included, is in the order the samples ended.
        """
        length = len(prompts[0])
        limit = min(how.max_new_tokens, self.decoder.context - length)
        if limit <= 0 or length == 0:
            return []
        tree = self.decoder.tree(len(prompts) * length + how.count * limit)
        hidden, paths = self._read(tree, prompts)
        owners = np.sort(np.arange(how.count) % len(prompts))  # the prompt of each sample
        is_first = (np.diff(owners, prepend=-1) > 0) & how.has_greedy
        rng = np.random.default_rng(how.seed)
        forbidden = np.zeros(len(self.decoder.embedding), dtype=np.float32)
        forbidden[list(how.never)] = -np.inf
        rows = np.arange(how.count)  # the sample each running row belongs to
        texts = np.zeros((how.count, limit), dtype=np.int64)
        scores = np.zeros(how.count)
        logits = self.decoder.score(hidden[:, -1])  # (B, V)
        branches = owners  # the branch each running row is on
        finished: list[Sample] = []
        for step in range(limit):
            chosen = _choose(
                logits + forbidden, branches, is_greedy=is_first[rows], how=how, rng=rng
            )
            scores[rows] += _log_softmax(logits)[branches, chosen]
            is_wanted = scores[rows] >= how.least_log_probability
            has_ended = chosen == how.end_id
            finished += [
                Sample(int(owners[row]), tuple(texts[row, :step].tolist()), float(scores[row]))
                for row in rows[is_wanted & has_ended]
            ]
            is_running = is_wanted & ~has_ended
            if tree.count >= len(prompts) * length + how.most_tokens and is_running.any():
                is_running &= scores[rows] == scores[rows[is_running]].max()
            rows, chosen, branches = (a[is_running] for a in (rows, chosen, branches))
            texts[rows, step] = chosen
            if len(rows) == 0 or step + 1 == limit:
                break
            forks, branches = np.unique(branches * len(forbidden) + chosen, return_inverse=True)
            parents, tokens = np.divmod(forks, len(forbidden))
            paths = paths[parents]
            paths[:, length + step] = tree.add(len(forks))
            logits = self.decoder.score(
                self.decoder.run(
                    tree, tokens, np.full_like(forks, length + step), np.arange(len(forks)), paths
                )
            )
        if how.keeps_unfinished:
            finished += [
                Sample(int(owners[row]), tuple(texts[row].tolist()), float(scores[row]), False)
                for row in rows
            ]
        return finished

    def _read(self, tree: Tree, texts: Sequence[Ids]) -> tuple[Floats, Nodes]:
        """Run P texts of T tokens: their (P, T, D) hidden states and (P, context) paths."""
        count, length = len(texts), len(texts[0])
        paths = np.zeros((count, self.decoder.context), dtype=np.int32)
        paths[:, :length] = tree.add(count * length).reshape(count, length)
        branches, positions = np.indices((count, length)).reshape(2, -1)
        hidden = self.decoder.run(tree, np.concatenate(texts), positions, branches, paths)
        return hidden.reshape(count, length, -1), paths


def load_transformer(directory: Path) -> Transformer:
    """Load ``config.json`` and ``model.safetensors`` as transformers' LlamaForCausalLM names them.

    Raises:
        WeightsError: a file is missing or damaged, or the model is of a shape the runtime lacks.
    """
    try:
        config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"cannot read {directory / 'config.json'}: {error}") from error
    weights = read_tensors(directory / "model.safetensors")
    try:
        decoder = Decoder(config, weights.tensors)
        return Transformer(decoder, weights.metadata["vocabulary_sha256"])
    except (KeyError, ValueError, TypeError) as error:
        raise WeightsError(f"{directory} holds no model this runtime knows: {error!r}") from error


def _choose(
    logits: Floats,
    branches: Ids,
    *,
    is_greedy: NDArray[np.bool_],
    how: Sampling,
    rng: np.random.Generator,
) -> Ids:
    """Draw an id for each row, (B, V) logits -> (N,) ids; greedy rows take the best.

    branches: (N,) the branch each row is on.
    """
    best = logits.argmax(axis=1)[branches]
    if how.temperature <= 0:
        return np.asarray(best, dtype=np.int64)
    # Where a uniform draw falls in the distribution function: one random number a row.
    reached = np.cumsum(_softmax(logits / how.temperature), axis=1, dtype=np.float64)
    drawn = rng.random(len(branches), dtype=np.float32) * reached[branches, -1]
    chosen = (reached[branches] <= drawn[:, None]).sum(axis=1)
    return np.asarray(np.where(is_greedy, best, chosen), dtype=np.int64)


def _softmax(scores: Floats) -> Floats:
    shares: Floats = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    return shares


def _log_softmax(logits: Floats) -> Floats:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result
