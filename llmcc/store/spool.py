"""The spool: units that compiles in mode record left for `llmcc-ctl optimize`.

Format, written by native/spool.c to ``spool/ab/cdef…``: one header line
``llmcc-spool 1 <BLAKE2b-256 of what follows, hex> <bytes of fields> <bytes of text>``, then fields
``<name>=<value>``, each ended by a zero byte, then the unit's text as gcc wrote it. The fields:
``generation`` of llmcc, ``as`` (the assembler), ``exe`` and ``folder`` of gcc, an ``arg`` for each
of its arguments, an ``env`` (itself ``<name>=<value>``) for each variable of its environment that
its text may depend on.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from llmcc.eligibility import Driver
from llmcc.native.identity import DIGEST_BYTES, digest_bytes
from llmcc.store.files import shard_path


@dataclass(frozen=True, slots=True)
class SpooledUnit:
    """A unit and the gcc that made it."""

    key: str  # of its entry in the unit store
    text: str
    generation: str  # of the llmcc that the key was made by
    assembler: Path
    executable: Path
    argv: tuple[str, ...]
    folder: Path
    environ: Mapping[str, str]  # llmcc's settings among them

    @property
    def driver(self) -> Driver:
        """The gcc process, to be repeated."""
        return Driver(self.executable, self.argv, self.folder, None, self.environ)


class Spool:
    """The folder `spool` of a cache."""

    def __init__(self, cache: Path) -> None:
        """Open the spool in `cache`; nothing is read or made yet."""
        self._folder = cache / "spool"

    def path(self, key: str) -> Path:
        """Return where the unit of `key` is or would be."""
        return shard_path(self._folder, key)

    def waiting(self) -> list[str]:
        """List the units' keys, sorted."""
        found = self._folder.glob("[0-9a-f][0-9a-f]/*")
        keys = sorted(path.parent.name + path.name for path in found)
        return [key for key in keys if len(key) == 2 * DIGEST_BYTES]

    def get(self, key: str) -> SpooledUnit | None:
        """Read a unit; a damaged one is removed and counts as missing."""
        try:
            data = self.path(key).read_bytes()
        except OSError:
            return None
        unit = _parse(key, data)
        if unit is None:
            self.remove(key)
        return unit

    def remove(self, key: str) -> None:
        """Take a unit out, if it is there.

        Raises:
            OSError: the cache cannot be written.
        """
        self.path(key).unlink(missing_ok=True)


def _parse(key: str, data: bytes) -> SpooledUnit | None:
    header, _, body = data.partition(b"\n")
    words = header.split(b" ")
    if len(words) != 5 or words[:2] != [b"llmcc-spool", b"1"]:
        return None
    if digest_bytes(body).encode() != words[2] or not all(word.isdigit() for word in words[3:]):
        return None
    fields_bytes, text_bytes = int(words[3]), int(words[4])
    if fields_bytes + text_bytes != len(body):
        return None
    fields = [os.fsdecode(field) for field in body[:fields_bytes].split(b"\0")[:-1]]
    pairs = [(name, value) for name, _, value in (field.partition("=") for field in fields)]
    one = dict(pairs)
    if not one.keys() >= {"generation", "as", "exe", "folder", "arg"}:
        return None
    variables = [value.partition("=") for name, value in pairs if name == "env"]
    return SpooledUnit(
        key=key,
        text=body[fields_bytes:].decode("latin-1"),
        generation=one["generation"],
        assembler=Path(one["as"]),
        executable=Path(one["exe"]),
        argv=tuple(value for name, value in pairs if name == "arg"),
        folder=Path(one["folder"]),
        environ={name: value for name, _, value in variables},
    )
