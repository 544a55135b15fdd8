"""Entries of the store: written whole or not at all, never trusted when damaged."""

from __future__ import annotations

import multiprocessing
import os
from dataclasses import replace
from pathlib import Path

import pytest

from llmcc.eligibility import describe_source
from llmcc.outcome import Outcome
from llmcc.store.files import write_atomically
from llmcc.store.outcomes import OutcomeLog
from llmcc.store.records import DecisionStore, LoopRecord, RegionDecision, SpeedupInterval
from llmcc.store.units import UnitEntry, UnitStore

KEY = "ab" + "cd" * 31
DECISION = RegionDecision(
    Outcome.ACCEPTED,
    isa="avx2",
    rewrite="\tnop\n\tjmp\t.LH\n",
    backend="embedded",
    speedup=SpeedupInterval(2.0, 1.9, 2.1),
    seed=3,
    evidence={"states": 10000.0},
)


def test_a_decision_is_read_as_it_was_written(tmp_path: Path) -> None:
    store = DecisionStore(tmp_path)
    store.put(KEY, DECISION)
    assert store.get(KEY) == DECISION
    assert store.path(KEY) == tmp_path / "regions" / "ab" / ("cd" * 31)


def test_an_absent_decision_is_none(tmp_path: Path) -> None:
    assert DecisionStore(tmp_path).get(KEY) is None


@pytest.mark.parametrize("position", [0, 14, 60, 100, -1])
def test_a_damaged_decision_is_removed(tmp_path: Path, position: int) -> None:
    store = DecisionStore(tmp_path)
    store.put(KEY, DECISION)
    data = bytearray(store.path(KEY).read_bytes())
    data[position] ^= 1
    store.path(KEY).write_bytes(data)
    assert store.get(KEY) is None
    assert not store.path(KEY).exists()


def test_a_unit_is_read_as_it_was_written(tmp_path: Path) -> None:
    source = tmp_path / "a file.c"
    source.write_text("int x;\n")
    store = UnitStore(tmp_path)
    for entry in (
        UnitEntry("\tret # \xff\n", (describe_source(source),)),
        UnitEntry("\tret\n", (describe_source(source),), is_final=False),
        UnitEntry(None, ()),
    ):
        store.put(KEY, entry)
        assert store.get(KEY) == entry


def test_a_damaged_unit_is_removed(tmp_path: Path) -> None:
    store = UnitStore(tmp_path)
    store.put(KEY, UnitEntry("\tret\n", ()))
    store.path(KEY).write_bytes(store.path(KEY).read_bytes() + b"x")
    assert store.get(KEY) is None
    assert not store.path(KEY).exists()


def test_entries_are_private(tmp_path: Path) -> None:
    store = UnitStore(tmp_path)
    store.put(KEY, UnitEntry(None, ()))
    assert store.path(KEY).stat().st_mode & 0o077 == 0


def test_a_failed_write_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "entry"
    write_atomically(path, b"old")

    def refuse(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def _write_often(path: Path, letter: bytes) -> None:
    for _ in range(200):
        write_atomically(path, letter * 50_000)


def test_a_reader_never_sees_half_an_entry(tmp_path: Path) -> None:
    path = tmp_path / "entry"
    write_atomically(path, b"a" * 50_000)
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write_often, args=(path, letter)) for letter in (b"a", b"b")]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        data = path.read_bytes()
        assert data in (b"a" * 50_000, b"b" * 50_000)
    assert list(tmp_path.iterdir()) == [path]


def test_outcomes_are_counted_over_processes_and_torn_lines(tmp_path: Path) -> None:
    log = OutcomeLog(tmp_path)
    record = LoopRecord("f", ".L3", "", DECISION)
    log.add("a.c", [record, replace(record, decision=RegionDecision(Outcome.HAS_CALL))])
    (tmp_path / "outcomes" / "other.jsonl").write_text(
        '{"unit": "b.c", "function": "g", "outcome": "HAS_CALL"}\n{"unit": "b'
    )
    assert log.counts() == {Outcome.ACCEPTED: 1, Outcome.HAS_CALL: 2}


def test_an_unwritable_log_is_silent() -> None:
    log = OutcomeLog(Path("/proc/no-such"))
    log.add("a.c", [LoopRecord("f", ".L3", "", DECISION)])
    assert log.counts() == {}
