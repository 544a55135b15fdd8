"""The store stays below its cap: what was used longest ago goes, what is refused stays."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from filelock import FileLock

from llmcc.files import write_atomically
from llmcc.outcome import Outcome, Refusal
from llmcc.store.evict import Trimmed, trim, trim_when_due, wipe
from llmcc.store.files import USED_WITHIN_S, read_entry, shard_path
from llmcc.store.refused import RefusedTexts

NOW_S = 1_800_000_000.0
PAGE = 4096


def _key(number: int) -> str:
    return f"{number:02x}" * 32


def _put(cache: Path, kind: str, number: int, *, age_s: float, pages: int = 1) -> Path:
    path = shard_path(cache / kind, _key(number))
    write_atomically(path, b"x" * (pages * PAGE))
    os.utime(path, (NOW_S - age_s, NOW_S - age_s))
    return path


def test_evicts_what_was_used_longest_ago_whatever_it_is(tmp_path: Path) -> None:
    kinds = ["units", "regions", "verdicts", "records", "counterexamples"] * 4
    paths = [_put(tmp_path, kind, n, age_s=1000 * n) for n, kind in enumerate(kinds)]
    assert trim(tmp_path, cap_bytes=10 * PAGE, now_s=NOW_S) == Trimmed(
        removed=11, removed_bytes=11 * PAGE, kept=9, kept_bytes=9 * PAGE, swept=0
    )
    assert [path.exists() for path in paths] == [True] * 9 + [False] * 11


def test_a_store_below_its_cap_is_left_alone(tmp_path: Path) -> None:
    paths = [_put(tmp_path, "units", number, age_s=1e7) for number in range(10)]
    done = trim(tmp_path, cap_bytes=10 * PAGE, now_s=NOW_S)
    assert done == Trimmed(0, 0, 10, 10 * PAGE, 0)
    assert all(path.exists() for path in paths)


def test_what_was_not_used_for_long_goes_on_request(tmp_path: Path) -> None:
    old = _put(tmp_path, "units", 1, age_s=100)
    new = _put(tmp_path, "units", 2, age_s=10)
    trim(tmp_path, cap_bytes=1 << 30, now_s=NOW_S, unused_for_s=50)
    assert (old.exists(), new.exists()) == (False, True)


def test_never_evicts_what_is_refused_or_waits(tmp_path: Path) -> None:
    RefusedTexts(tmp_path).add("avx2", "\tnop\n", Refusal(Outcome.FAILED_USER_TEST, "it failed"))
    waiting = _put(tmp_path, "spool", 1, age_s=1e8)
    _put(tmp_path, "units", 2, age_s=0)
    trim(tmp_path, cap_bytes=0, now_s=NOW_S, unused_for_s=0)
    assert RefusedTexts(tmp_path).refusal("avx2", "\tnop\n") is not None
    assert waiting.exists()
    assert not list((tmp_path / "units").rglob("*/*"))


def test_sweeps_what_killed_writers_left_and_nothing_that_is_being_written(tmp_path: Path) -> None:
    _put(tmp_path, "units", 1, age_s=0)
    stale, fresh = [], []
    for folder in ("units/01", "refused/01", "spool/01", ""):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for age_s, names in ((3700, stale), (3500, fresh)):
            path = tmp_path / folder / f".new-{age_s}"
            path.write_bytes(b"half")
            os.utime(path, (NOW_S - age_s, NOW_S - age_s))
            names.append(path)
    done = trim(tmp_path, cap_bytes=1 << 30, now_s=NOW_S)
    assert done is not None
    assert done.swept == 4
    assert not any(path.exists() for path in stale)
    assert all(path.exists() for path in fresh)


def test_looks_at_most_every_ten_minutes(tmp_path: Path) -> None:
    now_s = time.time()
    trim_when_due(tmp_path, cap_bytes=0, now_s=now_s)
    path = shard_path(tmp_path / "units", _key(1))
    write_atomically(path, b"x")
    trim_when_due(tmp_path, cap_bytes=0, now_s=now_s + 599)
    assert path.exists()
    trim_when_due(tmp_path, cap_bytes=0, now_s=now_s + 601)
    assert not path.exists()


def test_a_stamp_from_the_future_does_not_stop_it(tmp_path: Path) -> None:
    trim_when_due(tmp_path, cap_bytes=0, now_s=time.time() + 1e6)
    path = _put(tmp_path, "units", 1, age_s=0)
    trim_when_due(tmp_path, cap_bytes=0, now_s=time.time())
    assert not path.exists()


def test_whoever_does_not_get_the_lock_does_not_evict(tmp_path: Path) -> None:
    path = _put(tmp_path, "units", 1, age_s=1000)
    with FileLock(tmp_path / "trim.lock", is_singleton=False):
        assert trim(tmp_path, cap_bytes=0, now_s=NOW_S) is None
    assert path.exists()


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    trim_when_due(tmp_path / "absent", cap_bytes=0, now_s=NOW_S)
    (tmp_path / "file").write_bytes(b"")
    trim_when_due(tmp_path / "file", cap_bytes=0, now_s=NOW_S)


def test_reading_an_entry_marks_it_as_used_once_an_hour(tmp_path: Path) -> None:
    path = tmp_path / "entry"
    write_atomically(path, b"x")
    now_s = time.time()
    recently_s = now_s - USED_WITHIN_S + 600
    for used_s, is_marked in ((now_s - USED_WITHIN_S - 600, True), (recently_s, False)):
        os.utime(path, (used_s, used_s))
        assert read_entry(path) == b"x"
        assert (path.stat().st_mtime >= now_s - 1) is is_marked


def test_many_processes_may_trim_at_once(tmp_path: Path) -> None:
    paths = [_put(tmp_path, "units", number, age_s=number) for number in range(200)]
    code = (
        "import sys; from pathlib import Path; from llmcc.store.evict import trim; "
        f"trim(Path(sys.argv[1]), cap_bytes={100 * PAGE}, now_s={NOW_S})"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(4)]
    assert [process.communicate()[1] for process in running] == [b""] * 4
    # Whoever came second found it below the cap.
    assert [path.exists() for path in paths] == [True] * 90 + [False] * 110


def test_wiping_leaves_the_programs_and_the_log(tmp_path: Path) -> None:
    for kind in ("units", "regions", "verdicts", "records", "counterexamples", "refused", "spool"):
        _put(tmp_path, kind, 1, age_s=0)
    (tmp_path / "llmcc-native").mkdir()
    (tmp_path / "llmcc.log").write_text("")
    assert wipe(tmp_path).removed == 7
    assert sorted(path.name for path in tmp_path.iterdir()) == ["llmcc-native", "llmcc.log"]
