"""Entries with a checksum, one file each, in a folder of the cache and, if there is one, a remote.

A file: a line ``<title> <BLAKE2b-256 of what follows, hex>``, then the body.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from llmcc.files import write_atomically
from llmcc.native.identity import digest_bytes
from llmcc.store.files import discard, keys_in, read_entry, shard_path


class Remote(Protocol):
    """A store shared by machines; `store.remote` has the real one, and takes 60 ms to load."""

    def get(self, name: str) -> bytes | None:
        """Read a body; None when it is missing, forged or late."""
        ...

    def put(self, name: str, body: bytes) -> None:
        """Write a body in the background."""
        ...


class Entries:
    """One kind of entry; `folder` is its folder in the cache and in the remote."""

    def __init__(self, cache: Path, folder: str, *, title: str, remote: Remote | None) -> None:
        """Open the folder; nothing is read or made yet."""
        self._folder = cache / folder
        self._title = title
        self._remote = remote

    def path(self, key: str) -> Path:
        """Return where the entry of `key` is or would be."""
        return shard_path(self._folder, key)

    def all_keys(self) -> Iterator[str]:
        """List the keys that have a place here, in order."""
        return keys_in(self._folder)

    def read(self, key: str) -> bytes | None:
        """Read a body from the cache; a damaged entry is removed and counts as missing."""
        path = self.path(key)
        data = read_entry(path)
        if data is None:
            return None
        header, _, body = data.partition(b"\n")
        if header + b"\n" != self._header(body):
            discard(path)
            return None
        return body

    def read_remote(self, key: str) -> bytes | None:
        """Read a body from the remote, in 100 ms at most; to be checked, then given to `keep`."""
        return None if self._remote is None else self._remote.get(self._remote_name(key))

    def keep(self, key: str, body: bytes) -> None:
        """Write to the cache what the remote had; does nothing when that is not possible."""
        with suppress(OSError):
            write_atomically(self.path(key), self._header(body) + body)

    def write(self, key: str, body: bytes) -> None:
        """Write an entry; the remote gets it in the background.

        Raises:
            OSError: the cache cannot be written.
        """
        write_atomically(self.path(key), self._header(body) + body)
        if self._remote is not None:
            self._remote.put(self._remote_name(key), body)

    def _remote_name(self, key: str) -> str:
        return f"{self._folder.name}/{key[:2]}/{key[2:]}"

    def _header(self, body: bytes) -> bytes:
        return f"{self._title} {digest_bytes(body)}\n".encode()


def find_remote(url: str, secret: str) -> Remote | None:
    """Return this process's connection to a remote; None when `url` is empty."""
    if not url:
        return None
    from llmcc.store.remote import open_remote

    return open_remote(url, secret)
