"""The decoder's forward pass: `native/decoder.c`, its weights and the tree of tokens it fills.

Letters in shapes: N rows, B branches, L layers, D hidden size, H heads, E = D / H, F feed-forward
size, V vocabulary.
"""

from __future__ import annotations

import ctypes
import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmcc.config import read_config
from llmcc.native.compiled import compiled
from llmcc.store.keys import cpu_flags

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
Nodes = NDArray[np.int32]

_LANES, _PANEL = 16, 32  # columns, as in decoder.c
# As -ffast-math has it, but without the start-up code that would change how all of the process
# treats denormal numbers.
_FAST = (
    *("-fno-math-errno", "-fassociative-math", "-fno-signed-zeros", "-fno-trapping-math"),
    *("-freciprocal-math", "-ffinite-math-only"),
)
_OPTIONS = ("-std=gnu11", "-O3", *_FAST, "-Wno-psabi", "-fPIC", "-shared")
# The levels of the x86-64 psABI (table 3.1), best first, by flags that tell them apart.
_V3 = frozenset(("abm", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"))
LEVELS = {
    "x86-64-v4": _V3 | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
    "x86-64-v3": _V3,
    "x86-64": frozenset[str](),
}


class _Layer(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_void_p)
        for name in ("qkv", "output", "gate_up", "down", "before", "between")
    ]


class _Decoder(ctypes.Structure):
    _fields_ = [
        *((n, ctypes.c_int32) for n in ("layer_count", "size", "head_count", "feed_forward")),
        ("vocabulary", ctypes.c_int32),
        ("context", ctypes.c_int32),
        ("epsilon", ctypes.c_float),
        ("layers", ctypes.POINTER(_Layer)),
        *((name, ctypes.c_void_p) for name in ("head", "last", "cosine", "sine")),
    ]


class _Tree(ctypes.Structure):
    _fields_ = [
        ("capacity", ctypes.c_int64),
        ("keys", ctypes.c_void_p),
        ("values", ctypes.c_void_p),
    ]


@dataclass(slots=True)
class Tree:
    """Keys and values of tokens, each a node: (L, capacity, D), of which `count` are used."""

    keys: NDArray[np.float16]
    values: NDArray[np.float16]
    count: int = 0

    def add(self, count: int) -> Nodes:
        """Give new nodes."""
        self.count += count
        return np.arange(self.count - count, self.count, dtype=np.int32)


class Decoder:
    """A model's weights, ready to run on one core; what they are is in `native/decoder.c`."""

    def __init__(self, config: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> None:
        """Take a config and tensors, both as transformers' LlamaForCausalLM names them.

        Raises:
            KeyError, ValueError, TypeError: they are not of a shape that the decoder knows.
            NotCompiled, ToolMissing, OSError: see `llmcc.native.compiled`.
        """
        heads, size = config["num_attention_heads"], config["hidden_size"]
        if config["num_key_value_heads"] != heads or not config["tie_word_embeddings"]:
            raise ValueError("grouped heads or a separate output matrix")
        if size % (heads * _LANES):
            raise ValueError(f"heads that are no multiple of {_LANES} wide")
        self.context: int = config["max_position_embeddings"]
        self.layer_count: int = config["num_hidden_layers"]
        self.size: int = size
        self._feed_forward: int = config["intermediate_size"]
        embedding = tensors["model.embed_tokens.weight"]
        self.embedding: Floats = embedding.astype(np.float32)  # (V, D)
        self._kept: list[NDArray[Any]] = []  # what C has addresses of
        layers = (_Layer * self.layer_count)(
            *(self._layer(tensors, number) for number in range(self.layer_count))
        )
        frequency = config["rope_theta"] ** (-np.arange(0, size // heads, 2) / (size // heads))
        angles = np.outer(np.arange(self.context), np.concatenate((frequency, frequency)))
        self._decoder = _Decoder(
            self.layer_count,
            size,
            heads,
            self._feed_forward,
            len(embedding),
            self.context,
            config["rms_norm_eps"],
            layers,
            self._panels(embedding, shape=(len(embedding), size)),
            self._floats(tensors["model.norm.weight"], shape=(size,)),
            self._floats(np.cos(angles), shape=angles.shape),
            self._floats(np.sin(angles), shape=angles.shape),
        )
        self._library = library()

    def tree(self, capacity: int) -> Tree:
        """Make an empty tree for so many tokens; memory is used as it fills."""
        shape = (self.layer_count, capacity, self.size)
        return Tree(np.empty(shape, dtype=np.float16), np.empty(shape, dtype=np.float16))

    def run(self, tree: Tree, ids: Ids, positions: Ids, branches: Ids, paths: Nodes) -> Floats:
        """Run tokens: (N,) ids -> (N, D) hidden states before the last norm.

        Token n is the node `paths[branches[n], positions[n]]`, which it fills, and reads those
        before it on its path. Tokens of one path come in order.

        Args:
            paths: (B, context).

        Raises:
            MemoryError: there is not enough.
        """
        hidden = self.embedding[ids]
        c_tree = _Tree(tree.keys.shape[1], tree.keys.ctypes.data, tree.values.ctypes.data)
        numbers = [np.ascontiguousarray(a, dtype=np.int32) for a in (positions, branches, paths)]
        failed = self._library.llmcc_decoder_run(
            ctypes.byref(self._decoder),
            ctypes.byref(c_tree),
            len(ids),
            *(ctypes.c_void_p(array.ctypes.data) for array in (hidden, *numbers)),
        )
        if failed:
            raise MemoryError("no memory to run the model")
        return hidden

    def score(self, hidden: Floats) -> Floats:
        """Turn hidden states into logits: (N, D) -> (N, V).

        Raises:
            MemoryError: there is not enough.
        """
        vocabulary = len(self.embedding)
        hidden = np.ascontiguousarray(hidden)
        logits = np.empty((len(hidden), _padded(vocabulary)), dtype=np.float32)
        failed = self._library.llmcc_decoder_score(
            ctypes.byref(self._decoder),
            len(hidden),
            *(ctypes.c_void_p(array.ctypes.data) for array in (hidden, logits)),
        )
        if failed:
            raise MemoryError("no memory to run the model")
        return logits[:, :vocabulary]

    def _layer(self, tensors: Mapping[str, NDArray[Any]], number: int) -> _Layer:
        def weight(name: str) -> NDArray[Any]:
            return tensors[f"model.layers.{number}.{name}.weight"]

        size, inner = self.size, self._feed_forward
        return _Layer(
            self._panels(*(weight(f"self_attn.{n}_proj") for n in "qkv"), shape=(3 * size, size)),
            self._panels(weight("self_attn.o_proj"), shape=(size, size)),
            self._panels(weight("mlp.gate_proj"), weight("mlp.up_proj"), shape=(2 * inner, size)),
            self._panels(weight("mlp.down_proj"), shape=(size, inner)),
            self._floats(weight("input_layernorm"), shape=(size,)),
            self._floats(weight("post_attention_layernorm"), shape=(size,)),
        )

    def _panels(self, *parts: NDArray[Any], shape: tuple[int, int]) -> int:
        """Lay out (outputs, inputs) matrices, one below the other, as decoder.c reads them."""
        matrix = np.concatenate(parts).astype(np.float16, copy=False)
        rows = np.zeros((_padded(shape[0]), shape[1]), dtype=np.float16)
        rows[: shape[0]] = _checked(matrix, shape)
        panels = rows.reshape(-1, _PANEL, shape[1]).transpose(0, 2, 1)
        return self._address(np.ascontiguousarray(panels))

    def _floats(self, values: NDArray[Any], *, shape: tuple[int, ...]) -> int:
        return self._address(np.ascontiguousarray(_checked(values, shape), dtype=np.float32))

    def _address(self, array: NDArray[Any]) -> int:
        self._kept.append(array)
        return int(array.ctypes.data)


def _checked(values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Make sure that C does not read beyond an array."""
    if values.shape != shape:
        raise ValueError(f"a tensor of shape {values.shape} in place of {shape}")
    return values


def _padded(columns: int) -> int:
    return math.ceil(columns / _PANEL) * _PANEL


@functools.cache
def library() -> ctypes.CDLL:
    """Load `native/decoder.c` as compiled for this CPU, once.

    Raises:
        NotCompiled, ToolMissing, OSError: see `llmcc.native.compiled`.
    """
    flags = cpu_flags()
    level = next(level for level, needed in LEVELS.items() if needed <= flags)
    path = compiled(
        read_config().cache,
        "decoder.so",
        sources=("decoder.c",),
        options=(*_OPTIONS, f"-march={level}"),
    )
    return ctypes.CDLL(str(path))
