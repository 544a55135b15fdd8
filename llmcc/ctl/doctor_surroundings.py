"""Checks of what surrounds a compile: settings, other wrappers, the lock file, the remote store."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from llmcc.config import Config
from llmcc.ctl.doctor_checks import Finding, State
from llmcc.settings_files import SETTINGS, VARIABLES_ONLY, Settings, find_upwards, why_untrusted
from llmcc.store.lock import MOST_BYTES

# Set by llmcc for its own parts.
_INTERNAL = {"LLMCC_DEPTH", "LLMCC_AS", "LLMCC_AS_NAME", "LLMCC_PROOF", "LLMCC_RENEWED"}
_ASSEMBLE_ELSEWHERE = ("distcc", "icecc")


def check_surroundings(
    config: Config, settings: Settings, environ: Mapping[str, str], folder: Path
) -> Iterator[Finding]:
    """Look at settings and at programs that stand before or behind llmcc."""
    yield from _check_settings(settings, environ)
    yield from _check_wrappers(environ)
    yield _check_lock(config, environ, folder)
    yield _check_remote(config.remote)


def _check_settings(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    for one in settings.ignored:
        yield Finding("settings", State.NOTE, f"{one.place()} does not count: {one.why}")
    known = {setting.variable for setting in SETTINGS + VARIABLES_ONLY} | _INTERNAL
    for name in sorted(environ):
        if name.startswith("LLMCC_") and name not in known:
            yield Finding("settings", State.NOTE, f"llmcc knows no variable {name}")
    files = sorted({value.origin for value in settings.values} - {"environment", "default"})
    yield Finding("settings", State.OK, f"from files: {', '.join(files) or 'none'}")
    if environ.get("SOURCE_DATE_EPOCH"):
        detail = "SOURCE_DATE_EPOCH is set: only a lock file changes gcc's output"
        yield Finding("settings", State.NOTE, detail)


def _check_wrappers(environ: Mapping[str, str]) -> Iterator[Finding]:
    words = [Path(word).name for word in environ.get("LLMCC_CC", "").split()]
    for name in _ASSEMBLE_ELSEWHERE:
        if name in words:
            advice = "Use it without llmcc, or llmcc without it."
            detail = f"{name} in LLMCC_CC assembles on other machines, past llmcc"
            yield Finding("wrappers", State.PROBLEM, detail, advice)
    if "ccache" in words:
        detail = "ccache behind llmcc: its objects are kept apart for each generation of the store"
        yield Finding("wrappers", State.OK, detail)
    elif shutil.which(
        "ccache", path=environ.get("PATH")
    ) and "llmcc-fingerprint" not in environ.get("CCACHE_COMPILERCHECK", ""):
        advice = (
            "Before `ccache llmcc` set CCACHE_COMPILERCHECK='%compiler% --llmcc-fingerprint', "
            "or use LLMCC_CC='ccache gcc'."
        )
        detail = "ccache is installed, and would not see that the store changed"
        yield Finding("wrappers", State.NOTE, detail, advice)


def _check_lock(config: Config, environ: Mapping[str, str], folder: Path) -> Finding:
    if config.lock == "0":
        return Finding("lock file", State.OK, "none is used: LLMCC_LOCK is 0")
    path = Path(config.lock) if config.lock else find_upwards("llmcc.lock", folder, environ)
    if path is None:
        return Finding("lock file", State.OK, "none here")
    refusal = why_untrusted(path, most_bytes=MOST_BYTES)
    if refusal:
        return Finding("lock file", State.PROBLEM, f"{path}: {refusal}")
    return Finding("lock file", State.OK, f"{path} decides")


def _check_remote(url: str) -> Finding:
    if not url:
        return Finding("remote", State.OK, "none is set")
    # asyncio and fsspec are slow to load.
    from llmcc.store.remote import why_unusable

    problem = why_unusable(url)
    if problem:
        return Finding("remote", State.PROBLEM, problem, "Compiles go on without it.")
    return Finding("remote", State.OK, f"{url} answers")
