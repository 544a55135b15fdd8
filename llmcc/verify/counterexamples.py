"""States that told a wrong rewrite from gcc's loop, kept per region and tried first next time.

A file holds one state with its arenas, as it was run: it does not depend on how states are drawn.
A damaged file counts as missing.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np

from llmcc.files import write_atomically
from llmcc.regions.model import Region
from llmcc.sandbox.model import States

MOST_KEPT = 8  # of one region; a further one takes the place of the oldest
_ARRAYS = ("gpr", "vector", "mask", "rflags", "mxcsr", "memory")


class CounterExamples:
    """The folder `counterexamples` of a cache."""

    def __init__(self, cache: Path) -> None:
        """Open the folder in `cache`; nothing is read or made yet."""
        self._folder = cache / "counterexamples"

    def of(self, region: Region) -> tuple[States, ...]:
        """Read the states kept of a region, each a batch of one; newest first."""
        found = [_read(path) for path in self._paths(region)]
        return tuple(states for states in found if states is not None)

    def keep(self, region: Region, states: States) -> None:
        """Keep a batch of one state.

        Raises:
            OSError: the cache cannot be written.
        """
        buffer = io.BytesIO()
        arrays = {name: getattr(states, name) for name in _ARRAYS}
        np.savez_compressed(buffer, **arrays, arenas=np.array(states.arenas, np.uint64))
        data = buffer.getvalue()
        name = hashlib.blake2b(data, digest_size=8).hexdigest()
        write_atomically(self._folder_of(region) / f"{name}.npz", data)
        for path in self._paths(region)[MOST_KEPT:]:
            path.unlink(missing_ok=True)

    def _folder_of(self, region: Region) -> Path:
        text = repr((region.text, region.constants, region.contract))
        return self._folder / hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def _paths(self, region: Region) -> list[Path]:
        paths = self._folder_of(region).glob("*.npz")
        return sorted(paths, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def _read(path: Path) -> States | None:
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in _ARRAYS}
            arenas = tuple(int(base) for base in arrays["arenas"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return States(**found, arenas=arenas)
