"""Compile the runner at first use."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from llmcc.errors import LlmccError
from llmcc.native.identity import is_private
from llmcc.toolchain import find_gcc, run_gcc

_SOURCES = Path(__file__).parent.parent / "native"
_NAMES = (
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
_COMPILE_TIMEOUT_S = 60.0


class RunnerNotBuilt(LlmccError):
    """The runner could not be compiled, or the cache cannot be trusted to keep it."""


def runner_path(cache: Path) -> Path:
    """Return the compiled runner in `cache`, compiling it (some 0.3 s) when it is not there.

    Raises:
        RunnerNotBuilt: gcc refused, or `cache` can be written by somebody else.
        ToolMissing: there is no gcc.
        OSError: the cache cannot be written.
    """
    gcc = find_gcc()
    digest = hashlib.blake2b(digest_size=16)
    for name in (*_NAMES, *_HEADERS):
        digest.update((_SOURCES / name).read_bytes())
    status = gcc.resolve().stat()
    digest.update(repr((_OPTIONS, str(gcc), status.st_size, status.st_mtime_ns)).encode())
    folder = cache / "bin" / digest.hexdigest()
    target = folder / "llmcc-runner"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not is_private(folder):
        raise RunnerNotBuilt(f"{folder} belongs to, or can be written by, somebody else")
    if not target.exists():
        _compile(gcc, target)
    return target


def _compile(gcc: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".new-", dir=target.parent) as name:
        made = Path(name) / target.name
        command = [str(gcc), *_OPTIONS, "-o", str(made), *(str(_SOURCES / n) for n in _NAMES)]
        run = run_gcc(command, cwd=Path(name), timeout_s=_COMPILE_TIMEOUT_S)
        if run.returncode != 0:
            raise RunnerNotBuilt(
                f"the runner does not compile: {run.stderr.decode('utf-8', 'replace')}"
            )
        made.replace(target)
