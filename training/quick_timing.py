"""Time a rewrite against gcc's loop in some 50 ms, with an interval: for rewards, not for binaries.

Works like `llmcc.measure`, with few placements and no early stop. Does not cover: the chance to be
accepted wrongly, which a bootstrap over twelve placements only bounds roughly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llmcc.measure.machine import timing_lock
from llmcc.measure.model import DECIDING_NAMES
from llmcc.measure.paired import Paired, mean_log_ratios, pair, ratio_interval
from llmcc.sandbox.model import Blob
from llmcc.sandbox.runner import Sandbox
from llmcc.states.model import Bucket

_PLACEMENTS = 12
_ROUNDS = 5
_BLOCK_NS = 12_000.0
_RUNS_MOST = 1024
_PILOT_RUNS = 8
_SHORT_PLACEMENTS = 12
# As in llmcc.decide, but "tiny" runs are so short that few placements tell little.
_LEAST_SHORT_LOG_RATIO = math.log(0.97)
_TINY_LOSS_MOST_NS = 2.0
_LEAST_LOW_RATIO = 1.02


@dataclass(frozen=True, slots=True)
class QuickTiming:
    """What a short look at a rewrite's speed says; ratios over 1 mean that it is faster."""

    ratio: float  # median over placements, mean over the deciding buckets
    low_ratio: float  # 95 % bootstrap interval over placements
    high_ratio: float
    slower_bucket: str | None  # a range of trip counts it is slower for; looked at when faster

    @property
    def is_faster(self) -> bool:
        """Whether the interval lies over 1.02, llmcc's own threshold."""
        return self.low_ratio > _LEAST_LOW_RATIO


class QuickTimer:
    """Times rewrites of one region; remembers how long gcc's loop takes."""

    def __init__(
        self, baseline: Blob, buckets: Sequence[Bucket], *, sandbox: Sandbox, seed: int
    ) -> None:
        deciding = [b for b in buckets if b.name in DECIDING_NAMES]
        self._deciding = deciding or list(buckets)
        self._others = [b for b in buckets if b not in self._deciding]
        self._baseline = baseline
        self._sandbox = sandbox
        self._seed = seed
        self._runs: dict[str, int] = {}

    def time(self, rewrite: Blob) -> QuickTiming:
        """Time one rewrite, as the only llmcc on this machine that times.

        Raises:
            TimingBusy: another process kept the machine's lock for a minute.
            TimedRunFailed: the rewrite, or gcc's loop, did not come to its exit.
            SandboxDied: the runner was lost.
        """
        with timing_lock():
            means = mean_log_ratios(
                [self._pairs(bucket, rewrite, _PLACEMENTS) for bucket in self._deciding]
            )
            low, high = ratio_interval(means, statistic="median", seed=self._seed)
            ratio = float(np.exp(np.median(means)))
            timing = QuickTiming(ratio, low, high, None)
            if not timing.is_faster:
                return timing
            return QuickTiming(ratio, low, high, self._slower_bucket(rewrite))

    def _slower_bucket(self, rewrite: Blob) -> str | None:
        for bucket in self._others:
            paired = self._pairs(bucket, rewrite, _SHORT_PLACEMENTS)
            if _is_slower(bucket.name, paired):
                return bucket.name
        return None

    def _pairs(self, bucket: Bucket, rewrite: Blob, placements: int) -> Paired:
        if bucket.name not in self._runs:
            pilot = self._sandbox.time(
                self._baseline,
                self._baseline,
                bucket.states,
                placements=1,
                rounds=3,
                runs_per_block=_PILOT_RUNS,
                seed=self._seed,
            )
            run_ns = float(np.median(pilot.ticks)) / pilot.ticks_per_ns / _PILOT_RUNS
            self._runs[bucket.name] = int(np.clip(_BLOCK_NS / max(run_ns, 1e-3), 2, _RUNS_MOST))
        return pair(
            self._sandbox.time(
                self._baseline,
                rewrite,
                bucket.states,
                placements=placements,
                rounds=_ROUNDS,
                runs_per_block=self._runs[bucket.name],
                seed=self._seed,
            )
        )


def _is_slower(name: str, paired: Paired) -> bool:
    if name == "tiny":
        return float(np.median(paired.loss_ns)) > _TINY_LOSS_MOST_NS
    return float(np.median(paired.log_ratios)) < _LEAST_SHORT_LOG_RATIO
