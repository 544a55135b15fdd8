"""Unit entries: what to hand to the assembler instead of a unit's text, or that nothing is.

Format, read by native/store_lookup.c: one header line
``llmcc-unit 2 <mark> <n|r|p> <BLAKE2b-256 of what follows, hex> <manifest bytes> <text bytes>``
(mark: 16 digits by which the shim knows an assembler that had nothing to say about the text, 0 at
first; n: nothing to rewrite, r: rewritten, p: rewritten, but not all loops have been decided), then
the manifest (a line ``<size> <ctime_ns> <BLAKE2b-256, hex> <path>`` for each source file), then the
rewritten text. An entry counts only while its sources are what the manifest says: the same
assembly may come from a source whose pointers have become volatile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from llmcc.eligibility import SourceFile
from llmcc.files import write_atomically
from llmcc.native.identity import digest_bytes
from llmcc.store.files import discard, keys_in, read_entry, shard_path

_HEAD = "llmcc-unit 2"
_NO_MARK = "0" * 16


@dataclass(frozen=True, slots=True)
class UnitEntry:
    """What the store knows about a unit."""

    rewritten: str | None  # None: gcc's text is the best there is
    sources: tuple[SourceFile, ...]
    is_final: bool = True  # False: optimising again may find more; only with a text


class UnitStore:
    """The folder `units` of a cache."""

    def __init__(self, cache: Path) -> None:
        """Open the store in `cache`; nothing is read or made yet."""
        self._folder = cache / "units"

    def path(self, key: str) -> Path:
        """Return where the entry of `key` is or would be."""
        return shard_path(self._folder, key)

    def put(self, key: str, entry: UnitEntry) -> None:
        """Write an entry, over an older one if there is one.

        Raises:
            OSError: the store cannot be written.
        """
        manifest = b"".join(_manifest_line(source) for source in entry.sources)
        text = b"" if entry.rewritten is None else entry.rewritten.encode("latin-1")
        body = manifest + text
        kind = "n" if entry.rewritten is None else "r" if entry.is_final else "p"
        header = f"{_HEAD} {_NO_MARK} {kind} {digest_bytes(body)} {len(manifest)} {len(text)}\n"
        write_atomically(self.path(key), header.encode() + body)

    def get(self, key: str) -> UnitEntry | None:
        """Read an entry; a damaged one is removed and counts as missing.

        Does not check whether the sources have changed.
        """
        path = self.path(key)
        data = read_entry(path)
        if data is None:
            return None
        with suppress(ValueError):
            if entry := _parse(data):
                return entry
        discard(path)
        return None

    def remove(self, key: str) -> None:
        """Forget a unit."""
        discard(self.path(key))

    def change_texts(self, change: Callable[[str], str]) -> None:
        """Change rewritten texts; those that come out different count as not final from now on.

        Raises:
            OSError: the store cannot be written.
        """
        for key in keys_in(self._folder):
            entry = self.get(key)
            if entry is None or entry.rewritten is None:
                continue
            text = change(entry.rewritten)
            if text != entry.rewritten:
                self.put(key, replace(entry, rewritten=text, is_final=False))


def _manifest_line(source: SourceFile) -> bytes:
    return b"%d %d %s %s\n" % (
        source.size_bytes,
        source.ctime_ns,
        source.digest.encode(),
        bytes(source.path),
    )


def _parse(data: bytes) -> UnitEntry | None:
    """Read an entry; None, or ValueError, when it is damaged."""
    header, _, body = data.partition(b"\n")
    words = header.split(b" ")
    if len(words) != 7 or b" ".join(words[:2]) != _HEAD.encode():
        return None
    _, _, _, kind, digest, *sizes = words
    if kind not in (b"n", b"r", b"p") or digest_bytes(body).encode() != digest:
        return None
    if not all(size.isdigit() for size in sizes):
        return None
    manifest_bytes, text_bytes = map(int, sizes)
    if manifest_bytes + text_bytes != len(body):
        return None
    rewritten = None if kind == b"n" else body[manifest_bytes:].decode("latin-1")
    sources = _parse_manifest(body[:manifest_bytes])
    return UnitEntry(rewritten, sources, is_final=kind != b"p")


def _parse_manifest(manifest: bytes) -> tuple[SourceFile, ...]:
    sources: Sequence[list[bytes]] = [line.split(b" ", 3) for line in manifest.splitlines()]
    return tuple(
        SourceFile(
            Path(path.decode("utf-8", "surrogateescape")), int(size), int(ctime), digest.decode()
        )
        for size, ctime, digest, path in sources
    )
