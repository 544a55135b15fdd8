"""Run a Llama-type decoder in numpy: few prompts, many continuations.

A prompt's keys and values are computed once and shared by all its samples. Samples that have drawn
the same tokens so far are one branch, which is run once; a model that is sure of itself has few
branches for many samples. Importing numpy takes a tenth of a second where torch takes two.

Weights are kept in slices. With a few rows on the other side OpenBLAS multiplies a small matrix in
place, but copies a large one first: for 8 rows that is twice as slow.

Letters in shapes: B branches still running, T prompt tokens, S tokens sampled so far, D hidden
size, H heads, E = D / H, F feed-forward size, V vocabulary.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmcc.backends.embedded.safetensors_file import WeightsError, read_tensors

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]

_SLICE_MOST = 128  # columns
_SLICES_MOST = 32


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


@dataclass(frozen=True, slots=True)
class _Layer:
    """Weights of a layer as right-hand factors; norm scales and 1/sqrt(E) are folded in."""

    qkv: Floats  # (3H, D, E)
    output: Floats  # (H, E, D)
    gate_up: Floats  # (2, slices, D, F / slices)
    down: Floats  # (slices, F / slices, D)


@dataclass(slots=True)
class _SuffixCache:
    """Keys and values of the sampled tokens of one layer, (B, H, S_max, E) each."""

    keys: Floats
    values: Floats

    def branch(self, parents: Ids, length: int) -> None:
        """Go on with copies of these branches, each of `length` tokens so far."""
        self.keys = _grown(self.keys, parents, length)
        self.values = _grown(self.values, parents, length)


@dataclass(frozen=True, slots=True)
class Transformer:
    """A model ready to run, in float32."""

    embedding: Floats  # (V, D)
    head: Floats  # (slices, D, V / slices), the final norm's scale folded in
    layers: tuple[_Layer, ...]
    head_count: int
    context: int  # longest prompt and continuation together
    norm_epsilon: float
    vocabulary_sha256: str  # of the tokenizer the weights were trained with
    cosine: Floats = field(repr=False)  # (context, E)
    sine: Floats = field(repr=False)

    def logits(self, ids: Ids) -> Floats:
        """Run over a whole text: (T,) ids -> (T, V) logits."""
        hidden, _ = self._prefill(ids)
        return self._scored(hidden)

    def sample(self, prompts: Sequence[Ids], how: Sampling) -> list[Sample]:
        """Continue prompts of (T,) ids, all of one T.

        Samples that do not end in time are left out, unless `how` keeps them, and so are those that
        become less probable than `how` wants.

        The result, the greedy ones included, is in the order the samples ended.
        """
        length = len(prompts[0])
        limit = min(how.max_new_tokens, self.context - length)
        if limit <= 0 or length == 0:
            return []
        read = [self._prefill(prompt) for prompt in prompts]
        prefixes = [prefix for _, prefix in read]
        owners = np.sort(np.arange(how.count) % len(prompts))  # the prompt of each sample
        is_first = (np.diff(owners, prepend=-1) > 0) & how.has_greedy
        caches = [self._suffix_cache(len(prompts), limit) for _ in self.layers]
        rng = np.random.default_rng(how.seed)
        forbidden = np.zeros(len(self.embedding), dtype=np.float32)
        forbidden[list(how.never)] = -np.inf
        rows = np.arange(how.count)  # the sample each running row belongs to
        texts = np.zeros((how.count, limit), dtype=np.int64)
        scores = np.zeros(how.count)
        last = np.stack([hidden[-1] for hidden, _ in read])
        logits = self._scored(last)  # (B, V)
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
            rows, chosen, branches = (a[is_running] for a in (rows, chosen, branches))
            texts[rows, step] = chosen
            if len(rows) == 0 or step + 1 == limit:
                break
            # Sorted by parent, so that the branches of one prompt stay side by side.
            forks, is_on = np.unique(branches * len(forbidden) + chosen, return_inverse=True)
            parents, chosen = np.divmod(forks, len(forbidden))
            prompts_of = np.empty(len(forks), dtype=np.int64)
            prompts_of[is_on] = owners[rows]
            if not np.array_equal(parents, np.arange(len(logits))):
                for cache in caches:
                    cache.branch(parents, step)
            branches = is_on
            logits = self._advance(chosen, prefixes, caches, owners=prompts_of, step=step)
        if how.keeps_unfinished:
            finished += [
                Sample(int(owners[row]), tuple(texts[row].tolist()), float(scores[row]), False)
                for row in rows
            ]
        return finished

    def _prefill(self, ids: Ids) -> tuple[Floats, list[tuple[Floats, Floats]]]:
        """Run the prompt: (T, D) hidden states before the last norm, and (H, T, E) keys, values."""
        length = len(ids)
        hidden = self.embedding[ids]
        future = np.triu(np.full((length, length), -np.inf, dtype=np.float32), 1)
        cosine, sine = self.cosine[:length], self.sine[:length]
        prefix = []
        for layer in self.layers:
            query, key, value = self._project(layer, hidden, cosine, sine)
            prefix.append((key, value))
            weights = _softmax(query @ key.transpose(0, 2, 1) + future)
            hidden = self._finish(layer, hidden, weights @ value)
        return hidden, prefix

    def _advance(
        self,
        chosen: Ids,
        prefixes: list[list[tuple[Floats, Floats]]],
        caches: list[_SuffixCache],
        *,
        owners: Ids,
        step: int,
    ) -> Floats:
        """Run one token of each branch: (B,) ids -> (B, V) logits; owners: (B,), rising."""
        batch = len(chosen)
        length = prefixes[0][0][0].shape[1]
        starts = np.searchsorted(owners, np.arange(len(prefixes) + 1))
        parts = [slice(a, b) for a, b in itertools.pairwise(starts.tolist())]
        hidden = self.embedding[chosen]
        cosine, sine = self.cosine[length + step], self.sine[length + step]
        weights = np.empty((batch, self.head_count, length + step + 1), dtype=np.float32)
        for number, (layer, cache) in enumerate(zip(self.layers, caches, strict=True)):
            query, key, value = self._project(layer, hidden, cosine, sine)
            cache.keys[:, :, step] = key.transpose(1, 0, 2)
            cache.values[:, :, step] = value.transpose(1, 0, 2)
            for prefix, part in zip(prefixes, parts, strict=True):
                keys = prefix[number][0].transpose(0, 2, 1)
                weights[part, :, :length] = (query[:, part] @ keys).transpose(1, 0, 2)
            own_keys = cache.keys[:, :, : step + 1]
            weights[:, :, length:] = (own_keys @ query.transpose(1, 0, 2)[..., None])[..., 0]
            shares = _softmax(weights)
            own_values = cache.values[:, :, : step + 1]
            mixed = (shares[:, :, None, length:] @ own_values)[:, :, 0]
            for prefix, part in zip(prefixes, parts, strict=True):
                own = shares[part, :, :length].transpose(1, 0, 2)
                mixed[part] += (own @ prefix[number][1]).transpose(1, 0, 2)
            hidden = self._finish(layer, hidden, mixed.transpose(1, 0, 2))
        return self._scored(hidden)

    def _project(
        self, layer: _Layer, hidden: Floats, cosine: Floats, sine: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Make queries, keys and values, (H, N, E) each, with positions in the first two."""
        heads = self.head_count
        joint = self._normed(hidden) @ layer.qkv  # (3H, N, E)
        turned = joint[: 2 * heads]
        half = turned.shape[-1] // 2
        # Half-split rotary positions, as in transformers' Llama (arXiv:2104.09864).
        rotated = np.concatenate((-turned[..., half:], turned[..., :half]), axis=-1)
        placed = (turned * cosine + rotated * sine).astype(np.float32, copy=False)
        return placed[:heads], placed[heads:], joint[2 * heads :]

    def _finish(self, layer: _Layer, hidden: Floats, mixed: Floats) -> Floats:
        """Add what attention gathered, mixed: (H, N, E), then the feed-forward block."""
        hidden = hidden + (mixed @ layer.output).sum(axis=0)
        gate, up = self._normed(hidden) @ layer.gate_up  # (slices, N, F / slices) each
        active = gate / (1 + np.exp(-gate)) * up
        result: Floats = hidden + (active @ layer.down).sum(axis=0)
        return result

    def _scored(self, hidden: Floats) -> Floats:
        """Turn the last layer's (N, D) into (N, V) logits."""
        sliced = self._normed(hidden) @ self.head
        return sliced.transpose(1, 0, 2).reshape(len(hidden), -1)

    def _normed(self, hidden: Floats) -> Floats:
        mean_square = np.einsum("nd,nd->n", hidden, hidden) / hidden.shape[1]
        result: Floats = hidden / np.sqrt(mean_square + self.norm_epsilon)[:, None]
        return result

    def _suffix_cache(self, count: int, limit: int) -> _SuffixCache:
        shape = (count, self.head_count, limit, self.cosine.shape[1])
        return _SuffixCache(np.empty(shape, dtype=np.float32), np.empty(shape, dtype=np.float32))


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
        return assemble(config, weights.tensors, weights.metadata["vocabulary_sha256"])
    except (KeyError, ValueError, TypeError) as error:
        raise WeightsError(f"{directory} holds no model this runtime knows: {error!r}") from error


