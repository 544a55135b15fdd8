"""Compile the runner at first use."""

from __future__ import annotations

from pathlib import Path

from llmcc.native.compiled import compiled

_SOURCES = (
    "runner.c",
    "runner_fence.c",
    "runner_map.c",
    "runner_run.c",
    "runner_switch.S",
    "runner_time.c",
    "runner_trace.c",
)
_HEADERS = ("runner_abi.h", "runner_child.h")
# Position-independent, so that nothing of the runner lies near the fixed pages of candidates; no
# stack protector, since its place in thread-local storage is reached through a register that
# candidates could change.
_OPTIONS = ("-std=gnu11", "-O2", "-fPIE", "-pie", "-fno-stack-protector", "-march=x86-64")


def runner_path(cache: Path) -> Path:
    """Return the compiled runner in `cache`, compiling it (some 0.3 s) when it is not there.

    Raises:
        NotCompiled: gcc refused, or `cache` can be written by somebody else.
        ToolMissing: there is no gcc.
        OSError: the cache cannot be written.
    """
    return compiled(cache, "llmcc-runner", sources=_SOURCES, headers=_HEADERS, options=_OPTIONS)
