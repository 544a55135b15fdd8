"""Damaged entries and bad places for a store: a miss, no error, and removed where possible."""

from __future__ import annotations

import errno
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llmcc.native.identity import digest_bytes
from llmcc.outcome import Outcome, Refusal
from llmcc.store.evict import trim, trim_when_due
from llmcc.store.records import DecisionStore, RegionDecision
from llmcc.store.refused import RefusedTexts
from llmcc.store.unit_records import UnitRecord, UnitRecords
from llmcc.store.units import UnitEntry, UnitStore
from llmcc.store.verdicts import KnownLevel, Verdicts

KEY = "ab" * 32
NOBODY = 65534
NOTHING = digest_bytes(b"").encode()
LEVEL = KnownLevel("proved", "proved", "")


def _fill(cache: Path) -> None:
    UnitStore(cache).put(KEY, UnitEntry("\tret\n", ()))
    DecisionStore(cache).put(KEY, RegionDecision(Outcome.NOT_FASTER))
    Verdicts(cache, generation="g").keep_level(KEY, LEVEL)


def _read(cache: Path) -> list[object]:
    unit, decision = UnitStore(cache).get(KEY), DecisionStore(cache).get(KEY)
    return [unit, decision, Verdicts(cache, generation="g").level(KEY)]


def _paths(cache: Path) -> list[Path]:
    return [cache / kind / "ab" / KEY[2:] for kind in ("units", "regions", "verdicts")]


def _write(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


def _as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _as_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def _as_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    "damage",
    [
        _as_half,
        _write(b""),
        _write(b"\n"),
        _write(b"\xff" * 100),
        _write(b"llmcc-unit 2 %s r %s %s 0\n" % (b"0" * 16, NOTHING, b"9" * 5000)),
        _write(b"llmcc-unit 2 0 r %s 6 0\nx y z\n" % digest_bytes(b"x y z\n").encode()),
        _as_folder,
        _as_loop,
    ],
    ids=["half", "empty", "newline", "bytes", "digits", "manifest", "folder", "loop"],
)
def test_what_is_no_entry_is_a_miss_and_removed(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    _fill(tmp_path)
    for path in _paths(tmp_path):
        damage(path)
    assert _read(tmp_path) == [None, None, None]
    assert not any(map(os.path.lexists, _paths(tmp_path)))
    _fill(tmp_path)
    assert None not in _read(tmp_path)


def test_each_single_flipped_byte_is_a_miss_or_says_the_same(tmp_path: Path) -> None:
    _fill(tmp_path)
    whole, said = [path.read_bytes() for path in _paths(tmp_path)], _read(tmp_path)
    unit = said[0]
    assert isinstance(unit, UnitEntry)
    # The letter that says whether all loops are decided is not in the checksum.
    allowed = [None, *said, UnitEntry(unit.rewritten, unit.sources, is_final=False)]
    for at in range(max(map(len, whole))):
        for path, data in zip(_paths(tmp_path), whole, strict=True):
            flipped = bytearray(data)
            flipped[at % len(data)] ^= 2
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(flipped)
        assert all(one in allowed for one in _read(tmp_path)), at


def test_a_folder_that_is_not_empty_is_a_miss(tmp_path: Path) -> None:
    _fill(tmp_path)
    for path in _paths(tmp_path):
        _as_folder(path)
        (path / "file").write_bytes(b"")
    assert _read(tmp_path) == [None, None, None]


def _as_nobody(work: Callable[[], None]) -> int:
    """Run in a process without the super-user's rights; 0 when `work` does not raise."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.fixture
def nobodys() -> Iterator[Path]:
    """A folder that a user without special rights owns."""
    with tempfile.TemporaryDirectory() as name:
        if os.geteuid() == 0:
            os.chown(name, NOBODY, NOBODY)
        yield Path(name)


def test_an_entry_that_may_not_be_read_is_a_miss_and_removed(nobodys: Path) -> None:
    def work() -> None:
        _fill(nobodys)
        for path in _paths(nobodys):
            path.chmod(0)
        assert _read(nobodys) == [None, None, None]
        assert not any(path.exists() for path in _paths(nobodys))

    assert _as_nobody(work) == 0


def test_a_store_that_may_not_be_written_is_read(nobodys: Path) -> None:
    def work() -> None:
        _fill(nobodys)
        for folder, _, _ in os.walk(nobodys, topdown=False):
            Path(folder).chmod(0o500)
        assert None not in _read(nobodys)
        Verdicts(nobodys, generation="g").keep_yes("cd" * 32)
        trim_when_due(nobodys, cap_bytes=0, now_s=time.time())
        with pytest.raises(PermissionError):
            UnitStore(nobodys).put("cd" * 32, UnitEntry(None, ()))
        for path in _paths(nobodys):
            path.chmod(0o600)
            path.write_bytes(b"damaged")
        assert _read(nobodys) == [None, None, None]
        for folder, _, _ in os.walk(nobodys):
            Path(folder).chmod(0o700)

    assert _as_nobody(work) == 0


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "none", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a tmpfs is not allowed here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_what_there_was(tiny: Path) -> None:
    _fill(tiny)
    said = _read(tiny)
    (tiny / "ballast").write_bytes(b"x" * 4096 * _free_pages(tiny))
    for put in (
        lambda: UnitStore(tiny).put(KEY, UnitEntry("\tret\n" * 10_000, ())),
        lambda: DecisionStore(tiny).put(KEY, RegionDecision(Outcome.NOT_FASTER, "x" * 9999)),
        lambda: RefusedTexts(tiny).add("avx2", "\tnop\n", Refusal(Outcome.FAILED_USER_TEST)),
    ):
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            put()
    Verdicts(tiny, generation="g").keep_level(KEY, KnownLevel("tested", "tested(1)", "x" * 9999))
    UnitRecords(tiny).put(UnitRecord(KEY, "a.c", "/", (), 0.0, 0.0, ()))
    assert _read(tiny) == said
    assert not list(tiny.rglob(".new-*"))


def test_a_full_disk_can_be_trimmed(tiny: Path) -> None:
    _fill(tiny)
    (tiny / "ballast").write_bytes(b"x" * 4096 * _free_pages(tiny))
    done = trim(tiny, cap_bytes=0, now_s=time.time())
    assert done is not None
    assert done.removed == 3
    assert _free_pages(tiny) == 3


def _free_pages(folder: Path) -> int:
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize // 4096
