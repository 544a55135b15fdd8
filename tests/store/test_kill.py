"""Many processes at the same entries, some killed at any moment: what is read is whole."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from llmcc.outcome import Outcome
from llmcc.store.evict import trim
from llmcc.store.records import DecisionStore, RegionDecision
from llmcc.store.units import UnitEntry, UnitStore
from llmcc.store.verdicts import KnownLevel, Verdicts

KEYS = [f"{number:02x}" * 32 for number in range(3)]
LETTERS = "abcdefgh"
ROUNDS = 300
# Some entries are larger than a pipe, a page or a write buffer, some are not.
SIZES = [10, 5_000, 70_000]
DAY_S = 86_400


class Stores:
    """All kinds of entries; each holds one letter over and over."""

    def __init__(self, cache: Path) -> None:
        self._units = UnitStore(cache)
        self._decisions = DecisionStore(cache)
        self._verdicts = Verdicts(cache, generation="g")

    def write(self, rng: random.Random) -> None:
        key, text = rng.choice(KEYS), rng.choice(LETTERS) * rng.choice(SIZES)
        match rng.randrange(3):
            case 0:
                self._units.put(key, UnitEntry(text, ()))
            case 1:
                self._decisions.put(key, RegionDecision(Outcome.NOT_FASTER, detail=text))
            case _:
                self._verdicts.keep_level(key, KnownLevel("bounded", "bounded(9)", text))

    def read(self, rng: random.Random) -> str | None:
        """Return what an entry holds; None for a miss."""
        key = rng.choice(KEYS)
        match rng.randrange(3):
            case 0:
                entry = self._units.get(key)
                return entry and entry.rewritten
            case 1:
                decision = self._decisions.get(key)
                return decision and decision.detail
            case _:
                level = self._verdicts.level(key)
                return level and level.detail

    def fill(self) -> None:
        """Write all entries once."""
        for key in KEYS:
            self._units.put(key, UnitEntry("a" * 10, ()))
            self._decisions.put(key, RegionDecision(Outcome.NOT_FASTER, detail="a" * 10))
            self._verdicts.keep_level(key, KnownLevel("bounded", "bounded(9)", "a" * 10))


def is_whole(text: str | None) -> bool:
    return text is not None and len(text) in SIZES and set(text) < set(LETTERS) and is_one(text)


def is_one(text: str) -> bool:
    return text == text[0] * len(text)


def _in_child(work: Callable[[], None]) -> int:
    """Start a process; it ends with 0, or with 1 if `work` raises."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return child


def test_a_writer_killed_at_any_moment_leaves_whole_entries(tmp_path: Path) -> None:
    stores = Stores(tmp_path)
    stores.fill()
    for seed in range(ROUNDS):
        ready, is_ready = os.pipe()

        def write_on(seed: int = seed, is_ready: int = is_ready) -> None:
            rng = random.Random(seed)
            os.write(is_ready, b"x")
            while True:
                stores.write(rng)

        writer = _in_child(write_on)
        os.close(is_ready)
        assert os.read(ready, 1) == b"x"
        os.close(ready)
        rng = random.Random(-seed)
        for _ in range(rng.randrange(12)):
            assert is_whole(stores.read(rng)), seed
        os.kill(writer, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(writer, 0)[1]) == -signal.SIGKILL
        for _ in range(3):
            assert is_whole(stores.read(rng)), seed
    left = list(tmp_path.glob("*/*/.new-*"))
    done = trim(tmp_path, cap_bytes=1 << 30, now_s=time.time() + DAY_S)
    assert done is not None
    assert (done.swept, done.kept) == (len(left), 9)


@pytest.mark.parametrize("cap_bytes", [1 << 30, 100_000])
def test_many_writers_and_readers_at_once(tmp_path: Path, cap_bytes: int) -> None:
    stores = Stores(tmp_path)
    stores.fill()
    may_miss = cap_bytes < 1 << 30

    def write(seed: int) -> None:
        rng = random.Random(seed)
        for _ in range(100):
            stores.write(rng)

    def read(seed: int) -> None:
        rng = random.Random(seed)
        for _ in range(300):
            text = stores.read(rng)
            assert is_whole(text) or (may_miss and text is None)

    def evict(_: int) -> None:
        for _ in range(50):
            trim(tmp_path, cap_bytes=cap_bytes, now_s=time.time())

    jobs = [(job, seed) for seed in range(3) for job in (write, read, evict)]
    children = [_in_child(lambda job=job, seed=seed: job(seed)) for job, seed in jobs]  # type: ignore[misc]
    endings = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert endings == [0] * len(jobs)
    assert not list(tmp_path.glob("*/*/.new-*"))
