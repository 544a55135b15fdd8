"""A store shared by machines, behind the local one: read through, written behind, never waited for.

Entries decide what code is made, so each carries a digest of its name and body, keyed with
`LLMCC_REMOTE_SECRET` when that is set: then what others have written there is not taken. Without a
secret, whoever can write to the remote is trusted not to lie (docs/adr/0016).
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import hashlib
import hmac
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Protocol, TypeVar

from llmcc.native.identity import DIGEST_BYTES

WAIT_S = 0.1
_ENTRY_BYTES_MOST = 1 << 20
# Only to see what it answers.
_NOBODYS_NAME = "regions/00/0"
_PROBE_WAIT_S = 3.0
_Answer = TypeVar("_Answer")


class Files(Protocol):
    """What is needed of a file system of fsspec."""

    def cat_file(self, path: str, start: int | None = None, end: int | None = None) -> bytes:
        """Read a file or raise anything."""
        ...

    def pipe_file(self, path: str, value: bytes) -> None:
        """Write a file or raise anything."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of a file system."""

    files: Files
    folder: str


class SharedStore:
    """One remote of one process."""

    def __init__(
        self, open_place: Callable[[], Place], *, secret: str, wait_s: float = WAIT_S
    ) -> None:
        """Begin to open the remote in the background.

        Importing a file system's package may take longer than all else: until it is open every
        read is a miss, and all of them together wait for `wait_s` at most.
        """
        self._key = hashlib.blake2b(secret.encode()).digest() if secret else b""
        self._wait_s = wait_s
        self._opening_wait_s = wait_s
        self._is_off = False
        self._reader, self._writer = _Worker(), _Worker()
        self._place = self._reader.begin(open_place)
        self._writes: list[Future[None]] = []

    def get(self, name: str) -> bytes | None:
        """Read an entry's body; None when it is missing, forged or late.

        Once it was late, this process does not ask again.
        """
        if self._is_off or not self._is_open():
            return None
        place = self._place.result()
        answer = self._reader.begin(
            lambda: place.files.cat_file(f"{place.folder}/{name}", 0, _ENTRY_BYTES_MOST)
        )
        try:
            error = answer.exception(self._wait_s)
        except TimeoutError:
            self._is_off = True
            return None
        return None if error else self._unsealed(name, answer.result())

    def put(self, name: str, body: bytes) -> None:
        """Write an entry in the background; whether that works is not waited for."""
        if self._is_off:
            return
        data = self._seal(name, body) + body

        def write() -> None:
            place = self._place.result()
            place.files.pipe_file(f"{place.folder}/{name}", data)

        self._writes.append(self._writer.begin(write))

    def finish(self) -> None:
        """Give what is being written another moment; called when the process ends."""
        if not self._is_off:
            wait(self._writes, self._wait_s)

    def _is_open(self) -> bool:
        try:
            error = self._place.exception(self._opening_wait_s)
        except TimeoutError:
            self._opening_wait_s = 0.0
            return False
        self._is_off = error is not None
        return error is None

    def _seal(self, name: str, body: bytes) -> bytes:
        digest = hashlib.blake2b(
            name.encode() + b"\0" + body, digest_size=DIGEST_BYTES, key=self._key
        )
        return f"llmcc-remote 1 {digest.hexdigest()}\n".encode()

    def _unsealed(self, name: str, data: bytes) -> bytes | None:
        header, _, body = data.partition(b"\n")
        return body if hmac.compare_digest(header + b"\n", self._seal(name, body)) else None


class _Worker:
    """A thread that does one job after the other and dies with the process, done or not."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def begin(self, job: Callable[[], _Answer]) -> Future[_Answer]:
        """Begin a job; whatever it raises is in the future."""

        async def run() -> _Answer:
            return job()

        return asyncio.run_coroutine_threadsafe(run(), self._loop)


def open_remote(url: str, secret: str) -> SharedStore:
    """Return this process's connection to a remote."""
    # Threads do not survive a fork.
    return _open_once(url, secret, os.getpid())


@functools.cache
def _open_once(url: str, secret: str, _pid: int) -> SharedStore:
    remote = SharedStore(functools.partial(_open, url), secret=secret)
    atexit.register(remote.finish)
    return remote


def why_unusable(url: str, *, wait_s: float = _PROBE_WAIT_S) -> str:
    """Say what is wrong with a remote and what to do about it; "" when it answers.

    Does not cover: whether it can be written to.
    """
    probe = _Worker().begin(lambda: _probe(url))
    try:
        error = probe.exception(wait_s)
    except TimeoutError:
        return f"{url} does not answer within {wait_s:g} s"
    match error:
        case None | FileNotFoundError():
            return ""
        case ModuleNotFoundError(name="fsspec"):
            return "LLMCC_REMOTE needs fsspec. pip install 'llmcc-toolchain[remote]'."
        case ImportError():
            return f"{url} needs another package: {error}"
        case ValueError():
            return f"LLMCC_REMOTE: {error}. fsspec.available_protocols() lists those there are."
    return f"{url}: {type(error).__name__}: {error}"


def _probe(url: str) -> None:
    place = _open(url)
    place.files.cat_file(f"{place.folder}/{_NOBODYS_NAME}", 0, 1)


def _open(url: str) -> Place:
    """Open a URL.

    Raises:
        ImportError: fsspec, or the package that this protocol needs, is not installed.
        ValueError: there is no such protocol.
    """
    import fsspec

    for protocol in ("redis", "rediss"):
        fsspec.register_implementation(
            protocol, "llmcc.store.redis_files.RedisFiles", clobber=True, errtxt="pip install redis"
        )
    # Other file systems have no folders to be made.
    options = {"auto_mkdir": True} if url.startswith("file:") else {}
    files, folder = fsspec.url_to_fs(url, **options)
    return Place(files, folder.rstrip("/"))
