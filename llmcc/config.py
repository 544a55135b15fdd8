"""What the user can set: environment variables `LLMCC_*`, read once and passed down.

Files of the project being compiled are never consulted: they must not choose commands or folders.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from pathlib import Path

from llmcc.errors import LlmccError

# Levels of evidence, the weakest first; what each says stands in `prove.level`.
LEVELS = ("tested", "bounded", "proved")


class Mode(Enum):
    """What a compile may do."""

    SYNC = "sync"  # optimise what the store does not know, now
    RECORD = "record"  # take what the store has, write down the rest for `llmcc-ctl optimize`
    APPLY = "apply"  # take only what the store has
    OFF = "off"  # plain gcc


class BadSetting(LlmccError):
    """A variable holds something that cannot be understood."""


@dataclass(frozen=True, slots=True)
class Config:
    """One process's settings."""

    mode: Mode
    """`LLMCC_MODE`; `off` when `LLMCC_DISABLE` is set. With a lock file only that decides; where
    `SOURCE_DATE_EPOCH` is set nothing else does. The `as` shim sees to both."""
    budget_s: float
    """`LLMCC_BUDGET`: seconds one unit may take to be optimised; 30 unless told. No region is begun
    later, one that has begun is ended (7 s at most, 13 s when LLMCC_REQUIRE asks for a proof);
    15 s later the `as` shim kills."""
    cache: Path
    """`LLMCC_DIR`, else `$XDG_CACHE_HOME/llmcc`, else `~/.cache/llmcc`."""
    log: Path
    """`LLMCC_LOG`: where messages and tracebacks go; `<cache>/llmcc.log` unless told."""
    is_strict: bool
    """`LLMCC_STRICT`: raise internal errors instead of falling back to gcc; for tests."""
    sample_count: int
    """`LLMCC_SAMPLES`: how many rewrites the backend is asked for, per region and ISA; 8."""
    seed: int
    """`LLMCC_SEED`: start of every random choice; 0."""
    backend: str
    """`LLMCC_BACKEND`: who proposes; `embedded`."""
    tests: Path | None
    """`LLMCC_TESTS`: folder of `NAME.in` and `NAME.out` every linked program is tried on."""
    test_command: str
    """`LLMCC_TEST_CMD`: shell command that is run after each link; "" for none."""
    test_timeout_s: float
    """`LLMCC_TEST_TIMEOUT`: seconds one run of a test may take; 0, the default: 10 for one of
    `LLMCC_TESTS`, 600 for `LLMCC_TEST_CMD`."""
    require: str
    """`LLMCC_REQUIRE`: the weakest level of evidence that is accepted: `tested` unless told,
    `bounded` or `proved`. See `prove.level`."""
    skip: tuple[str, ...]
    """`LLMCC_SKIP`: names or patterns (`*`, `?`, `[...]`) of functions, as the assembler knows
    them, that are left alone; the clones gcc makes of such a function (`f.part.0`) are too."""
    lock: str
    """`LLMCC_LOCK`: path of the lock file; "" to look for `llmcc.lock` upwards from the working
    folder, "0" to use none."""
    cap_bytes: int
    """`LLMCC_CAP`: the size the store is trimmed to; 1 GiB unless told. K, M, G and T are powers
    of 1024."""
    remote: str
    """`LLMCC_REMOTE`: fsspec URL of a store that is shared; "" for none."""
    remote_secret: str
    """`LLMCC_REMOTE_SECRET`: what entries of the shared store are signed with; "" for none."""


def read_config(environ: Mapping[str, str] | None = None) -> Config:
    """Read the settings from environment variables.

    Raises:
        BadSetting: a variable's value is not one of those allowed.
    """
    environ = os.environ if environ is None else environ
    cache = _cache_folder(environ)
    log = environ.get("LLMCC_LOG")
    return Config(
        mode=_mode(environ),
        budget_s=_number(environ, "LLMCC_BUDGET", 30.0),
        cache=cache,
        log=Path(log) if log else cache / "llmcc.log",
        is_strict=is_switched_on(environ.get("LLMCC_STRICT", "")),
        sample_count=int(_number(environ, "LLMCC_SAMPLES", 8)),
        seed=int(_number(environ, "LLMCC_SEED", 0)),
        backend=environ.get("LLMCC_BACKEND") or "embedded",
        tests=Path(tests) if (tests := environ.get("LLMCC_TESTS")) else None,
        test_command=environ.get("LLMCC_TEST_CMD", ""),
        test_timeout_s=_number(environ, "LLMCC_TEST_TIMEOUT", 0.0),
        require=_level(environ),
        skip=tuple(environ.get("LLMCC_SKIP", "").split()),
        lock=environ.get("LLMCC_LOCK", ""),
        cap_bytes=_size(environ, "LLMCC_CAP", 1 << 30),
        remote=environ.get("LLMCC_REMOTE", ""),
        remote_secret=environ.get("LLMCC_REMOTE_SECRET", ""),
    )


def is_skipped(function: str, patterns: Sequence[str]) -> bool:
    """Tell whether a pattern of the user names a function, or the one that it is gcc's clone of."""
    names = (function, function.partition(".")[0])
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in names)


def is_switched_on(value: str) -> bool:
    """Read a switch as people write them: empty, 0, false, no and off mean no."""
    return value.lower() not in ("", "0", "false", "no", "off")


def _cache_folder(environ: Mapping[str, str]) -> Path:
    if own := environ.get("LLMCC_DIR"):
        return Path(own).absolute()
    if shared := environ.get("XDG_CACHE_HOME"):
        return Path(shared).absolute() / "llmcc"
    return Path(environ.get("HOME") or "/nonexistent") / ".cache" / "llmcc"


def _mode(environ: Mapping[str, str]) -> Mode:
    if is_switched_on(environ.get("LLMCC_DISABLE", "")):
        return Mode.OFF
    name = environ.get("LLMCC_MODE") or Mode.SYNC.value
    try:
        return Mode(name)
    except ValueError:
        allowed = ", ".join(member.value for member in Mode)
        raise BadSetting(f"LLMCC_MODE: {name!r} is not one of {allowed}") from None


def _level(environ: Mapping[str, str]) -> str:
    name = environ.get("LLMCC_REQUIRE") or LEVELS[0]
    if name not in LEVELS:
        raise BadSetting(f"LLMCC_REQUIRE: {name!r} is not one of {', '.join(LEVELS)}")
    return name


def _number(environ: Mapping[str, str], name: str, otherwise: float) -> float:
    text = environ.get(name)
    if not text:
        return otherwise
    try:
        value = float(text)
    except ValueError:
        raise BadSetting(f"{name}: {text!r} is not a number") from None
    if value < 0:
        raise BadSetting(f"{name}: {text!r} is negative")
    return value


def _size(environ: Mapping[str, str], name: str, otherwise: int) -> int:
    text = environ.get(name)
    if not text:
        return otherwise
    form = re.fullmatch(r"([0-9]+)([KMGT]?)(?:i?B)?", text.strip(), flags=re.IGNORECASE | re.ASCII)
    if form is None:
        raise BadSetting(f"{name}: {text!r} is not a size like 500M or 1G")
    return int(form[1]) << 10 * " KMGT".index(form[2].upper() or " ")
