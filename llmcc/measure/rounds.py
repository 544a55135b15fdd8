"""Time a rewrite against gcc's loop: screen, confirm, and look at the short trip counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from llmcc.measure.eprocess import ALPHA, Verdict, judge
from llmcc.measure.machine import Machine, TimingBusy, known_machine, timing_lock
from llmcc.measure.model import DECIDING_NAMES, BucketTiming, Measured
from llmcc.measure.paired import Paired, join, mean_log_ratios, pair, ratio_interval
from llmcc.outcome import Outcome, Refusal
from llmcc.sandbox.model import STUCK, Blob, States, TimedRuns
from llmcc.sandbox.runner import Sandbox, TimedRunFailed
from llmcc.states.model import Bucket

_BLOCK_NS = 25_000.0
_RUNS_MOST = 4096
_PILOT_RUNS = 8
_SCREEN_PLACEMENTS = 6
_SCREEN_ROUNDS = 15
_SCREEN_LOG_RATIO = math.log(1.02)
# With every placement a win, the e-process accepts at the tenth.
_CONFIRM_STEP = 12
_CONFIRM_ROUNDS = 25
_GUARD_STEP = 24
_GUARD_PLACEMENTS_MOST = 48
_GUARD_ROUNDS = 11
# Short runs differ by tens of per cent between places: doubt below this buys more places.
_GUARD_DOUBT_LOG_RATIO = math.log(0.97)
_POOL_LEAST = 256


class _Timer:
    """Times of one pair of blobs in any bucket; remembers how many runs fill a block."""

    def __init__(
        self, sandbox: Sandbox, baseline: Blob, rewrite: Blob, random: np.random.Generator
    ) -> None:
        self._sandbox = sandbox
        self._blobs = (baseline, rewrite)
        self._random = random
        self._runs: dict[str, int] = {}

    def time(self, bucket: Bucket, *, placements: int, rounds: int) -> Paired:
        if bucket.name not in self._runs:
            pilot = self._call(bucket.states, placements=1, rounds=5, runs=_PILOT_RUNS)
            run_ns = float(np.median(pilot.ticks)) / pilot.ticks_per_ns / _PILOT_RUNS
            self._runs[bucket.name] = int(np.clip(_BLOCK_NS / max(run_ns, 1e-3), 1, _RUNS_MOST))
        runs = self._runs[bucket.name]
        return pair(self._call(bucket.states, placements=placements, rounds=rounds, runs=runs))

    def _call(self, states: States, *, placements: int, rounds: int, runs: int) -> TimedRuns:
        return self._sandbox.time(
            *self._blobs,
            states,
            placements=placements,
            rounds=rounds,
            runs_per_block=runs,
            seed=int(self._random.integers(1 << 62)),
        )


def measure(
    region_baseline: Blob,
    rewrite: Blob,
    buckets: Sequence[Bucket],
    *,
    sandbox: Sandbox,
    seed: int,
    machine: Machine | None = None,
    alpha: float = ALPHA,
) -> Measured | Refusal:
    """Time gcc's loop against guard and fast path, in well under a second.

    The screen throws out what is plainly not faster; the confirmation starts from nothing, at new
    placements and, when a pool holds at least 512 inputs, on the half the screen did not see. The
    buckets "medium" and "large" decide (all but "tiny", when there is neither); the others are
    timed at 24 placements, or 48 when in doubt. Waits for other llmcc processes that time.

    Args:
        region_baseline: gcc's loop.
        rewrite: fast path with gcc's loop behind it.
        buckets: with different names; every input must come to an exit in both.
        sandbox: shown to hold.
        seed: of places, orders and bootstraps.
        machine: what calibration said; found in the cache or calibrated (0.5 s) when None.
        alpha: probability to accept what is not faster, divided by the caller among rewrites.

    Returns a refusal TIMED_OUT or CRASHED when a blob did not come to its exit, MACHINE_TOO_NOISY
    when calibration failed or another process held the lock for a minute.

    Raises:
        SandboxDied: the runner was lost.
    """
    try:
        with timing_lock():
            known = machine or known_machine(sandbox)
            if isinstance(known, Refusal):
                return known
            return _measure(region_baseline, rewrite, buckets, sandbox, seed, known, alpha)
    except TimingBusy as busy:
        return Refusal(Outcome.MACHINE_TOO_NOISY, str(busy))
    except TimedRunFailed as failed:
        outcome = Outcome.TIMED_OUT if failed.end == STUCK else Outcome.CRASHED
        return Refusal(outcome, f"while timed: {failed}")


def _measure(
    baseline: Blob,
    rewrite: Blob,
    buckets: Sequence[Bucket],
    sandbox: Sandbox,
    seed: int,
    machine: Machine,
    alpha: float,
) -> Measured:
    random = np.random.default_rng(seed)
    timer = _Timer(sandbox, baseline, rewrite, random)
    deciding = _deciding(buckets)
    screened = [
        timer.time(_half(bucket, 0), placements=_SCREEN_PLACEMENTS, rounds=_SCREEN_ROUNDS)
        for bucket in deciding
    ]
    if np.median(mean_log_ratios(screened)) < _SCREEN_LOG_RATIO:
        return Measured(
            buckets=tuple(
                _bucket_timing(*both, seed) for both in zip(deciding, screened, strict=True)
            ),
            verdict=Verdict.REJECT,
            e_value=0.0,
            low_ratio=ratio_interval(mean_log_ratios(screened), statistic="mean", seed=seed)[0],
            theta=machine.theta,
            seed=seed,
        )
    confirmed: list[Paired] = []
    while True:
        step = [
            timer.time(_half(bucket, 1), placements=_CONFIRM_STEP, rounds=_CONFIRM_ROUNDS)
            for bucket in deciding
        ]
        confirmed = list(map(join, confirmed, step)) if confirmed else step
        means = mean_log_ratios(confirmed)
        found = judge(means.tolist(), theta=machine.theta, alpha=alpha)
        if found.verdict is not Verdict.CONTINUE:
            break
    timings = {
        bucket.name: _bucket_timing(bucket, paired, seed)
        for bucket, paired in zip(deciding, confirmed, strict=True)
    }
    for bucket in buckets:
        if bucket.name not in timings:
            timings[bucket.name] = _bucket_timing(bucket, _guard(timer, bucket), seed)
    return Measured(
        buckets=tuple(timings[bucket.name] for bucket in buckets),
        verdict=found.verdict,
        e_value=found.e_value,
        low_ratio=ratio_interval(means, statistic="mean", seed=seed)[0],
        theta=machine.theta,
        seed=seed,
    )


def _guard(timer: _Timer, bucket: Bucket) -> Paired:
    paired = timer.time(bucket, placements=_GUARD_STEP, rounds=_GUARD_ROUNDS)
    while (
        np.mean(paired.log_ratios) < _GUARD_DOUBT_LOG_RATIO
        and len(paired.log_ratios) < _GUARD_PLACEMENTS_MOST
    ):
        paired = join(paired, timer.time(bucket, placements=_GUARD_STEP, rounds=_GUARD_ROUNDS))
    return paired


def _deciding(buckets: Sequence[Bucket]) -> list[Bucket]:
    named = [bucket for bucket in buckets if bucket.name in DECIDING_NAMES]
    return named or [bucket for bucket in buckets if bucket.name != "tiny"] or list(buckets)


def _half(bucket: Bucket, which: int) -> Bucket:
    """Half of the pool's inputs, or all of them when a half would be too few to rotate."""
    if len(bucket.states) < 2 * _POOL_LEAST:
        return bucket
    part = slice(which, None, 2)
    states = bucket.states
    chosen = replace(
        states,
        gpr=states.gpr[part],
        vector=states.vector[part],
        mask=states.mask[part],
        rflags=states.rflags[part],
        mxcsr=states.mxcsr[part],
    )
    return Bucket(bucket.name, chosen)


def _bucket_timing(bucket: Bucket, paired: Paired, seed: int) -> BucketTiming:
    low, high = ratio_interval(paired.log_ratios, statistic="median", seed=seed)
    return BucketTiming(
        name=bucket.name,
        speedup_ratio=float(np.exp(np.median(paired.log_ratios))),
        low_ratio=low,
        high_ratio=high,
        geomean_ratio=float(np.exp(np.mean(paired.log_ratios))),
        baseline_ns=float(np.median(paired.baseline_ns)),
        rewrite_ns=float(np.median(paired.rewrite_ns)),
        loss_ns=float(np.median(paired.loss_ns)),
        placements=len(paired.log_ratios),
    )
