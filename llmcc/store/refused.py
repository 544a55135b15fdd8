"""Rewrites that the user does not want, so that no later proposal brings them back.

A test of his has failed with them, or he has reverted them. Decisions are filed under llmcc's
version and settings; what is refused here is refused as a text, whatever proposes it again.
A file holds the name of the outcome and, from the second line on, the detail.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from llmcc.files import write_atomically
from llmcc.native.identity import digest_strings
from llmcc.outcome import Outcome, Refusal
from llmcc.store.files import keys_in, shard_path


class RefusedTexts:
    """The folder `refused` of a cache."""

    def __init__(self, cache: Path) -> None:
        """Open the folder in `cache`; nothing is read or made yet."""
        self._folder = cache / "refused"

    def add(self, isa: str, rewrite: str, refusal: Refusal) -> None:
        """Refuse a text for good.

        Raises:
            OSError: the store cannot be written.
        """
        text = f"{refusal.outcome.name}\n{refusal.detail}"
        write_atomically(self._path(isa, rewrite), text.encode("utf-8", "replace"))

    def refusal(self, isa: str, rewrite: str) -> Refusal | None:
        """Return why a text is refused; None when it is not."""
        return _read(self._path(isa, rewrite))

    def remove(self, is_meant: Callable[[Refusal], bool]) -> int:
        """Refuse some texts no longer; return how many.

        Raises:
            OSError: the store cannot be written.
        """
        removed = 0
        for key in keys_in(self._folder):
            path = shard_path(self._folder, key)
            refusal = _read(path)
            if refusal is not None and is_meant(refusal):
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def _path(self, isa: str, rewrite: str) -> Path:
        return shard_path(self._folder, digest_strings((isa, rewrite)))


def _read(path: Path) -> Refusal | None:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        # It was refused, whatever has become of the file.
        return Refusal(Outcome.FAILED_USER_TEST, str(error))
    name, _, detail = text.partition("\n")
    if name in Outcome.__members__:
        return Refusal(Outcome[name], detail)
    # Damaged, or written before outcomes were: a text that failed a test.
    return Refusal(Outcome.FAILED_USER_TEST, text)
