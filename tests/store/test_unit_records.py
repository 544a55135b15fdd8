"""What is remembered of units, for people to read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from llmcc.outcome import Outcome
from llmcc.store.records import LoopRecord, RegionDecision, SpeedupInterval
from llmcc.store.unit_records import UnitRecord, UnitRecords, count_outcomes, latest

ACCEPTED = LoopRecord(
    "f",
    ".L3",
    ".LH:\n",
    RegionDecision(Outcome.ACCEPTED, isa="avx2", speedup=SpeedupInterval(2.0, 1.9, 2.1)),
    identity="1234",
)
REFUSED = LoopRecord("g", ".L9", "", RegionDecision(Outcome.HAS_CALL))
UNIT = UnitRecord("ab" * 32, "a.c", "/p", ("gcc", "-O3", "a.c"), 10.0, 1.5, (ACCEPTED, REFUSED))


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    UnitRecords(tmp_path).put(UNIT)
    assert UnitRecords(tmp_path).all() == [UNIT]


def test_records_come_oldest_first(tmp_path: Path) -> None:
    older = replace(UNIT, key="cd" * 32, finished_s=5.0)
    for record in (UNIT, older):
        UnitRecords(tmp_path).put(record)
    assert UnitRecords(tmp_path).all() == [older, UNIT]


def test_damaged_records_are_left_out(tmp_path: Path) -> None:
    UnitRecords(tmp_path).put(UNIT)
    folder = tmp_path / "records" / "00"
    folder.mkdir()
    for name, text in (("torn", '{"key": "'), ("list", "[]"), ("foreign", '{"key": "ab"}')):
        (folder / name).write_text(text)
    assert UnitRecords(tmp_path).all() == [UNIT]


def test_an_unwritable_folder_is_silent() -> None:
    records = UnitRecords(Path("/proc/no-such"))
    records.put(UNIT)
    assert records.all() == []


def test_only_the_newest_of_a_source_and_command_counts() -> None:
    edited = replace(UNIT, key="cd" * 32, finished_s=20.0, loops=(REFUSED,))
    elsewhere = replace(UNIT, key="ef" * 32, folder="/q")
    assert latest([edited, UNIT, elsewhere]) == [elsewhere, edited]


def test_outcomes_are_counted_over_units() -> None:
    counts = count_outcomes([UNIT, replace(UNIT, loops=(REFUSED,))])
    assert counts == {Outcome.ACCEPTED: 1, Outcome.HAS_CALL: 2}


def test_loops_can_be_changed_in_all_records(tmp_path: Path) -> None:
    records = UnitRecords(tmp_path)
    records.put(UNIT)
    records.change_loops(lambda loop: REFUSED)
    assert records.all() == [replace(UNIT, loops=(REFUSED, REFUSED))]
