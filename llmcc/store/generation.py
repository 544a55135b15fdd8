"""The store's generation: a number that rises whenever the same compile may give another object.

The launcher puts it into COMPILER_PATH (native/launcher.c, `store_generation`);
ccache digests that.
"""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock

from llmcc.files import write_atomically

_NAME = "generation"


def read_generation(cache: Path) -> int:
    """Return the store's generation; 0 when there is no number, or a damaged one."""
    try:
        return int((cache / _NAME).read_text("ascii"))
    except (OSError, ValueError):
        return 0


def bump_generation(cache: Path) -> int:
    """Raise the store's generation by one and return it.

    Raises:
        OSError: the cache cannot be written.
    """
    with FileLock(cache / f"{_NAME}.lock", mode=0o600):
        following = read_generation(cache) + 1
        write_atomically(cache / _NAME, f"{following}\n".encode())
    return following
