"""Where the store's files lie, and how they are read: sharded by key, a bad file is a miss."""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from llmcc.native.identity import DIGEST_BYTES

# The mtime of an entry is when it was last used, give or take this; native/store_lookup.c agrees.
USED_WITHIN_S = 3600
_NAME = re.compile(rf"[0-9a-f]{{{2 * DIGEST_BYTES - 2}}}")
# Something else than an entry is in its place; other errors may pass.
_DAMAGE = frozenset({errno.EACCES, errno.EISDIR, errno.ELOOP})


def shard_path(folder: Path, key: str) -> Path:
    """Return the place of a key: ``ab/cdef…`` in `folder`."""
    return folder / key[:2] / key[2:]


def keys_in(folder: Path) -> Iterator[str]:
    """List the keys that have a place in `folder`, in order; half-written files are none."""
    for path in sorted(folder.glob("[0-9a-f][0-9a-f]/*")):
        if _NAME.fullmatch(path.name):
            yield path.parent.name + path.name


def read_entry(path: Path) -> bytes | None:
    """Read an entry's bytes and mark it as used; None when there is nothing to be read."""
    try:
        with path.open("rb") as file:
            data = file.read()
            if time.time() - os.fstat(file.fileno()).st_mtime > USED_WITHIN_S:
                with suppress(OSError):
                    os.utime(file.fileno())
    except OSError as error:
        if error.errno in _DAMAGE:
            discard(path)
        return None
    return data


def discard(path: Path) -> None:
    """Remove a damaged entry, or what is in the place of one, as far as that is possible."""
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
