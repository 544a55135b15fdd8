"""Digests that say which llmcc this is, and whether a folder can be trusted to keep its output."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import llmcc

DIGEST_BYTES = 32
# Raise by one when the meaning of the stored files changes.
STORE_GENERATION = 1

_PACKAGE = Path(llmcc.__file__).parent
_CODE_SUFFIXES = frozenset({".py", ".c", ".h", ".S"})
_MODEL_SUFFIXES = frozenset({".safetensors", ".json"})
# Parts that no verdict depends on.
_APART = frozenset({"training", "ctl", "__pycache__"})


def generation() -> str:
    """Digest everything of llmcc that a verdict depends on: its code and the model's weights.

    Costs some 20 ms: it reads every file.
    """
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    digest.update(f"{STORE_GENERATION}\0".encode())
    for path in covered_files():
        digest.update(str(path.relative_to(_PACKAGE)).encode() + b"\0")
        digest.update(hashlib.blake2b(path.read_bytes()).digest())
    return digest.hexdigest()


def covered_files() -> list[Path]:
    """List the files that `generation` digests, in its order."""
    parts = sorted(entry for entry in _PACKAGE.iterdir() if entry.name not in _APART)
    found = [
        path for part in parts for path in ([part] if part.is_file() else sorted(part.rglob("*")))
    ]
    return [path for path in found if path.suffix in _CODE_SUFFIXES | _MODEL_SUFFIXES]


def digest_strings(parts: Iterable[str]) -> str:
    """Digest texts so that neighbours cannot run into each other."""
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for part in parts:
        data = part.encode("utf-8", "surrogateescape")
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def is_private(folder: Path) -> bool:
    """Tell whether a folder is the user's own and nobody else can write to it."""
    status = folder.stat()
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def digest_bytes(data: bytes) -> str:
    """Return the digest of bytes that native/blake2b.c also computes, in hexadecimal digits."""
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).hexdigest()
