"""Whether this machine is fit to time on, and whose turn it is."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from llmcc.errors import LlmccError
from llmcc.files import write_atomically
from llmcc.measure.eprocess import THETA, Verdict, judge
from llmcc.measure.paired import pair
from llmcc.outcome import Outcome, Refusal
from llmcc.sandbox.model import ARENA_BASE, Blob, States, exit_stub
from llmcc.sandbox.runner import Sandbox
from llmcc.toolchain import MARCH, assemble

MACHINE_LOCK = Path("/tmp/llmcc-timing.lock")
_LOCK_TIMEOUT_S = 60.0
_RETRY_AFTER_S = 600.0
_PLACEMENTS = 48
_ROUNDS = 15
_BLOCK_NS = 25_000.0
_TRIALS = 200
_BIAS_MOST = 0.003
# Where 2 % cannot be told from nothing, perhaps 4 % can.
_THETAS = (THETA, 2 * THETA)
_POOL = 256
_ARENA_BYTES = 1 << 15
_FORMAT = 1

# Entered with rdi, rsi: arrays; rcx: bytes, a multiple of 16, at least 16.
_FUNCTIONS = {
    # one hard to predict branch a byte
    "count": """
    .LH: cmpb $0, (%rdi)
        jns .LB1
        incl %eax
    .LB1: incq %rdi
        decq %rcx
        jnz .LH
    """,
    # one chain of latencies
    "hash": """
    .LH: movzbl (%rdi), %edx
        xorl %edx, %eax
        imull $16777619, %eax, %eax
        incq %rdi
        decq %rcx
        jnz .LH
    """,
    # as fast as loads and stores go
    "add": """
    .LH: movdqu (%rdi), %xmm0
        movdqu (%rsi), %xmm1
        paddd %xmm1, %xmm0
        movups %xmm0, (%rdi)
        addq $16, %rdi
        addq $16, %rsi
        subq $16, %rcx
        jnz .LH
    """,
}


class TimingBusy(LlmccError):
    """Another process has been timing all the while."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What timing identical code against itself says of this machine."""

    theta: float  # speed-up that a rewrite must exceed here
    bias: float  # worst median log ratio of identical code
    accepts: int  # of 600 trials on identical code
    format: int = _FORMAT


@contextmanager
def timing_lock(path: Path = MACHINE_LOCK, *, timeout_s: float = _LOCK_TIMEOUT_S) -> Iterator[None]:
    """Be the only llmcc of this machine that times, whoever runs it and whatever its cache.

    Raises:
        TimingBusy: another one kept the lock for `timeout_s`, or the lock cannot be had at all.
    """
    # Not /run/lock: containers have none. Everybody may open it; it is never written.
    lock = FileLock(path, timeout=timeout_s, mode=0o666)
    try:
        lock.acquire()
    except Timeout as error:
        raise TimingBusy(f"another llmcc has been timing for {timeout_s:.0f} s") from error
    except OSError as error:
        raise TimingBusy(f"the lock for timing cannot be taken: {error}") from error
    try:
        yield
    finally:
        lock.release()


def known_machine(sandbox: Sandbox) -> Machine | Refusal:
    """Return the stored calibration of this CPU and kernel, or calibrate now; hold the lock.

    A failed calibration is believed for ten minutes.

    Raises:
        SandboxDied: the runner was lost.
        TimedRunFailed: a built-in function did not come to its exit.
        OSError: the cache cannot be written.
    """
    facts = _cpu_facts()
    path = sandbox.cache / "timing" / f"{_digest(facts)}.json"
    stored = _read(path)
    if stored is not None:
        return stored
    machine = calibrate(sandbox, seed=0)
    found = (
        {"refusal": machine.detail}
        if isinstance(machine, Refusal)
        else {"machine": asdict(machine)}
    )
    record = found | {"unix_s": time.time(), "format": _FORMAT, "cpu": facts}
    write_atomically(path, json.dumps(record).encode())
    return machine


