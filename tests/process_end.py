"""Whether a process ends, for tests of what kills."""

from __future__ import annotations

import os
import select


def ends(pid: int, *, within_s: float = 20.0) -> bool:
    """Wait until a process has ended, reaped or not; False when it lives on."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], within_s)[0])
    finally:
        os.close(handle)
