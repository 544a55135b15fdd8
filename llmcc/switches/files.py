"""Switch the fast paths of several files together, and put them back as they were.

A file is replaced as a whole: whoever runs or maps the old one keeps it. Its mode, times and owner
stay, so that `make` sees no change; a second hard link keeps the old bytes.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from llmcc.switches.image import Switch, find_switches, switched
from llmcc.switches.table import Name, UnreadableTable

_MAGICS = (b"\x7fELF", b"!<arch>\n")


def read_switches(path: Path) -> tuple[Switch, ...]:
    """List the switches of a file; none when it is not an ELF file or archive with a table.

    Raises:
        OSError: it cannot be read.
        UnreadableTable: it has a table that cannot be understood.
    """
    with path.open("rb") as file:
        if not file.read(8).startswith(_MAGICS):
            return ()
        file.seek(0)
        return find_switches(file.read())


def switchable_files(folder: Path) -> list[Path]:
    """Find the files below `folder` that have switches, sorted; links are not followed."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for path in (Path(parent) / name for name in sorted(names)):
            # What cannot be read or understood cannot be switched either.
            with suppress(OSError, UnreadableTable):
                if not path.is_symlink() and path.is_file() and read_switches(path):
                    found.append(path)
    return found


@dataclass(frozen=True, slots=True)
class _Left:
    """How a file was left: it need not be read again as long as it is the same."""

    off: frozenset[str]
    inode: int
    ctime_ns: int

    @classmethod
    def of(cls, status: os.stat_result, off: frozenset[str]) -> Self:
        return cls(off, status.st_ino, status.st_ctime_ns)


class Panel:
    """The switches of some files; as a context manager it leaves the files as they were found.

    A key stands for one rewrite, so all its fast paths are switched together.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        """Read the files.

        Raises:
            OSError, UnreadableTable: as `read_switches`.
        """
        self._found: dict[Path, tuple[Switch, ...]] = {}
        self._left: dict[Path, _Left] = {}
        self._is_kept = False
        for path in dict.fromkeys(path.resolve() for path in paths):
            status = path.stat()
            self._found[path] = read_switches(path)
            self._left[path] = _Left.of(status, _off(self._found[path]))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._is_kept:
            self.switch_off(())

    def keys(self, path: Path | None = None) -> list[str]:
        """List the keys of fast paths that were on, of one file or of all, in table order."""
        parts = self._found.values() if path is None else [self._found[path.resolve()]]
        return list(dict.fromkeys(s.name.key for part in parts for s in part if s.is_on))

    def name(self, key: str) -> Name:
        """Return the first name of a key."""
        return next(s.name for part in self._found.values() for s in part if s.name.key == key)

    def files(self, key: str) -> list[Path]:
        """List the files in which the fast path of a key was on."""
        return [
            path
            for path, part in self._found.items()
            if any(s.name.key == key and s.is_on for s in part)
        ]

    def switch_off(self, keys: Iterable[str]) -> None:
        """Switch these off, and put all others back to what they were.

        Files are read anew, so one that was built again meanwhile is switched as it is now; one
        that has gone is left out.

        Raises:
            OSError: a file cannot be replaced.
        """
        off = frozenset(keys)
        for path, found in self._found.items():
            was_off = _off(found)
            its_own = (off | was_off) & frozenset(s.name.key for s in found)
            if path.exists() and self._left[path] != _Left.of(path.stat(), its_own):
                _switch(path, off | was_off)
                self._left[path] = _Left.of(path.stat(), its_own)

    def keep(self, keys: Sequence[str]) -> None:
        """Leave these off for good."""
        self.switch_off(keys)
        self._is_kept = True

    def is_undone(self) -> bool:
        """Tell whether something that was left off is on again: built anew by somebody else."""
        return any(
            switch.is_on and switch.name.key in left.off
            for path, left in self._left.items()
            if path.exists() and left != _Left.of(path.stat(), left.off)
            for switch in read_switches(path)
        )


def _off(switches: Iterable[Switch]) -> frozenset[str]:
    return frozenset(switch.name.key for switch in switches if not switch.is_on)


def _switch(path: Path, off: frozenset[str]) -> None:
    before = path.read_bytes()
    after = switched(before, find_switches(before), off)
    if after != before:
        _replace(path, after)


def _replace(path: Path, data: bytes) -> None:
    status = path.stat()
    handle, name = tempfile.mkstemp(prefix=".llmcc-", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        if status.st_uid != os.geteuid() or status.st_gid != os.getegid():
            with suppress(PermissionError):
                os.chown(temporary, status.st_uid, status.st_gid)
        shutil.copystat(path, temporary)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