def assemble(
    config: dict[str, Any], tensors: Mapping[str, NDArray[Any]], vocabulary_sha256: str
) -> Transformer:
    """Make a model of tensors and a config, both as transformers' LlamaForCausalLM names them.

    Raises:
        KeyError, ValueError, TypeError: it is not of a shape the runtime knows.
    """
    heads, size = config["num_attention_heads"], config["hidden_size"]
    if config["num_key_value_heads"] != heads or not config["tie_word_embeddings"]:
        raise ValueError("grouped heads or a separate output matrix")
    head_size = size // heads
    context = config["max_position_embeddings"]
    frequency = config["rope_theta"] ** (-np.arange(0, head_size, 2) / head_size)
    angle = np.outer(np.arange(context), np.concatenate((frequency, frequency)))
    embedding = tensors["model.embed_tokens.weight"].astype(np.float32)
    final_scale = tensors["model.norm.weight"].astype(np.float32)
    return Transformer(
        embedding=embedding,
        head=_sliced((embedding * final_scale).T),
        layers=tuple(_layer(tensors, n, head_size) for n in range(config["num_hidden_layers"])),
        head_count=heads,
        context=context,
        norm_epsilon=config["rms_norm_eps"],
        vocabulary_sha256=vocabulary_sha256,
        cosine=np.cos(angle).astype(np.float32),
        sine=np.sin(angle).astype(np.float32),
    )


