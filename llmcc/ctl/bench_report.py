"""What the bench says: statistics of the timings, a table, JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from llmcc.ctl.bench_build import A_A, BASELINE, Variant
from llmcc.ctl.bench_check import CheckReport
from llmcc.ctl.bench_time import KernelTimes

_RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A speed-up ratio over the baseline (> 1 is faster) with its 95 % interval."""

    ratio: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Summary:
    """All figures of a run. Columns follow the order of `variants`, rows that of `kernels`."""

    kernels: tuple[str, ...]
    families: tuple[str, ...]
    variants: tuple[str, ...]
    median_ns: NDArray[np.float64]  # (kernels, variants): per call
    speedups: tuple[tuple[Estimate, ...], ...]  # per kernel, per variant
    geomeans: tuple[Estimate, ...]  # per variant; interval of the measurement
    geomeans_of_kernels: tuple[Estimate, ...]  # per variant; interval over another draw of kernels
    by_family: Mapping[str, tuple[float, ...]]  # family -> geomean per variant


def summarize(times: Sequence[KernelTimes], variants: Sequence[str], *, seed: int) -> Summary:
    """Turn timings into speed-ups over the first variant.

    A kernel's speed-up at one placement is the median over rounds of the ratio of two
    measurements of the same round; over placements the geometric mean is taken. Intervals are
    percentile bootstraps (Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, section
    13.3) over placements, and for `geomeans_of_kernels` over kernels as well.
    """
    rng = np.random.default_rng(seed)
    # (kernels, placements, variants)
    logs = np.stack([np.log(np.median(t.ns[:, :, :1] / t.ns, axis=1)) for t in times])
    kernel_count, places, _ = logs.shape
    drawn = rng.integers(places, size=(_RESAMPLES, kernel_count, places))
    # (resamples, kernels, variants)
    resampled = np.stack([logs[np.arange(kernel_count)[:, None], d].mean(axis=1) for d in drawn])
    chosen = rng.integers(kernel_count, size=(_RESAMPLES, kernel_count))
    redrawn = resampled[np.arange(_RESAMPLES)[:, None], chosen].mean(axis=1)
    means = logs.mean(axis=1)
    columns = range(len(variants))
    families = tuple(t.kernel.family for t in times)
    return Summary(
        kernels=tuple(t.kernel.name for t in times),
        families=families,
        variants=tuple(variants),
        median_ns=np.stack([np.median(t.ns, axis=(0, 1)) for t in times]),
        speedups=tuple(
            tuple(_estimate(means[row, column], resampled[:, row, column]) for column in columns)
            for row in range(kernel_count)
        ),
        geomeans=tuple(
            _estimate(means[:, c].mean(), resampled[:, :, c].mean(axis=1)) for c in columns
        ),
        geomeans_of_kernels=tuple(_estimate(means[:, c].mean(), redrawn[:, c]) for c in columns),
        by_family={
            family: tuple(
                float(np.exp(means[[f == family for f in families], c].mean())) for c in columns
            )
            for family in dict.fromkeys(families)
        },
    )


def print_summary(summary: Summary, console: Console) -> None:
    """Print a row for each kernel, then the geometric means."""
    table = Table(
        title=f"speed-up over {BASELINE} -O3 (above 1 is faster)", box=None, pad_edge=False
    )
    table.add_column("kernel", no_wrap=True)
    table.add_column(f"{BASELINE} ns", justify="right")
    for name in summary.variants[1:]:
        table.add_column(name, justify="right")
    for row, kernel in enumerate(summary.kernels):
        ratios = (f"{estimate.ratio:.2f}" for estimate in summary.speedups[row][1:])
        table.add_row(kernel, f"{summary.median_ns[row, 0]:.0f}", *ratios)
    table.add_section()
    for family, means in summary.by_family.items():
        table.add_row(f"family: {family}", "", *(f"{mean:.2f}" for mean in means[1:]))
    table.add_section()
    table.add_row("geomean, all kernels", "", *(f"{e.ratio:.3f}" for e in summary.geomeans[1:]))
    for title, estimates in (
        ("  95 %: measured again", summary.geomeans),
        ("  95 %: other such kernels", summary.geomeans_of_kernels),
    ):
        table.add_row(title, "", *(f"{e.low:.2f}..{e.high:.2f}" for e in estimates[1:]))
    console.print(table)
    again = summary.geomeans[summary.variants.index(A_A)]
    console.print(
        f"'{A_A}' is the same compiler and flags built anew: its distance from 1 "
        f"({(again.ratio - 1) * 100:+.2f} %) is the error of the method."
    )


def print_check(report: CheckReport, console: Console) -> None:
    """Print how many calls were compared and every wrong result."""
    for wrong in report.wrong:
        console.print(
            f"WRONG {wrong.variant}: k_{wrong.kernel}: {wrong.verdict.name} at n={wrong.n} "
            f"k={wrong.k} a+{wrong.a_offset_bytes} (case {wrong.case}, seed {wrong.seed})"
        )
    console.print(
        f"checked against gcc -O0: {report.case_count} states, {len(report.variant_names)} "
        f"variants ({', '.join(report.variant_names)}), {len(report.wrong)} wrong results"
    )


def to_json(
    summary: Summary | None,
    check: CheckReport | None,
    variants: Sequence[Variant],
    *,
    settings: Mapping[str, Any],
    machine: Mapping[str, str],
) -> dict[str, Any]:
    """Arrange a run for `json.dump`; figures keep their units in their names."""
    record: dict[str, Any] = {
        "format": 1,
        "machine": dict(machine),
        "settings": dict(settings),
        "variants": [
            {"name": v.name, "program": str(v.program), "flags": v.flags, "version": v.version}
            for v in variants
        ],
    }
    if check is not None:
        record["check"] = {
            "case_count": check.case_count,
            "variants": check.variant_names,
            "wrong": [
                {"kernel": w.kernel, "variant": w.variant, "verdict": w.verdict.name, "n": w.n}
                | {"k": w.k, "a_offset_bytes": w.a_offset_bytes, "case": w.case, "seed": w.seed}
                for w in check.wrong
            ],
        }
    if summary is not None:
        record["geomean"] = _by_name(summary.variants, summary.geomeans)
        record["geomean_other_kernels"] = _by_name(summary.variants, summary.geomeans_of_kernels)
        record["kernels"] = [
            {
                "name": name,
                "family": summary.families[row],
                "median_ns": dict(
                    zip(summary.variants, summary.median_ns[row].tolist(), strict=True)
                ),
                "speedup": _by_name(summary.variants, summary.speedups[row]),
            }
            for row, name in enumerate(summary.kernels)
        ]
    return record


def _by_name(variants: Sequence[str], estimates: Sequence[Estimate]) -> dict[str, Any]:
    return {
        name: {"ratio": e.ratio, "low": e.low, "high": e.high}
        for name, e in zip(variants, estimates, strict=True)
    }


def _estimate(log_ratio: float, resampled: NDArray[np.float64]) -> Estimate:
    low, high = np.quantile(resampled, (0.025, 0.975))
    return Estimate(math.exp(log_ratio), math.exp(low), math.exp(high))
