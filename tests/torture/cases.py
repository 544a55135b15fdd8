"""What is compiled and run: a program of one or more sources, and the runs it is put through."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class MissingSource(Exception):
    """Programs are not there and cannot be fetched; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a program."""

    arguments: tuple[str, ...] = ()
    stdin: bytes = b""
    wanted: bytes | None = None  # output, compared word by word; None when exit code 0 is all


@dataclass(frozen=True, slots=True)
class Case:
    """A program, written by others or by us."""

    name: str
    folder: Path  # where the compiler is started
    sources: tuple[str, ...]  # relative to the folder
    flags: tuple[str, ...]  # behind -O3, for every compiler
    runs: tuple[Run, ...] = (Run(),)
