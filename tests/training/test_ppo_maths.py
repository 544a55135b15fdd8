"""PPO's formulas against numbers worked out by hand and against finite differences."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from llmcc.training import ppo_maths
from llmcc.training.ppo_maths import Clip

pytestmark = pytest.mark.train
CLIP = Clip(low=0.2, high=0.28, dual=3.0)


def slope(function: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    """The gradient by central differences; float64."""
    result = torch.zeros_like(at)
    for n in range(at.numel()):
        step = torch.zeros_like(at)
        step.view(-1)[n] = 1e-6
        result.view(-1)[n] = (function(at + step) - function(at - step)) / 2e-6
    return result


def test_with_no_discount_and_a_full_trace_an_advantage_is_the_reward_less_the_value() -> None:
    rewards = torch.tensor([[0.0, 0.0, 2.0], [0.0, 1.0, 0.0]])
    values = torch.tensor([[0.5, 1.0, 1.5], [0.25, 0.75, 9.0]])
    mask = torch.tensor([[1.0, 1.0, 1.0], [1.0, 1.0, 0.0]])
    advantages, returns = ppo_maths.advantages_and_returns(
        rewards, values, mask, discount=1.0, trace=1.0
    )
    assert advantages.tolist() == [[1.5, 1.0, 0.5], [0.75, 0.25, 0.0]]
    assert returns.tolist() == [[2.0, 2.0, 2.0], [1.0, 1.0, 0.0]]


def test_discount_and_trace_shrink_what_comes_later() -> None:
    rewards, values = torch.tensor([[0.0, 1.0]]), torch.tensor([[0.4, 0.6]])
    advantages, returns = ppo_maths.advantages_and_returns(
        rewards, values, torch.ones(1, 2), discount=0.9, trace=0.5
    )
    # last: 1 - 0.6 = 0.4; first: 0.9 * 0.6 - 0.4 + 0.9 * 0.5 * 0.4 = 0.32
    assert advantages.tolist()[0] == pytest.approx([0.32, 0.4])
    assert returns.tolist()[0] == pytest.approx([0.72, 1.0])


def test_padding_changes_no_advantage() -> None:
    torch.manual_seed(0)
    rewards, values = torch.randn(1, 4), torch.randn(1, 4)
    short, _ = ppo_maths.advantages_and_returns(
        rewards, values, torch.ones(1, 4), discount=0.95, trace=0.9
    )
    wide = [torch.cat((x, torch.full((1, 3), 7.0)), dim=1) for x in (rewards, values)]
    mask = torch.tensor([[1.0] * 4 + [0.0] * 3])
    padded, returns = ppo_maths.advantages_and_returns(*wide, mask, discount=0.95, trace=0.9)
    assert torch.allclose(padded[:, :4], short)
    assert not padded[:, 4:].any()
    assert not returns[:, 4:].any()


def test_whitened_values_have_mean_zero_and_variance_one_under_their_weights() -> None:
    values, weights = torch.tensor([1.0, 3.0, 100.0]), torch.tensor([1.0, 3.0, 0.0])
    # mean 2.5, variance 0.75
    expected = [-1.5 / math.sqrt(0.75), 0.5 / math.sqrt(0.75), 0.0]
    assert ppo_maths.whiten(values, weights).tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss", "is_cut"),
    [
        (1.0, 2.0, -2.0, 0.0),
        (1.5, 1.0, -1.28, 1.0),  # a good token has risen enough
        (0.5, 1.0, -0.5, 0.0),  # a good token that fell may rise
        (0.5, -1.0, 0.8, 1.0),  # a bad token has fallen enough
        (2.0, -1.0, 2.0, 0.0),  # a bad token that rose must fall
        (5.0, -1.0, 3.0, 1.0),  # but not with more than dual times its advantage
    ],
)
def test_the_surrogate_is_clipped_on_its_better_side_only(
    ratio: float, advantage: float, loss: float, is_cut: float
) -> None:
    found = ppo_maths.policy_loss(
        torch.tensor([math.log(ratio)]),
        torch.zeros(1),
        torch.tensor([advantage]),
        torch.ones(1),
        clip=CLIP,
    )
    assert found.loss.item() == pytest.approx(loss, rel=1e-5)
    assert found.clip_share.item() == is_cut
    assert found.kl.item() == pytest.approx(ratio - 1 - math.log(ratio), abs=1e-6)


def test_the_gradient_of_the_policy_loss_is_its_slope() -> None:
    torch.manual_seed(1)
    old = torch.randn(12, dtype=torch.float64)
    now = (old + 0.3 * torch.randn(12, dtype=torch.float64)).requires_grad_()
    advantages = torch.randn(12, dtype=torch.float64)
    weights = torch.randint(0, 3, (12,)).double()

    def loss(at: Tensor) -> Tensor:
        return ppo_maths.policy_loss(at, old, advantages, weights, clip=CLIP).loss

    loss(now).backward()
    assert now.grad is not None
    assert torch.allclose(now.grad, slope(loss, now.detach()), atol=1e-7)


def test_a_weight_of_two_counts_like_two_rows() -> None:
    now, old = torch.tensor([0.1, -0.2]), torch.tensor([0.0, 0.0])
    advantages = torch.tensor([1.0, -1.0])
    weighted = ppo_maths.policy_loss(now, old, advantages, torch.tensor([2.0, 1.0]), clip=CLIP)
    rows = torch.tensor([0, 0, 1])
    repeated = ppo_maths.policy_loss(
        now[rows], old[rows], advantages[rows], torch.ones(3), clip=CLIP
    )
    assert weighted.loss.item() == pytest.approx(repeated.loss.item())


def test_the_value_loss_takes_the_worse_of_the_clipped_and_the_plain_error() -> None:
    # plain error 0 but the step is clipped to 0.5: (0.5 - 2)^2 / 2
    loss = ppo_maths.value_loss(
        torch.tensor([2.0]), torch.tensor([0.0]), torch.tensor([2.0]), torch.ones(1), clip=0.5
    )
    assert loss.item() == pytest.approx(1.125)
    near = ppo_maths.value_loss(
        torch.tensor([0.3]), torch.tensor([0.0]), torch.tensor([2.0]), torch.ones(1), clip=0.5
    )
    assert near.item() == pytest.approx(0.5 * 1.7**2)


def test_the_kl_estimate_is_zero_for_equal_models_and_right_on_average() -> None:
    torch.manual_seed(2)
    policy = torch.tensor([0.7, 0.2, 0.1])
    reference = torch.tensor([0.5, 0.3, 0.2])
    drawn = torch.multinomial(policy, 200_000, replacement=True)
    weights = torch.ones(len(drawn))
    same = ppo_maths.kl_to_reference(policy.log()[drawn], policy.log()[drawn], weights)
    assert same.item() == 0.0
    found = ppo_maths.kl_to_reference(policy.log()[drawn], reference.log()[drawn], weights)
    exact = (policy * (policy / reference).log()).sum()
    assert found.item() == pytest.approx(exact.item(), rel=0.02)


def test_one_lost_token_does_not_drown_the_kl_estimate() -> None:
    lost = ppo_maths.kl_to_reference(torch.tensor([-15.0]), torch.tensor([0.0]), torch.ones(1))
    assert lost.item() == 10.0


def test_the_entropy_of_equal_chances_is_the_logarithm_of_their_number() -> None:
    forbidden = torch.tensor([False, False, True, False, False])
    distribution = ppo_maths.masked_log_softmax(torch.zeros(2, 5), forbidden)
    assert ppo_maths.entropy(distribution).tolist() == pytest.approx([math.log(4)] * 2)
    assert distribution.exp()[:, 2].tolist() == [0.0, 0.0]


def test_entropy_is_paid_for_only_below_the_floor() -> None:
    weights = torch.ones(2)
    low = ppo_maths.entropy_shortfall(torch.tensor([0.1, 0.3]), weights, floor=0.5)
    high = ppo_maths.entropy_shortfall(torch.tensor([0.9, 0.3]), weights, floor=0.5)
    assert low.item() == pytest.approx(0.3)
    assert high.item() == 0.0


def test_explained_variance_is_one_for_the_truth_and_zero_for_a_constant() -> None:
    returns, weights = torch.tensor([1.0, 2.0, 4.0]), torch.ones(3)
    assert ppo_maths.explained_variance(returns, returns, weights) == pytest.approx(1.0)
    constant = torch.full((3,), 7.0)
    assert ppo_maths.explained_variance(constant, returns, weights) == pytest.approx(0.0, abs=1e-5)
    assert ppo_maths.explained_variance(-returns, returns, weights) == pytest.approx(-3.0)
    assert math.isnan(ppo_maths.explained_variance(returns, constant, weights))
