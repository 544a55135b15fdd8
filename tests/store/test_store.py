"""Entries of the store: written whole or not at all, never trusted when damaged."""

from __future__ import annotations

import json
import multiprocessing
import os
from dataclasses import replace
from pathlib import Path

import pytest

from llmcc.eligibility import describe_source
from llmcc.files import write_atomically
from llmcc.native.identity import digest_bytes
from llmcc.outcome import Outcome, Refusal
from llmcc.store.records import (
    DecisionStore,
    RegionDecision,
    SpeedupInterval,
    decision_to_json,
)
from llmcc.store.refused import RefusedTexts
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


def test_changed_texts_are_no_longer_final_and_others_stay(tmp_path: Path) -> None:
    store, other = UnitStore(tmp_path), "cd" * 32
    store.put(KEY, UnitEntry("\tret\n", ()))
    store.put(other, UnitEntry("\tnop\n", ()))
    store.put("ef" * 32, UnitEntry(None, ()))
    store.path(KEY).with_name(".new-left-behind").write_bytes(b"half a file")
    before = store.path(other).stat().st_ino

    store.change_texts(lambda text: text.replace("ret", "hlt"))

    assert store.get(KEY) == UnitEntry("\thlt\n", (), is_final=False)
    assert store.get(other) == UnitEntry("\tnop\n", ())
    assert store.path(other).stat().st_ino == before
    assert store.get("ef" * 32) == UnitEntry(None, ())


def test_decisions_are_found_by_the_text_they_accepted(tmp_path: Path) -> None:
    store, other = DecisionStore(tmp_path), "cd" * 32
    store.put(KEY, DECISION)
    store.put(other, replace(DECISION, seed=9))
    store.put("01" * 32, replace(DECISION, isa="avx512"))
    store.put("23" * 32, replace(DECISION, outcome=Outcome.NOT_FASTER))
    unknown = decision_to_json(DECISION) | {"outcome": "OF_ANOTHER_VERSION"}
    body = json.dumps(unknown).encode()
    write_atomically(
        store.path("45" * 32), f"llmcc-region 1 {digest_bytes(body)}\n".encode() + body
    )
    assert store.keys_with("avx2", DECISION.rewrite) == [KEY, other]


def test_a_refused_text_is_refused_for_its_isa_only(tmp_path: Path) -> None:
    refused, refusal = RefusedTexts(tmp_path), Refusal(Outcome.REVERTED_BY_USER, "by hand\n")
    assert refused.refusal("avx2", "\tnop\n") is None
    refused.add("avx2", "\tnop\n", refusal)
    assert RefusedTexts(tmp_path).refusal("avx2", "\tnop\n") == refusal
    assert refused.refusal("avx512", "\tnop\n") is None
    assert refused.remove(lambda other: other != refusal) == 0
    assert refused.remove(lambda other: other == refusal) == 1
    assert refused.refusal("avx2", "\tnop\n") is None


@pytest.mark.parametrize("content", [b"make check: ended with 2", b""])
def test_a_refusal_without_an_outcome_stands(tmp_path: Path, content: bytes) -> None:
    refused = RefusedTexts(tmp_path)
    refused.add("avx2", "\tnop\n", Refusal(Outcome.FAILED_USER_TEST))
    (path,) = (tmp_path / "refused").glob("*/*")
    path.write_bytes(content)
    assert refused.refusal("avx2", "\tnop\n") == Refusal(Outcome.FAILED_USER_TEST, content.decode())


def test_a_damaged_unit_is_removed(tmp_path: Path) -> None:
    store = UnitStore(tmp_path)
    store.put(KEY, UnitEntry("\tret\n", ()))
    store.path(KEY).write_bytes(store.path(KEY).read_bytes() + b"x")
    assert store.get(KEY) is None
    assert not store.path(KEY).exists()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_entries_and_folders_are_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    cache = tmp_path / "a" / "cache"
    before = os.umask(umask)
    try:
        UnitStore(cache).put(KEY, UnitEntry(None, ()))
        DecisionStore(cache).put(KEY, DECISION)
        RefusedTexts(cache).add("avx2", "\tnop\n", Refusal(Outcome.REVERTED_BY_USER))
    finally:
        os.umask(before)
    modes = {path: path.stat().st_mode & 0o777 for path in (tmp_path / "a").rglob("*")}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
    assert len(modes) == 10


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
