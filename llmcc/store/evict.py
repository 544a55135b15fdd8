"""Keep the store below its cap: what was used longest ago goes first.

Approximate: how large the store is gets looked up every ten minutes at most, and the time of last
use is true to an hour (`files.USED_WITHIN_S`). Never removed but by `wipe`: what the user does not
want (`refused`) and what waits to be optimised (`spool`).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from llmcc.files import TEMPORARY_PREFIX

_EVICTED = ("units", "regions", "verdicts", "records", "counterexamples")
_KEPT = ("refused", "spool")
_EVERY_S = 600
# No writer takes so long: what it left was left for good.
_STALE_S = 3600
# A full store is brought down a good deal, so that it is not full again at once.
_LEFT_SHARE = 0.9
_BLOCK_BYTES = 512  # of st_blocks, whatever the file system's are


@dataclass(frozen=True, slots=True)
class Trimmed:
    """What trimming did."""

    removed: int  # entries
    removed_bytes: int  # as they lay on the disk
    kept: int
    kept_bytes: int
    swept: int  # files that killed writers had left


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    used_s: float
    size_bytes: int


def trim_when_due(cache: Path, *, cap_bytes: int, now_s: float) -> None:
    """Trim the store if nobody has for ten minutes; one `stat` if somebody has. Never fails."""
    with suppress(OSError):
        stamp = cache / "trimmed"
        if not stamp.exists() or abs(now_s - stamp.stat().st_mtime) > _EVERY_S:
            trim(cache, cap_bytes=cap_bytes, now_s=now_s)


def trim(
    cache: Path, *, cap_bytes: int, now_s: float, unused_for_s: float | None = None
) -> Trimmed | None:
    """Bring the store below the cap and sweep temporary files; None when another process is at it.

    cap_bytes: of what lies on the disk.
    now_s: Unix time.
    unused_for_s: what has not been used for so long is removed too.

    Raises:
        OSError: the cache cannot be written.
    """
    # Takes 50 ms to load: not worth it at every compile.
    from filelock import FileLock, Timeout

    try:
        with FileLock(cache / "trim.lock", timeout=0, mode=0o600):
            stamp = os.open(cache / "trimmed", os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            os.utime(stamp, (now_s, now_s))
            os.close(stamp)
            return _trim(cache, cap_bytes, now_s, unused_for_s)
    except Timeout:
        return None


def wipe(cache: Path) -> Trimmed:
    """Remove everything the store remembers; compiled programs, settings and logs stay."""
    names = (*_EVICTED, *_KEPT)
    files = [file for name in names for file in _entries(cache / name)]
    for name in names:
        shutil.rmtree(cache / name, ignore_errors=True)
    return Trimmed(len(files), sum(file.size_bytes for file in files), 0, 0, 0)


def _trim(cache: Path, cap_bytes: int, now_s: float, unused_for_s: float | None) -> Trimmed:
    found = [file for name in _EVICTED for file in _entries(cache / name)]
    others = [*_files(str(cache)), *(file for name in _KEPT for file in _entries(cache / name))]
    stale = [
        file for file in (*found, *others) if _is_temporary(file) and now_s - file.used_s > _STALE_S
    ]
    swept = sum(_is_removed(file) for file in stale)
    entries = sorted(
        (file for file in found if not _is_temporary(file)), key=lambda file: file.used_s
    )
    kept_bytes = sum(file.size_bytes for file in entries)
    goal = cap_bytes if kept_bytes <= cap_bytes else int(cap_bytes * _LEFT_SHARE)
    oldest_s = -1.0 if unused_for_s is None else now_s - unused_for_s
    removed = removed_bytes = 0
    for file in entries:
        if kept_bytes <= goal and file.used_s >= oldest_s:
            break
        if _is_removed(file):
            removed += 1
            kept_bytes -= file.size_bytes
            removed_bytes += file.size_bytes
    return Trimmed(removed, removed_bytes, len(entries) - removed, kept_bytes, swept)


def _entries(folder: Path) -> Iterator[_File]:
    """List the files in the shards of a folder."""
    with suppress(OSError), os.scandir(folder) as shards:
        for shard in shards:
            if shard.is_dir(follow_symlinks=False):
                yield from _files(shard.path)


def _files(folder: str) -> Iterator[_File]:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            yield from _described(entry)


def _described(entry: os.DirEntry[str]) -> Iterator[_File]:
    with suppress(OSError):  # somebody else has removed it
        if entry.is_file(follow_symlinks=False):
            status = entry.stat(follow_symlinks=False)
            yield _File(entry.path, status.st_mtime, status.st_blocks * _BLOCK_BYTES)


def _is_temporary(file: _File) -> bool:
    return os.path.basename(file.path).startswith(TEMPORARY_PREFIX)


def _is_removed(file: _File) -> bool:
    try:
        os.unlink(file.path)
    except OSError:
        return False
    return True
