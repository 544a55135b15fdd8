"""Checks of what a compile needs: gcc, as, built programs, the cache, the sandbox, the model."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from llmcc.backends.embedded.backend import SHIPPED_WEIGHTS, load_model
from llmcc.config import Config
from llmcc.ctl.bench_build import find_llmcc
from llmcc.errors import LlmccError
from llmcc.native.build import is_current
from llmcc.native.identity import is_private
from llmcc.outcome import Refusal
from llmcc.sandbox.selftest import open_checked_sandbox
from llmcc.toolchain import as_version, find_as, find_gcc, gcc_version

_TIMEOUT_S = 60
_SPACE_BYTES = 200 << 20
_WAYS = {
    "A": "by COMPILER_PATH",
    "B": "by -specs, since this gcc does not search COMPILER_PATH",
}


class State(Enum):
    """What a check found."""

    OK = "ok"
    NOTE = "note"  # works; something to know
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    what: str
    state: State
    detail: str
    advice: str = ""  # what to do; one sentence


def check_compilers() -> Iterator[Finding]:
    """Look at gcc and its assembler."""
    try:
        gcc = find_gcc()
        version = gcc_version(gcc)
    except LlmccError as error:
        yield Finding("gcc", State.PROBLEM, str(error), "Install gcc, or set LLMCC_CC.")
        return
    is_x86 = version.partition(" ")[2].startswith("x86_64-")
    yield Finding(
        "gcc",
        State.OK if is_x86 else State.PROBLEM,
        f"{gcc}, {version}",
        "" if is_x86 else "llmcc leaves other machines' compilers alone.",
    )
    try:
        assembler = find_as(gcc)
        yield Finding("as", State.OK, f"{assembler}, {as_version(assembler)}")
    except (LlmccError, OSError) as error:
        yield Finding("as", State.PROBLEM, str(error), "Install binutils.")


def check_llmcc(config: Config) -> Iterator[Finding]:
    """Look at llmcc's own parts, and run them."""
    yield from _check_cache(config.cache)
    yield from _check_programs(config.cache)
    yield _check_sandbox(config.cache)
    yield _check_model(config.backend)


def _check_cache(cache: Path) -> Iterator[Finding]:
    try:
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        yield Finding("cache", State.PROBLEM, str(error), "Set LLMCC_DIR to a folder of yours.")
        return
    free = shutil.disk_usage(cache).free
    if not is_private(cache):
        advice = f"Run: chmod go-w {cache}; or set LLMCC_DIR to a folder of yours."
        yield Finding("cache", State.PROBLEM, f"{cache} is not yours alone", advice)
    elif not os.access(cache, os.W_OK):
        advice = "What the store has is used; nothing is added."
        yield Finding("cache", State.PROBLEM, f"{cache} cannot be written", advice)
    elif free < _SPACE_BYTES:
        advice = "Make room, or set LLMCC_DIR to a folder elsewhere."
        yield Finding("cache", State.PROBLEM, f"{cache} has {free >> 20} MB left", advice)
    else:
        yield Finding("cache", State.OK, f"{cache}, private, {free >> 20} MB free")


def _check_programs(cache: Path) -> Iterator[Finding]:
    llmcc = find_llmcc()
    if llmcc is None:
        advice = "Put the folder of llmcc on PATH."
        yield Finding("llmcc", State.PROBLEM, "not beside this python, nor on PATH", advice)
        return
    first = shutil.which("llmcc")
    if first is None or not os.path.samefile(first, llmcc):
        advice = f"Put {llmcc.parent} on PATH before others, or call it by its path."
        yield Finding("llmcc", State.NOTE, f"PATH has {first or 'none'}", advice)
    yield Finding("llmcc", State.OK, str(llmcc))
    with tempfile.TemporaryDirectory(prefix="llmcc-doctor-") as name:
        yield _check_interception(llmcc, cache, Path(name))
    entry = cache / "entry" / str(llmcc.absolute()).lstrip("/")
    if not entry.exists():
        advice = f"Run {llmcc.parent / 'python'} -m llmcc.native.build to see why."
        yield Finding("launcher", State.PROBLEM, "was not built", advice)
    elif is_current(entry.resolve().parent):
        yield Finding("launcher", State.OK, f"{entry.resolve().parent}, up to date")
    else:
        advice = f"Run {llmcc.parent / 'python'} -m llmcc.native.build to see why."
        yield Finding("launcher", State.PROBLEM, "older than llmcc's code", advice)


def _run(command: Iterable[str], folder: Path) -> str:
    """Run llmcc as a build would; what it prints, "" when it fails."""
    environ = {**os.environ, "LLMCC_MODE": "apply", "LLMCC_DISABLE": ""}
    environ.pop("LLMCC_DEPTH", None)
    done = subprocess.run(
        list(command),
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    return done.stdout.decode(errors="replace") if done.returncode == 0 else ""


def _check_interception(llmcc: Path, cache: Path, folder: Path) -> Finding:
    """Have the launcher ask gcc anew which way starts llmcc's assembler.

    The launcher keeps the answer in a file that gcc's key names; what a way is worth it knows
    only from an assembler that was seen to run.
    """
    (folder / "empty.c").write_text("")
    # The first one builds what is missing.
    _run([str(llmcc), "-c", "empty.c"], folder)
    words = _run([str(llmcc), "--llmcc-fingerprint"], folder).split()
    key = words[words.index("gcc") + 1] if "gcc" in words else "unknown"
    entry = cache / "entry" / str(llmcc.absolute()).lstrip("/")
    answer = entry.resolve().parent / "gcc" / key
    try:
        answer.unlink(missing_ok=True)
        _run([str(llmcc), "-c", "empty.c"], folder)
        way = answer.read_text(errors="replace")[:1]
    except OSError as error:
        advice = "Compiles end in plain gcc: see the launcher's line."
        return Finding("interception", State.PROBLEM, f"gcc was not asked: {error}", advice)
    if way in _WAYS:
        detail = f"gcc was seen to start llmcc's assembler, {_WAYS[way]}"
        return Finding("interception", State.OK, detail)
    advice = "Compiles end in plain gcc. Name another compiler with LLMCC_CC."
    return Finding("interception", State.PROBLEM, "this gcc takes no other assembler", advice)


def _check_sandbox(cache: Path) -> Finding:
    try:
        sandbox = open_checked_sandbox(cache)
    except (LlmccError, OSError) as error:
        return Finding("sandbox", State.PROBLEM, str(error), "Nothing new can be tried here.")
    if isinstance(sandbox, Refusal):
        advice = "Nothing new can be tried here; seccomp may be forbidden in this container."
        return Finding("sandbox", State.PROBLEM, sandbox.detail, advice)
    features = sorted(sandbox.features() & {"avx2", "avx512"})
    sandbox.close()
    if not features:
        advice = "There is nothing llmcc could use."
        return Finding("cpu", State.PROBLEM, "has neither AVX2 nor AVX-512", advice)
    return Finding("sandbox", State.OK, f"holds; this CPU has {' and '.join(features)}")


def _check_model(backend: str) -> Finding:
    if backend != "embedded":
        return Finding("model", State.NOTE, f"backend {backend}, not looked at")
    try:
        load_model(SHIPPED_WEIGHTS)
    except (LlmccError, OSError) as error:
        return Finding("model", State.PROBLEM, str(error), "Install llmcc again.")
    return Finding("model", State.OK, f"{SHIPPED_WEIGHTS} loads")
