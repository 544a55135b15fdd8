"""The bench's arithmetic, on timings written out here."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from llmcc.ctl.bench_build import A_A, BASELINE
from llmcc.ctl.bench_kernels import Kernel
from llmcc.ctl.bench_report import print_summary, summarize, to_json
from llmcc.ctl.bench_time import KernelTimes

VARIANTS = (BASELINE, A_A, "fast")


def _kernel(name: str) -> Kernel:
    return Kernel(name, "count", "u8", "a", "0..1", k=0, hit="", edges="yes")


def _times(name: str, *, baseline_ns: float, fast_ns: float) -> KernelTimes:
    ns = np.empty((4, 6, 3))
    ns[:, :, :2] = baseline_ns
    ns[:, :, 2] = fast_ns
    return KernelTimes(_kernel(name), ns)


def test_geomean_is_over_all_kernels() -> None:
    times = [
        _times("four_times", baseline_ns=400, fast_ns=100),
        _times("as_before", baseline_ns=50, fast_ns=50),
    ]
    summary = summarize(times, VARIANTS, seed=1)
    assert summary.geomeans[2].ratio == pytest.approx(2.0)
    assert summary.geomeans[1].ratio == pytest.approx(1.0)
    assert summary.speedups[0][2].ratio == pytest.approx(4.0)


def test_one_outlier_round_does_not_move_a_kernel() -> None:
    times = _times("k", baseline_ns=100, fast_ns=100)
    times.ns[0, 0, 2] = 1e6
    assert summarize([times], VARIANTS, seed=1).speedups[0][2].ratio == pytest.approx(1.0)


def test_interval_holds_the_scatter_of_placements() -> None:
    times = _times("k", baseline_ns=100, fast_ns=100)
    times.ns[:, :, 2] = np.array([50.0, 100.0, 100.0, 200.0])[:, None]
    estimate = summarize([times], VARIANTS, seed=1).geomeans[2]
    assert estimate.low < 0.8 < 1.25 < estimate.high


def test_drift_that_hits_both_sides_alike_cancels() -> None:
    times = _times("k", baseline_ns=200, fast_ns=100)
    times.ns[:] *= np.linspace(1, 3, 6)[None, :, None]
    assert summarize([times], VARIANTS, seed=1).speedups[0][2].ratio == pytest.approx(2.0)


def test_table_and_json_say_the_same() -> None:
    summary = summarize([_times("k", baseline_ns=400, fast_ns=100)], VARIANTS, seed=1)
    page = io.StringIO()
    print_summary(summary, Console(file=page, width=100))
    record = to_json(summary, None, [], settings={"n": 3000}, machine={"cpu": "a CPU"})
    assert "4.000" in page.getvalue()
    assert record["geomean"]["fast"]["ratio"] == pytest.approx(4.0)
    assert record["kernels"][0]["median_ns"] == {BASELINE: 400.0, A_A: 400.0, "fast": 100.0}
    assert record["machine"] == {"cpu": "a CPU"}
