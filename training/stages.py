"""Run stages one after the other, each in a process of its own, and go on where a run stopped."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path

from llmcc.training.presets import Stage

_STOP_TIMEOUT_S = 60


class Ending(Enum):
    """How a row of stages ended."""

    COMPLETE = "complete"
    TIME_OVER = "time is over"
    FAILED = "failed"


# Runs a command for at most so many seconds; gives its status, or None when it was stopped.
Run = Callable[[Sequence[str], float], int | None]


def run_command(arguments: Sequence[str], timeout_s: float | None) -> int | None:
    """Run `llmcc-train` with these arguments; stop it when time is over, and return None then."""
    with subprocess.Popen([sys.executable, "-m", "llmcc.training.main", *arguments]) as process:
        try:
            return process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.terminate()
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
    return None


def run_stages(
    stages: Sequence[Stage],
    *,
    done: Path,
    remaining_s: Callable[[], float],
    log: Callable[[str], None],
    run: Run = run_command,
) -> Ending:
    """Run the stages that are not done yet.

    Args:
        stages: in order; each may need what the ones before it made.
        done: folder for a file a stage that is complete.
        remaining_s: how much time there is left; a stage is stopped when it is over.
        log: told one line a stage.
        run: for tests.
    """
    done.mkdir(parents=True, exist_ok=True)
    for stage in stages:
        mark = done / stage.name
        if mark.exists():
            log(f"{stage.name}: done before")
            continue
        left_s = remaining_s()
        if left_s <= 0:
            return Ending.TIME_OVER
        log(f"{stage.name}: llmcc-train {' '.join(stage.arguments)}")
        status = run(stage.arguments, left_s)
        if status is None:
            log(f"{stage.name}: stopped, since time is over")
            return Ending.TIME_OVER
        if status != 0 or not stage.makes.exists():
            log(f"{stage.name}: failed with status {status}, {stage.makes} is not complete")
            if not stage.may_fail:
                return Ending.FAILED
        mark.touch()
    return Ending.COMPLETE
