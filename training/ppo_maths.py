"""The formulas of PPO on tensors. Pure.

Letters in shapes: B rows, T tokens. `weights` say how many samples a token stands for: 0 on
padding, 2 where two samples were the same text. A mean is over samples' tokens, so a row of weight
2 counts as two rows would. Where a function takes no trace along T, any shape will do.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

# exp(20) is already far beyond every clip; more would only overflow.
_LOG_RATIO_MOST = 20.0
_KL_MOST = 10.0
_EPSILON = 1e-8


@dataclass(frozen=True, slots=True)
class Clip:
    """How far a step may move the policy."""

    low: float = 0.2
    high: float = 0.28  # higher than `low`: rare tokens may rise (DAPO, arXiv:2503.14476)
    dual: float = 3.0  # most times a bad advantage counts (Ye et al., arXiv:1912.09729, eq. 5)


@dataclass(frozen=True, slots=True)
class PolicyLoss:
    """The loss and what one watches it by."""

    loss: Tensor  # () mean over samples' tokens
    clip_share: Tensor  # () share of tokens whose ratio was cut
    kl: Tensor  # () how far the policy has moved from the one that sampled, in nats a token


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Average values by weights; 0 when all weights are 0."""
    return (values * weights).sum() / weights.sum().clamp_min(_EPSILON)


def advantages_and_returns(
    rewards: Tensor, values: Tensor, mask: Tensor, *, discount: float, trace: float
) -> tuple[Tensor, Tensor]:
    """Estimate how much better each token was than the critic expected, and what it should expect.

    rewards, values, mask: (B, T); mask is 1 on tokens, 0 on the padding to their right. A text ends
    with its last token: nothing is expected after it. Returns two (B, T), zero on padding; the
    second is the critic's target, advantage plus value.
    Source: Schulman et al., "Generalized Advantage Estimation", arXiv:1506.02438, eq. 16.
    """
    advantages = torch.zeros_like(values)
    following_advantage = torch.zeros_like(values[:, 0])
    following_value = torch.zeros_like(values[:, 0])
    for t in reversed(range(values.shape[1])):
        delta = rewards[:, t] + discount * following_value - values[:, t]
        following_advantage = (delta + discount * trace * following_advantage) * mask[:, t]
        following_value = values[:, t] * mask[:, t]
        advantages[:, t] = following_advantage
    return advantages, (advantages + values) * mask


def whiten(values: Tensor, weights: Tensor) -> Tensor:
    """Shift and scale to mean 0 and variance 1 under the weights; zero where the weight is zero."""
    centred = values - weighted_mean(values, weights)
    deviation = weighted_mean(centred.square(), weights).sqrt()
    return centred / (deviation + _EPSILON) * (weights > 0)


def policy_loss(
    log_probabilities: Tensor,
    old_log_probabilities: Tensor,
    advantages: Tensor,
    weights: Tensor,
    *,
    clip: Clip,
) -> PolicyLoss:
    """The clipped surrogate with its upper bound for bad advantages.

    Source: Schulman et al., arXiv:1707.06347, eq. 7; dual clip: Ye et al., arXiv:1912.09729, eq. 5;
    the KL estimate is k3 of http://joschu.net/blog/kl-approx.html.
    """
    log_ratio = (log_probabilities - old_log_probabilities).clamp(-_LOG_RATIO_MOST, _LOG_RATIO_MOST)
    ratio = log_ratio.exp()
    plain = -advantages * ratio
    clipped = -advantages * ratio.clamp(1.0 - clip.low, 1.0 + clip.high)
    worse = torch.maximum(plain, clipped)
    bounded = torch.where(advantages < 0, torch.minimum(worse, -advantages * clip.dual), worse)
    with torch.no_grad():
        is_cut = (bounded != plain).to(weights.dtype)
        clip_share = weighted_mean(is_cut, weights)
        kl = weighted_mean(ratio - 1.0 - log_ratio, weights)
    return PolicyLoss(weighted_mean(bounded, weights), clip_share, kl)


def value_loss(
    values: Tensor, old_values: Tensor, returns: Tensor, weights: Tensor, *, clip: float
) -> Tensor:
    """Half the squared error, with the step of the prediction clipped; () mean over tokens.

    Source: Schulman et al.'s own implementation, baselines/ppo2/model.py; see
    https://iclr-blog-track.github.io/2022/03/25/ppo-implementation-details, detail 9.
    """
    near = old_values + (values - old_values).clamp(-clip, clip)
    worse = torch.maximum((values - returns).square(), (near - returns).square())
    return 0.5 * weighted_mean(worse, weights)


def kl_to_reference(
    log_probabilities: Tensor, reference_log_probabilities: Tensor, weights: Tensor
) -> Tensor:
    """Estimate KL(policy || reference) in nats a token from the policy's own samples; () >= 0.

    Capped at 10 a token: a token that an update has made improbable is no sample of the new policy
    any more, and the estimate, e to the power of the difference, would drown everything else.
    Source: k3 of http://joschu.net/blog/kl-approx.html; the cap is verl's.
    """
    log_ratio = (reference_log_probabilities - log_probabilities).clamp(
        -_LOG_RATIO_MOST, _LOG_RATIO_MOST
    )
    return weighted_mean((log_ratio.exp() - 1.0 - log_ratio).clamp_max(_KL_MOST), weights)


def entropy(log_distribution: Tensor) -> Tensor:
    """Entropy in nats of (…, V) log-probabilities, very negative where a token is forbidden."""
    return -(log_distribution.exp() * log_distribution).sum(-1)


def entropy_shortfall(entropies: Tensor, weights: Tensor, *, floor: float) -> Tensor:
    """How much the mean entropy lacks to the floor, in nats; () 0 when it is above.

    A bonus only below a floor: a constant one would pull against a policy that has learnt.
    """
    return (floor - weighted_mean(entropies, weights)).clamp_min(0.0)


def explained_variance(values: Tensor, returns: Tensor, weights: Tensor) -> float:
    """The share of the returns' variance that the values explain: 1 all, 0 none, < 0 harm.

    nan when the returns do not vary.
    """
    centred = returns - weighted_mean(returns, weights)
    variance = weighted_mean(centred.square(), weights)
    if variance.item() < _EPSILON:
        return float("nan")
    errors = returns - values
    error_variance = weighted_mean((errors - weighted_mean(errors, weights)).square(), weights)
    return 1.0 - (error_variance / variance).item()


def masked_log_softmax(logits: Tensor, forbidden: Tensor) -> Tensor:
    """Log-probabilities over the tokens that may be written; (…, V) float32.

    forbidden: (V,) bool. The sampler masks the same tokens.
    """
    return logits.float().masked_fill(forbidden, -1e9).log_softmax(-1)
