"""Files that are whole or not there: written to a temporary name, then renamed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# A process that was killed leaves such files behind; `store.evict` sweeps them.
TEMPORARY_PREFIX = ".new-"


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that it is either absent, old or complete; private to the user.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    make_private_folder(path.parent)
    # mkstemp makes the file with mode 0600.
    handle, temporary = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def make_private_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, all private whatever the umask.

    Raises:
        OSError: one cannot be made.
    """
    if folder.is_dir():
        return
    # `mkdir(parents=True, mode=…)` leaves the mode of the parents to the umask.
    make_private_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
