"""A quick look whether a rewrite is faster at all, for the corpus; no decision is made by it.

Does not cover: short trip counts and small gains. `llmcc.measure` decides what goes into a binary.
"""

from __future__ import annotations

import numpy as np

from llmcc.outcome import Refusal
from llmcc.regions.model import Region
from llmcc.sandbox.model import Blob
from llmcc.sandbox.runner import Sandbox, TimedRunFailed
from llmcc.states.blob import baseline_blob
from llmcc.states.buckets import timing_buckets

_PLACEMENTS = 4
_ROUNDS = 7
_RUNS_PER_BLOCK = 16
_LEAST_RATIO = 1.05


class QuickTimer:
    """Times rewrites of one region at its largest trip counts."""

    def __init__(self, region: Region, *, sandbox: Sandbox, seed: int) -> None:
        self._sandbox = sandbox
        self._seed = seed
        self._baseline = baseline_blob(region)
        buckets = timing_buckets(region, seed=seed, sandbox=sandbox)
        self._bucket = None if isinstance(buckets, Refusal) or not buckets else buckets[-1]

    def is_faster(self, rewrite: Blob) -> bool:
        """Whether the median pair of blocks shows 1.05x; False where it cannot be timed."""
        if self._bucket is None:
            return False
        try:
            timed = self._sandbox.time(
                self._baseline,
                rewrite,
                self._bucket.states,
                placements=_PLACEMENTS,
                rounds=_ROUNDS,
                runs_per_block=_RUNS_PER_BLOCK,
                seed=self._seed,
            )
        except TimedRunFailed:
            return False
        ratios = np.median(timed.ticks[..., 0] / timed.ticks[..., 1], axis=1)
        return bool(np.median(ratios) >= _LEAST_RATIO)
