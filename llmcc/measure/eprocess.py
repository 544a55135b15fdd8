"""Is a rewrite faster than 1 + theta? A betting test on signs that may stop at any time. Pure.

Each code placement gives x = median over rounds of log(baseline ticks / rewrite ticks). Under the
null, "x exceeds log(1+theta) at no more than half of all placements", each E_l = prod(1 + l*s) with
s = +1 or -1 is a supermartingale from 1, so by Ville's inequality their mean ever reaches 1/alpha
with probability alpha at most, however often one looks (Ramdas et al., arXiv:2210.01948).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

THETA = 0.02
ALPHA = 0.005
PLACEMENTS_MOST = 48

_BETS = (0.3, 0.6, 0.9)
_PLACEMENTS_LEAST = 8
_FUTILE_E_VALUE = 0.02
# Not more than one placement in five may be over 2 % slower.
_LOW_QUANTILE = 0.2
_LOW_LOG_RATIO = math.log(0.98)


class Verdict(Enum):
    """Where the test stands."""

    ACCEPT = "accept"
    REJECT = "reject"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The test's state at its stop, or at the last placement given."""

    verdict: Verdict
    e_value: float
    placements: int  # how many were looked at


def judge(
    log_ratios: Sequence[float],
    *,
    theta: float = THETA,
    alpha: float = ALPHA,
    placements_most: int = PLACEMENTS_MOST,
) -> Judgement:
    """Look at placements in order until one decides.

    Args:
        log_ratios: x of each placement, in the order they were drawn.
        theta: speed-up to exceed, 0.02 for 2 %.
        alpha: probability to accept what is not faster than theta.
        placements_most: reject when as many did not decide.
    """
    wealth = [1.0] * len(_BETS)
    e_value = 1.0
    threshold = math.log1p(theta)
    for count, x in enumerate(log_ratios, start=1):
        sign = 1.0 if x > threshold else -1.0
        wealth = [owned * (1.0 + bet * sign) for owned, bet in zip(wealth, _BETS, strict=True)]
        e_value = sum(wealth) / len(wealth)
        if (
            e_value >= 1.0 / alpha
            and count >= _PLACEMENTS_LEAST
            and _is_plausible(log_ratios[:count], threshold)
        ):
            return Judgement(Verdict.ACCEPT, e_value, count)
        if e_value < _FUTILE_E_VALUE or count >= placements_most:
            return Judgement(Verdict.REJECT, e_value, count)
    return Judgement(Verdict.CONTINUE, e_value, len(log_ratios))


def _is_plausible(log_ratios: Sequence[float], threshold: float) -> bool:
    """The guards beside the bet: the mean is over the threshold too, and few places lose."""
    values = np.asarray(log_ratios)
    return bool(values.mean() > threshold and np.quantile(values, _LOW_QUANTILE) > _LOW_LOG_RATIO)