def calibrate(sandbox: Sandbox, *, seed: int) -> Machine | Refusal:
    """Time three built-in functions against themselves and see that none is ever accepted.

    200 trials a function are drawn from 48 measured placements, as the note's study did. The bias
    is the median over placements: single places may be off by tens of per cent, which the test's
    signs do not mind.
    """
    random = np.random.default_rng(seed)
    samples = {name: _same_code(sandbox, name, random) for name in _FUNCTIONS}
    biases = {name: float(np.median(sample)) for name, sample in samples.items()}
    worst = max(biases, key=lambda name: abs(biases[name]) - _uncertainty(samples[name]))
    bias = biases[worst]
    if abs(bias) - _uncertainty(samples[worst]) > _BIAS_MOST:
        return Refusal(
            Outcome.MACHINE_TOO_NOISY, f"identical code differs by {bias:.2%} in the median"
        )
    for theta in _THETAS:
        accepts = sum(_accepts(sample, theta, random) for sample in samples.values())
        if accepts == 0:
            return Machine(theta=theta, bias=bias, accepts=accepts)
    return Refusal(
        Outcome.MACHINE_TOO_NOISY,
        f"identical code passed for faster in {accepts} of {_TRIALS * len(samples)} trials",
    )


def _uncertainty(sample: NDArray[np.float64]) -> float:
    """Three standard errors of the median, were the sample normal; spread from its quartiles."""
    low, high = np.quantile(sample, (0.25, 0.75))
    return float(3 * 1.2533 * (high - low) / 1.349 / np.sqrt(len(sample)))


def _same_code(sandbox: Sandbox, name: str, random: np.random.Generator) -> NDArray[np.float64]:
    """One log ratio a placement, of a built-in function against itself."""
    done = assemble(_FUNCTIONS[name] + exit_stub(".LX0", 0), march=MARCH["avx2"])
    if isinstance(done, Refusal):
        raise LlmccError(f"the built-in function {name} does not assemble: {done.detail}")
    blob = Blob(done.code, 0)
    states = _pool(random)
    pilot = sandbox.time(
        blob, blob, states, placements=1, rounds=5, runs_per_block=32, seed=int(random.integers(99))
    )
    run_ns = float(np.median(pilot.ticks)) / pilot.ticks_per_ns / 32
    timed = sandbox.time(
        blob,
        blob,
        states,
        placements=_PLACEMENTS,
        rounds=_ROUNDS,
        runs_per_block=max(1, int(_BLOCK_NS / run_ns)),
        seed=int(random.integers(1 << 62)),
    )
    return pair(timed).log_ratios


def _pool(random: np.random.Generator) -> States:
    """Runs of 0.1 to 2 us; the arrays do not overlap, or stores would be forwarded by luck."""
    half = _ARENA_BYTES // 2
    gpr = np.zeros((_POOL, 16), np.uint64)
    gpr[:, 1] = 16 * random.integers(16, 128, _POOL)  # rcx
    starts = random.integers(0, half - 2048, (_POOL, 2))
    gpr[:, 7] = ARENA_BASE + starts[:, 0]  # rdi
    gpr[:, 6] = ARENA_BASE + half + starts[:, 1]  # rsi
    return States(
        gpr=gpr,
        vector=np.zeros((_POOL, 32, 64), np.uint8),
        mask=np.zeros((_POOL, 8), np.uint64),
        rflags=np.zeros(_POOL, np.uint64),
        mxcsr=np.full(_POOL, 0x1F80, np.uint32),
        memory=random.integers(0, 256, (1, 1, _ARENA_BYTES), np.uint8),
    )


def _accepts(sample: NDArray[np.float64], theta: float, random: np.random.Generator) -> int:
    """How many of the trials, each with placements drawn anew, accept."""
    draws = random.choice(sample, (_TRIALS, _PLACEMENTS))
    return sum(judge(draw.tolist(), theta=theta).verdict is Verdict.ACCEPT for draw in draws)


def _cpu_facts() -> dict[str, str]:
    """What a calibration holds for: the CPU, its microcode and the kernel."""
    wanted = ("model name", "cpu family", "model", "stepping", "microcode", "flags")
    facts = dict.fromkeys(wanted, "")
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() in facts:
            facts[key.strip()] = value.strip()
    return facts | {"kernel": os.uname().release, "count": str(os.cpu_count())}


def _digest(facts: dict[str, str]) -> str:
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=16).hexdigest()


def _read(path: Path) -> Machine | Refusal | None:
    try:
        record = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
    if record.get("format") != _FORMAT:
        return None
    if "machine" in record:
        return Machine(**record["machine"])
    if time.time() - record["unix_s"] < _RETRY_AFTER_S:
        return Refusal(Outcome.MACHINE_TOO_NOISY, record["refusal"])
    return None
