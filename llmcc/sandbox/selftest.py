"""Show that the sandbox bites on this machine, before any candidate runs."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from llmcc.config import read_config
from llmcc.errors import LlmccError
from llmcc.outcome import Outcome, Refusal
from llmcc.sandbox.binary import runner_path
from llmcc.sandbox.model import (
    ARENA_BASE,
    CONTROL_EXIT_ID,
    CONTROL_RETURN,
    FAULT,
    NOT_RUN,
    Blob,
    Ends,
    States,
)
from llmcc.sandbox.runner import Sandbox

_SYSCALL = b"\x0f\x05"
_INT_80 = b"\xcd\x80"
_RDTSC = b"\x0f\x31"
_NOP = b"\x90"
# The old way to the clock: code of the kernel's at a fixed address (Documentation/x86, vsyscall).
_VSYSCALL_TIME = b"\x48\xb8" + (0xFFFF_FFFF_FF60_0400).to_bytes(8, "little") + b"\xff\xd0"
_X32_BIT = 0x4000_0000
_ESCAPED_EXIT = 1
_ARENA_BYTES = 4096
# Indices of the registers a system call reads, in encoding order.
_RAX, _RDX, _RSP, _RSI, _RDI, _R10 = 0, 2, 4, 6, 7, 10
_ARGUMENTS = (_RDI, _RSI, _RDX, _R10)
# Both are readable by anybody, so that only the sandbox can be what stops the call.
_PATH = b"/proc/self/status\0"


@dataclass(frozen=True, slots=True)
class Probe:
    """One attempt to get out: an instruction and what its registers hold."""

    name: str
    instruction: bytes
    rax: int = 0
    arguments: tuple[int, ...] = field(default=())  # rdi rsi rdx r10
    may_fault: bool = False  # FAULT contains it as well


PROBES = (
    Probe("open", _SYSCALL, 2, (ARENA_BASE, os.O_RDONLY)),
    Probe("openat", _SYSCALL, 257, (0xFFFF_FF9C, ARENA_BASE, os.O_RDONLY)),
    Probe("write", _SYSCALL, 1, (1, ARENA_BASE, 0)),
    Probe("socket", _SYSCALL, 41, (2, 2, 0)),
    Probe("fork", _SYSCALL, 57),
    Probe("execve", _SYSCALL, 59, (ARENA_BASE, 0, 0)),
    Probe("kill", _SYSCALL, 62, (0, 0)),
    # anonymous, private, readable, writable and executable
    Probe("mmap", _SYSCALL, 9, (0, 4096, 7, 0x22)),
    Probe("mmap of 16 GB", _SYSCALL, 9, (0, 16 << 30, 3, 0x22)),
    Probe("mprotect", _SYSCALL, 10, (ARENA_BASE, 4096, 7)),
    Probe("ptrace", _SYSCALL, 101, (0, 0, 0)),
    Probe("arch_prctl", _SYSCALL, 158, (0x1001, ARENA_BASE)),  # would move the control page
    Probe("getpid", _SYSCALL, 39),
    Probe("int80", _INT_80, 20, may_fault=True),  # getpid of i386
    Probe("x32", _SYSCALL, _X32_BIT | 39),
    Probe("vsyscall", _VSYSCALL_TIME, may_fault=True),
    Probe("rdtsc", _RDTSC, may_fault=True),
)


def open_checked_sandbox(cache: Path | None = None) -> Sandbox | Refusal:
    """Return a sandbox that was shown to hold, or the refusal `SANDBOX_UNSAFE`.

    Takes some 15 ms the first time after a boot; later the stored result is believed. The caller
    closes the sandbox.
    """
    folder = read_config().cache if cache is None else cache
    sandbox = Sandbox(folder)
    try:
        refusal = check_sandbox(sandbox, folder)
    except (LlmccError, OSError) as error:
        refusal = Refusal(Outcome.SANDBOX_UNSAFE, str(error))
    if refusal is None:
        return sandbox
    sandbox.close()
    return refusal


def check_sandbox(sandbox: Sandbox, cache: Path) -> Refusal | None:
    """Try every probe unless this runner passed on this boot; None when all are contained.

    Raises:
        LlmccError: the runner cannot be compiled or started.
        OSError: the cache cannot be written.
    """
    passed = cache / "selftest" / _key(runner_path(cache))
    if passed.exists():
        return None
    refusal = probe_sandbox(sandbox)
    if refusal is None:
        passed.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        passed.touch()
    return refusal


def probe_sandbox(sandbox: Sandbox) -> Refusal | None:
    """Try every probe; None when all are contained and harmless code is not."""
    # First, code that must run: a sandbox that kills everything proves nothing.
    harmless = run_probe(sandbox, Probe("nop", _NOP))
    if harmless.killed or harmless.exit_id[0] != _ESCAPED_EXIT:
        return Refusal(Outcome.SANDBOX_UNSAFE, "harmless code does not run")
    for probe in PROBES:
        if not is_contained(probe, run_probe(sandbox, probe)):
            return Refusal(Outcome.SANDBOX_UNSAFE, f"{probe.name} is not contained")
    return None


def run_probe(sandbox: Sandbox, probe: Probe) -> Ends:
    """Run a probe; exit 1 is reached when the instruction did not end or fault the child."""
    gpr = np.zeros((1, 16), np.uint64)
    gpr[0, _RAX] = probe.rax
    gpr[0, _RSP] = ARENA_BASE + _ARENA_BYTES // 2
    for register, value in zip(_ARGUMENTS, probe.arguments, strict=False):
        gpr[0, register] = value
    memory = np.zeros((1, 1, _ARENA_BYTES), np.uint8)
    memory[0, 0, : len(_PATH)] = np.frombuffer(_PATH, np.uint8)
    states = States(
        gpr=gpr,
        vector=np.zeros((1, 32, 64), np.uint8),
        mask=np.zeros((1, 8), np.uint64),
        rflags=np.zeros(1, np.uint64),
        mxcsr=np.full(1, 0x1F80, np.uint32),
        memory=memory,
    )
    return sandbox.run(Blob(probe.instruction + _exit_bytes(_ESCAPED_EXIT), 0), states)


def is_contained(probe: Probe, ends: Ends) -> bool:
    """Tell whether a probe's instruction had no effect."""
    if ends.killed == signal.SIGSYS and ends.exit_id[0] == NOT_RUN:
        return True
    return probe.may_fault and not ends.killed and bool(ends.exit_id[0] == FAULT)


def _exit_bytes(exit_id: int) -> bytes:
    """Assemble `exit_stub`: movl $id, %gs:CONTROL_EXIT_ID; jmp *%gs:CONTROL_RETURN."""
    move = b"\x65\xc7\x04\x25" + CONTROL_EXIT_ID.to_bytes(4, "little")
    leave = b"\x65\xff\x24\x25" + CONTROL_RETURN.to_bytes(4, "little")
    return move + exit_id.to_bytes(4, "little") + leave


def _key(runner: Path) -> str:
    """Name what a passed test holds for: the runner, this boot and kernel, this user."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{runner.parent.name}-{boot}-{os.uname().release}-{os.geteuid()}"
