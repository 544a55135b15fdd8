"""Where the store's files lie: sharded by key."""

from __future__ import annotations

from pathlib import Path


def shard_path(folder: Path, key: str) -> Path:
    """Return the place of a key: ``ab/cdef…`` in `folder`."""
    return folder / key[:2] / key[2:]
