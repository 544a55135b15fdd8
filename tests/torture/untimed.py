"""Fill a store with verified decisions nobody timed, so that a compile finds fast paths to apply.

On a loaded machine timing refuses most rewrites, and whether one is faster does not matter to
whether it is right: the more fast paths, the more there is to check. llmcc then compiles as always
and finds these decisions in its store.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from llmcc.backends.embedded.backend import EmbeddedBackend
from llmcc.config import Config, read_config
from llmcc.eligibility import Driver
from llmcc.measure.eprocess import THETA, Verdict
from llmcc.measure.model import DECIDING_NAMES, BucketTiming, Measured
from llmcc.pipeline import Rewriter, UnitResult, make_context, optimise_unit
from llmcc.propose import Backend
from llmcc.rewrite_region import RegionRewriter
from llmcc.sandbox.runner import Sandbox
from llmcc.toolchain import find_gcc, run_gcc
from tests.torture.spoil import SpoilingBackend

_GCC_TIMEOUT_S = 120
UNLIMITED_S = 3600.0


def fill_store(
    rewriter: Rewriter, arguments: Sequence[str], *, folder: Path, config: Config
) -> UnitResult:
    """Have `rewriter` decide on all loops of a compile in `folder`, for the store of `config`.

    Args:
        rewriter: decides on the loops that the store does not know.
        arguments: gcc's, without `-o`, with one source.
        folder: where the compile that follows is started.
        config: of the compile that follows, as decisions are filed under settings; but for its
            budget and for whether errors are raised.
    """
    gcc = find_gcc()
    started_ns = time.time_ns()
    command = [str(gcc), *arguments]
    made = run_gcc([*command, "-S", "-o", "-"], cwd=folder, timeout_s=_GCC_TIMEOUT_S)
    driver = Driver(gcc, tuple(command), folder, started_ns)
    context = replace(make_context(config, driver), make_rewriter=lambda: rewriter)
    return optimise_unit(made.stdout.decode("latin-1"), context)


def untimed_rewriter(
    config: Config, sandbox: Sandbox, backend: Backend | None = None
) -> RegionRewriter:
    """Make the real rewriter, but without timing and without a limit of time for a region.

    Loops that the backend (the shipped model unless given) has no right rewrite for get one that
    does nothing of use.
    """
    spoiling = SpoilingBackend(backend or EmbeddedBackend(seed=config.seed))
    return RegionRewriter(
        config, backend=spoiling, sandbox=sandbox, clock=lambda: 0.0, measure=like_it
    )


def plain_config(cache: Path, *, budget_s: float = UNLIMITED_S, is_strict: bool = True) -> Config:
    """Return the settings of a compile that sets nothing but its cache."""
    config = read_config({"LLMCC_DIR": str(cache)})
    return replace(config, budget_s=budget_s, is_strict=is_strict)


def like_it(*_: object, seed: int, **__: object) -> Measured:
    """Say twice as fast, of any rewrite, without looking."""
    bucket = BucketTiming(
        name=DECIDING_NAMES[0],
        speedup_ratio=2.0,
        low_ratio=2.0,
        high_ratio=2.0,
        geomean_ratio=2.0,
        baseline_ns=200.0,
        rewrite_ns=100.0,
        loss_ns=-100.0,
        placements=1,
    )
    return Measured(
        (bucket,), Verdict.ACCEPT, e_value=1000.0, low_ratio=2.0, theta=THETA, seed=seed
    )
