"""The model in torch: a decoder-only Llama, written for training on a few CPU cores.

Parameters carry the names and shapes of transformers' LlamaForCausalLM with a tied head, so a
checkpoint is one. Attention is plain matrix products with softmax: up to about 512 tokens that is
faster on a CPU than the fused kernel.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

_INITIAL_DEVIATION = 0.02


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The sizes of a model."""

    vocabulary_size: int
    hidden_size: int = 256
    layer_count: int = 4
    head_count: int = 4
    feed_forward_size: int = 688
    context: int = 1024  # longest prompt and rewrite together, in tokens
    rope_base: float = 10_000.0
    norm_epsilon: float = 1e-6

    def hugging_face_config(self) -> dict[str, Any]:
        """Write the shape as the config.json of transformers' LlamaForCausalLM."""
        return {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "vocab_size": self.vocabulary_size,
            "hidden_size": self.hidden_size,
            "intermediate_size": self.feed_forward_size,
            "num_hidden_layers": self.layer_count,
            "num_attention_heads": self.head_count,
            "num_key_value_heads": self.head_count,
            "head_dim": self.hidden_size // self.head_count,
            "max_position_embeddings": self.context,
            "rms_norm_eps": self.norm_epsilon,
            "rope_theta": self.rope_base,
            "hidden_act": "silu",
            "attention_bias": False,
            "mlp_bias": False,
            "tie_word_embeddings": True,
            "torch_dtype": "float16",
        }

    def to_json(self) -> dict[str, Any]:
        """Give the fields by name."""
        return asdict(self)


class LanguageModel(nn.Module):
    """Predict the next token."""

    def __init__(self, shape: ModelShape) -> None:
        """Make a model with random weights drawn from torch's global generator."""
        super().__init__()
        self.shape = shape
        self.model = _Decoder(shape)
        for name, parameter in self.named_parameters():
            if parameter.dim() < 2:
                continue
            deviation = _INITIAL_DEVIATION
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                deviation /= math.sqrt(2 * shape.layer_count)
            nn.init.normal_(parameter, std=deviation)

    def hidden(self, ids: Tensor) -> Tensor:
        """Run the decoder. ids: (B, T) int64, padded on the right; returns (B, T, D)."""
        result: Tensor = self.model(ids)
        return result

    def logits(self, hidden: Tensor) -> Tensor:
        """Turn any (…, D) into (…, V) logits."""
        return functional.linear(hidden, self.model.embed_tokens.weight)

    def loss(self, ids: Tensor, is_target: Tensor) -> Tensor:
        """Mean cross entropy, in nats, over the tokens marked in `is_target`: (B, T) bool."""
        wanted = is_target[:, 1:]
        rows = self.hidden(ids[:, :-1])[wanted]
        return functional.cross_entropy(self.logits(rows).float(), ids[:, 1:][wanted])


class _Decoder(nn.Module):
    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocabulary_size, shape.hidden_size)
        self.layers = nn.ModuleList(_Layer(shape) for _ in range(shape.layer_count))
        self.norm = _Norm(shape)
        head_size = shape.hidden_size // shape.head_count
        # Source: Su et al., "RoFormer", arXiv:2104.09864, with Llama's half-split pairing.
        frequency = shape.rope_base ** (-torch.arange(0, head_size, 2).float() / head_size)
        angle = torch.outer(torch.arange(shape.context).float(), frequency)
        angle = torch.cat((angle, angle), dim=1)
        self.register_buffer("cosine", angle.cos(), persistent=False)
        self.register_buffer("sine", angle.sin(), persistent=False)
        self.cosine: Tensor
        self.sine: Tensor

    def forward(self, ids: Tensor) -> Tensor:
        length = ids.shape[1]
        hidden = self.embed_tokens(ids)
        # Padding is on the right, so the causal mask already hides it.
        future = torch.ones(length, length, dtype=torch.bool).triu(1)
        bias = torch.zeros(length, length, dtype=torch.bfloat16).masked_fill(future, -1e4)
        cosine, sine = self.cosine[:length], self.sine[:length]
        if torch.is_autocast_enabled("cpu"):
            cosine, sine = cosine.bfloat16(), sine.bfloat16()
        for layer in self.layers:
            hidden = layer(hidden, cosine, sine, bias)
        result: Tensor = self.norm(hidden)
        return result


class _Layer(nn.Module):
    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.input_layernorm = _Norm(shape)
        self.self_attn = _Attention(shape)
        self.post_attention_layernorm = _Norm(shape)
        self.mlp = _FeedForward(shape)

    def forward(self, hidden: Tensor, cosine: Tensor, sine: Tensor, bias: Tensor) -> Tensor:
        hidden = hidden + self.self_attn(self.input_layernorm(hidden), cosine, sine, bias)
        result: Tensor = hidden + self.mlp(self.post_attention_layernorm(hidden))
        return result


class _Norm(nn.Module):
    """Root-mean-square normalisation."""

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape.hidden_size))
        self.epsilon = shape.norm_epsilon

    def forward(self, hidden: Tensor) -> Tensor:
        scale = torch.rsqrt(hidden.square().mean(-1, keepdim=True) + self.epsilon)
        return hidden * scale * self.weight


class _Attention(nn.Module):
    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        size = shape.hidden_size
        self.head_count = shape.head_count
        self.q_proj = nn.Linear(size, size, bias=False)
        self.k_proj = nn.Linear(size, size, bias=False)
        self.v_proj = nn.Linear(size, size, bias=False)
        self.o_proj = nn.Linear(size, size, bias=False)

    def forward(self, hidden: Tensor, cosine: Tensor, sine: Tensor, bias: Tensor) -> Tensor:
        batch, length, size = hidden.shape
        heads = self.head_count
        weight = torch.cat((self.q_proj.weight, self.k_proj.weight, self.v_proj.weight))
        joint = functional.linear(hidden, weight).view(batch, length, 3 * heads, size // heads)
        # (B, T, 3H, d) -> (B, 3H, T, d)
        joint = joint.transpose(1, 2)
        turned = joint[:, : 2 * heads]
        turned = turned * cosine + _half_turn(turned) * sine
        query, key, value = turned[:, :heads], turned[:, heads:], joint[:, 2 * heads :]
        query = query * (1.0 / math.sqrt(size // heads))
        scores = torch.matmul(query, key.transpose(2, 3)) + bias.to(query.dtype)
        mixed = torch.matmul(_softmax(scores), value)
        result: Tensor = self.o_proj(mixed.transpose(1, 2).reshape(batch, length, size))
        return result


class _FeedForward(nn.Module):
    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.hidden_size, shape.feed_forward_size, bias=False)
        self.up_proj = nn.Linear(shape.hidden_size, shape.feed_forward_size, bias=False)
        self.down_proj = nn.Linear(shape.feed_forward_size, shape.hidden_size, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        result: Tensor = self.down_proj(
            functional.silu(self.gate_proj(hidden)) * self.up_proj(hidden)
        )
        return result


def _half_turn(heads: Tensor) -> Tensor:
    first, second = heads.chunk(2, dim=-1)
    return torch.cat((-second, first), dim=-1)


def _softmax(scores: Tensor) -> Tensor:
    # Autocast would widen the softmax to float32 and double the traffic of the largest tensor.
    with torch.autocast("cpu", enabled=False):
        return scores.softmax(-1)
