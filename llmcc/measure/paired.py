"""From ticks to statistics: one number a placement, then intervals over placements. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from llmcc.sandbox.model import TimedRuns

_BOOTSTRAPS = 1000


@dataclass(frozen=True, slots=True)
class Paired:
    """What each placement of a bucket says; every array is (placements,)."""

    log_ratios: NDArray[np.float64]  # median over rounds of log(baseline / rewrite)
    baseline_ns: NDArray[np.float64]  # median over rounds, of one run
    rewrite_ns: NDArray[np.float64]
    loss_ns: NDArray[np.float64]  # median over rounds of rewrite minus baseline, of one run


def pair(timed: TimedRuns) -> Paired:
    """Reduce the rounds of each placement; medians, since a round that was disturbed is far off."""
    run_ns = timed.ticks / (timed.ticks_per_ns * timed.runs_per_block)
    baseline, rewrite = run_ns[..., 0], run_ns[..., 1]
    return Paired(
        log_ratios=np.median(np.log(baseline / rewrite), axis=1),
        baseline_ns=np.median(baseline, axis=1),
        rewrite_ns=np.median(rewrite, axis=1),
        loss_ns=np.median(rewrite - baseline, axis=1),
    )


def join(former: Paired, latter: Paired) -> Paired:
    """Put further placements behind those there are."""
    names = [field.name for field in fields(Paired)]
    return Paired(
        **{name: np.concatenate([getattr(former, name), getattr(latter, name)]) for name in names}
    )


def mean_log_ratios(buckets: Sequence[Paired]) -> NDArray[np.float64]:
    """One x a placement: the mean over buckets with equally many placements."""
    stacked = np.stack([bucket.log_ratios for bucket in buckets])
    means: NDArray[np.float64] = stacked.mean(axis=0)
    return means


def ratio_interval(
    log_ratios: NDArray[np.float64], *, statistic: Literal["mean", "median"], seed: int
) -> tuple[float, float]:
    """The 95 % bootstrap interval, over placements, of exp(mean or median)."""
    random = np.random.default_rng(seed)
    drawn = random.choice(log_ratios, (_BOOTSTRAPS, len(log_ratios)))
    values = np.mean(drawn, axis=1) if statistic == "mean" else np.median(drawn, axis=1)
    low, high = np.exp(np.quantile(values, (0.025, 0.975)))
    return float(low), float(high)
