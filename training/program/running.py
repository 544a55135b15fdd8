"""Build a whole program from assembly and run it under limits.

What is covered: CPU time, wall time, memory, size of files, processes of its own group (killed
whole), core dumps; a bare environment and an empty folder to run in; with `fence.refuse_network`
also sockets and tracing of other processes. What is not covered: it runs as the user who judges and
may read and write that user's files. Use a container or a virtual machine for responses of models
you do not trust.
"""

from __future__ import annotations

import contextlib
import os
import resource
import selectors
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from llmcc.outcome import Outcome, Refusal
from llmcc.toolchain import ToolTimedOut, find_gcc, run_gcc

_BUILD_S = 30.0  # the paper's
_MEMORY_BYTES = 2 << 30
_FILE_BYTES = 64 << 20
_OUTPUT_BYTES_MOST = 16 << 20
_PROCESSES_MOST = 4096  # of the user's, which the kernel counts all together
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run of a program may use."""

    wall_s: float = 10.0  # the paper waits 120 s
    cpu_s: int = 10


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended."""

    returncode: int  # -n when signal n ended it
    stdout: bytes
    is_timed_out: bool = False
    is_cut: bool = False  # it printed more than is kept, and was killed


def build(assembly: str, target: Path) -> Refusal | None:
    """Assemble and link a complete file as the paper does: `gcc x.s -o x -lm`."""
    source = target.with_suffix(".s")
    source.write_text(assembly, encoding="utf-8", errors="surrogateescape")
    try:
        run = run_gcc(
            [str(find_gcc()), source.name, "-o", target.name, "-lm"],
            cwd=target.parent,
            timeout_s=_BUILD_S,
        )
    except ToolTimedOut as error:
        return Refusal(Outcome.GATE_DOES_NOT_ASSEMBLE, str(error))
    if run.returncode != 0:
        message = run.stderr.decode("utf-8", "replace").strip()
        return Refusal(Outcome.GATE_DOES_NOT_ASSEMBLE, message[:400])
    return None


def run(program: Path, given: Path, limits: Limits) -> Ended:
    """Run a program with a file on its stdin; kill its whole process group in the end."""
    with given.open("rb") as stdin:
        process = subprocess.Popen(
            [str(program)],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=program.parent,
            env=ENVIRONMENT,
            start_new_session=True,
            preexec_fn=_limiter(limits),
        )
    try:
        stdout, is_timed_out, is_cut = _read(process, time.monotonic() + limits.wall_s)
    finally:
        kill_group(process.pid)
        returncode = process.wait()
        if process.stdout is not None:
            process.stdout.close()
    return Ended(returncode, stdout, is_timed_out, is_cut)


def limit(pid: int, limits: Limits) -> None:
    """Put the limits on a process: 0 for this one."""
    for which, most in (
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_AS, _MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
        (resource.RLIMIT_NPROC, _PROCESSES_MOST),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.prlimit(pid, which)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.prlimit(pid, which, (least, least))


def kill_group(pid: int) -> None:
    """Kill a process that leads its group, and the group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _limiter(limits: Limits) -> Callable[[], None]:
    return lambda: limit(0, limits)


def _read(process: subprocess.Popen[bytes], end_s: float) -> tuple[bytes, bool, bool]:
    assert process.stdout is not None
    output = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (left_s := end_s - time.monotonic()) > 0:
            if not selector.select(left_s):
                break
            block = os.read(process.stdout.fileno(), 1 << 16)
            output += block
            if len(output) > _OUTPUT_BYTES_MOST:
                return bytes(output), False, True
            if not block:
                # stdout is closed: the program is at its end, or only pretends to be.
                try:
                    process.wait(max(0.0, end_s - time.monotonic()))
                except subprocess.TimeoutExpired:
                    break
                return bytes(output), False, False
    return bytes(output), True, False
