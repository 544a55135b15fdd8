"""Rewrites that a test of the user has failed with, so that no later proposal brings them back.

Decisions are filed under llmcc's version and settings; what failed here failed as a text, and stays
refused whatever proposes it again.
"""

from __future__ import annotations

from pathlib import Path

from llmcc.files import write_atomically
from llmcc.native.identity import digest_strings
from llmcc.store.files import shard_path


class RefusedTexts:
    """The folder `refused` of a cache."""

    def __init__(self, cache: Path) -> None:
        """Open the folder in `cache`; nothing is read or made yet."""
        self._folder = cache / "refused"

    def add(self, isa: str, rewrite: str, failure: str) -> None:
        """Refuse a text for good.

        Raises:
            OSError: the store cannot be written.
        """
        write_atomically(self._path(isa, rewrite), failure.encode("utf-8", "replace"))

    def failure(self, isa: str, rewrite: str) -> str | None:
        """Return how the user's test failed with a text; None when it is not refused."""
        try:
            return self._path(isa, rewrite).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None

    def _path(self, isa: str, rewrite: str) -> Path:
        return shard_path(self._folder, digest_strings((isa, rewrite)))