def _layer(tensors: Mapping[str, NDArray[Any]], number: int, head_size: int) -> _Layer:
    def weight(name: str) -> Floats:
        return tensors[f"model.layers.{number}.{name}.weight"].astype(np.float32)

    before, between = weight("input_layernorm"), weight("post_attention_layernorm")
    heads = len(before) // head_size
    qkv = np.concatenate(
        (
            weight("self_attn.q_proj") / np.float32(math.sqrt(head_size)),
            weight("self_attn.k_proj"),
            weight("self_attn.v_proj"),
        )
    )
    gate, up = (_sliced((weight(f"mlp.{name}_proj") * between).T) for name in ("gate", "up"))
    return _Layer(
        qkv=_sliced((qkv * before).T, 3 * heads),
        output=_row_slices(weight("self_attn.o_proj").T, heads),
        gate_up=np.stack((gate, up)),
        down=_row_slices(weight("mlp.down_proj").T, len(gate)),
    )


def _sliced(factor: Floats, count: int | None = None) -> Floats:
    """Cut the columns of (D, N) into even slices: (slices, D, N / slices), each contiguous.

    count: None for the fewest that are narrow; one, if there are no even ones.
    """
    size, width = factor.shape
    even = (n for n in range(1, _SLICES_MOST + 1) if width % n == 0 and width // n <= _SLICE_MOST)
    count = count or next(even, 1)
    return np.ascontiguousarray(factor.reshape(size, count, -1).transpose(1, 0, 2))


def _row_slices(factor: Floats, count: int) -> Floats:
    """Cut the rows of (N, D) into even slices: (count, N / count, D)."""
    return np.ascontiguousarray(factor).reshape(count, -1, factor.shape[1])


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


def _grown(former: Floats, parents: Ids, length: int) -> Floats:
    """Copy what is in use of these rows into an array of the former's lengths."""
    copied = np.empty((len(parents), *former.shape[1:]), dtype=np.float32)
    copied[:, :, :length] = former[parents, :, :length]
    return copied


def _softmax(scores: Floats) -> Floats:
    shares: Floats = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    return shares


def _log_softmax(logits: Floats) -> Floats:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result
