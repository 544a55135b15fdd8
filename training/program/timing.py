"""Time two programs against one another: by the paper's protocol, and by ours."""

from __future__ import annotations

import json
import os
import random
import re
import select
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from llmcc.measure.paired import ratio_interval
from llmcc.training.program.running import ENVIRONMENT, Limits, kill_group, limit

_WARM_UPS = 3
_RUNS = 10
_SHELL_RUNS = 50  # as hyperfine's own calibration
_SHELL = "/bin/sh"
_PAIRS = 15
_HYPERFINE_S = 60  # the paper's
_HAS_INPUT = (1, 16)  # first version of hyperfine with --input


@dataclass(frozen=True, slots=True)
class PaperTiming:
    """What the paper's protocol says of a candidate."""

    ratio: float  # mean over the tests, not clamped: what its rewards use
    clamped_ratio: float  # the same with each test at least 1.0: what its tables use
    tool: Literal["hyperfine", "own"]  # "own": our copy of what hyperfine does, where it is missing


@dataclass(frozen=True, slots=True)
class PairedTiming:
    """What interleaved pairs say: geometric mean over the tests, median over the pairs."""

    ratio: float
    low_ratio: float  # 95 % bootstrap interval over the pairs
    high_ratio: float


class RunFailed(Exception):
    """A program that had passed its tests failed, or did not end, while it was timed."""


def time_by_paper(
    baseline: Path, candidate: Path, inputs: Sequence[Path], *, tool: Path | None
) -> PaperTiming:
    """Time as the paper does: `hyperfine --warmup 3 --runs 10`, mean over mean, each test alone.

    Source: `run_hyperfine_benchmark` and `process_single_test_case` of test_benchmark.py.

    Args:
        baseline, candidate: the two programs.
        inputs: what they read, one file a test; at least one.
        tool: hyperfine, of `find_hyperfine`; None times by our copy of what it does.

    Raises:
        RunFailed: a run failed.
    """
    mean_s = _hyperfine(tool) if tool is not None else _own_copy(_shell_s())
    ratios = []
    for given in inputs:
        former_s, latter_s = mean_s(baseline, given), mean_s(candidate, given)
        # Less than the estimate of the shell's start: the paper leaves such a test out.
        if former_s > 0 and latter_s > 0:
            ratios.append(former_s / latter_s)
    ratios = ratios or [1.0]
    return PaperTiming(
        ratio=statistics.fmean(ratios),
        clamped_ratio=statistics.fmean(max(1.0, ratio) for ratio in ratios),
        tool="own" if tool is None else "hyperfine",
    )


def time_by_pairs(
    baseline: Path,
    candidate: Path,
    inputs: Sequence[Path],
    *,
    seed: int,
    limits: Limits,
    pairs: int = _PAIRS,
) -> PairedTiming:
    """Time by interleaved pairs: started without a shell, in random order, never clamped.

    Raises:
        RunFailed: a run failed.
    """
    draw = random.Random(seed)
    logs = np.empty((pairs + 1, len(inputs)))
    for pair in range(pairs + 1):
        for test, given in enumerate(inputs):
            order = [baseline, candidate]
            draw.shuffle(order)
            seconds = {program: _run_s([str(program)], given, limits) for program in order}
            logs[pair, test] = np.log(seconds[baseline] / seconds[candidate])
    # The first pair warms the caches up.
    return paired_timing(logs[1:], seed=seed)


def paired_timing(logs: NDArray[np.float64], *, seed: int) -> PairedTiming:
    """Reduce log ratios, (pairs, tests): mean over the tests, then the median over the pairs."""
    means = logs.mean(axis=1)
    low, high = ratio_interval(means, statistic="median", seed=seed)
    return PairedTiming(float(np.exp(np.median(means))), low, high)


def find_hyperfine() -> Path | None:
    """Find a hyperfine that knows --input (1.16); with an older one every ratio would be 1.0."""
    found = shutil.which("hyperfine")
    if found is None:
        return None
    answer = subprocess.run(
        [found, "--version"], capture_output=True, text=True, timeout=10, check=False
    )
    match = re.search(r"(\d+)\.(\d+)", answer.stdout)
    if match is None or (int(match[1]), int(match[2])) < _HAS_INPUT:
        return None
    return Path(found)


def _hyperfine(tool: Path) -> Callable[[Path, Path], float]:
    def mean_s(program: Path, given: Path) -> float:
        with tempfile.TemporaryDirectory(prefix="llmcc-hyperfine-") as folder:
            report = Path(folder) / "report.json"
            command = [str(tool), "--warmup", str(_WARM_UPS), "--runs", str(_RUNS)]
            command += ["--input", str(given), "--export-json", str(report), str(program)]
            try:
                subprocess.run(command, capture_output=True, timeout=_HYPERFINE_S, check=True)
            except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
                raise RunFailed(f"hyperfine: {error}") from error
            return float(json.loads(report.read_text())["results"][0]["mean"])

    return mean_s


def _own_copy(shell_s: float) -> Callable[[Path, Path], float]:
    limits = Limits(wall_s=_HYPERFINE_S, cpu_s=_HYPERFINE_S)

    def mean_s(program: Path, given: Path) -> float:
        command = [_SHELL, "-c", str(program)]
        times_s = [_run_s(command, given, limits) for _ in range(_WARM_UPS + _RUNS)]
        return statistics.fmean(max(0.0, time_s - shell_s) for time_s in times_s[_WARM_UPS:])

    return mean_s


def _shell_s() -> float:
    limits = Limits()
    return statistics.fmean(
        _run_s([_SHELL, "-c", ""], Path(os.devnull), limits) for _ in range(_SHELL_RUNS)
    )


def _run_s(command: list[str], given: Path, limits: Limits) -> float:
    """Start a command without Python's fork and wait for it; what it prints is thrown away."""
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, str(given), os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    start_ns = time.perf_counter_ns()
    pid = os.posix_spawn(command[0], command, ENVIRONMENT, file_actions=actions, setsid=True)
    handle = os.pidfd_open(pid)
    try:
        # Its tests were under limits from the first instruction on; here they come a bit late.
        limit(pid, limits)
        waiting = select.poll()
        waiting.register(handle, select.POLLIN)
        is_ended = bool(waiting.poll(limits.wall_s * 1000))
        end_ns = time.perf_counter_ns()
    finally:
        os.close(handle)
        # Not waited for yet, so its number is nobody else's.
        kill_group(pid)
        _, status = os.waitpid(pid, 0)
    if not is_ended or status != 0:
        raise RunFailed(f"{command[-1]} failed, or did not end, while it was timed")
    return (end_ns - start_ns) / 1e9
