"""Rejection fine-tuning: what is found is new, faster, and kept loop by loop."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from llmcc.backends.embedded.backend import SHIPPED_WEIGHTS
from llmcc.outcome import Outcome
from llmcc.training import rft
from llmcc.training.dataset import PairRecord, read_pairs, write_pairs
from llmcc.training.judgement import Judgement
from llmcc.training.judging import Case
from llmcc.training.main import main
from llmcc.training.rft_sampling import (
    Sampled,
    append_sampled,
    find_rewrites,
    finds_of,
    is_new,
    read_sampled,
)

pytestmark = pytest.mark.train
Records = Callable[..., list[PairRecord]]


def test_rejection_fine_tuning_finds_only_what_is_new_and_faster(make_records: Records) -> None:
    records = [record for record in make_records(2) if record.split == "train"]
    ways = {"samples": 2, "seed": 0}

    def fast(cases: Sequence[Case]) -> list[Judgement]:
        return [Judgement(Outcome.ACCEPTED, 1.0, 2.0, 1.9, 2.1)] * len(cases)

    def slow(cases: Sequence[Case]) -> list[Judgement]:
        return [Judgement(Outcome.NOT_FASTER, 1.0, 1.0, 0.9, 1.1)] * len(cases)

    def search(judge: Callable[[Sequence[Case]], list[Judgement]]) -> list[Sampled]:
        parts = find_rewrites(SHIPPED_WEIGHTS, records, judge=judge, **ways)
        return [one for part in parts for one in part]

    sampled = search(fast)
    assert {one.record_id for one in sampled} == {record.id for record in records}
    assert all(0 <= one.accepted <= one.tried == 2 for one in sampled)
    found = finds_of(sampled, records)
    assert found
    known = {record.id: record for record in records}
    for record in found:
        assert record.provenance == "rft"
        assert is_new(known[record.id.removesuffix("-rft")], record.rewrite)
    assert finds_of(sampled, []) == []
    assert not is_new(records[0], records[0].rewrite.replace("\t", "  "))
    assert {(one.accepted, one.rewrite) for one in search(slow)} == {(0, "")}


def test_results_of_rejection_sampling_outlive_a_killed_run(tmp_path: Path) -> None:
    path = tmp_path / "sampled.jsonl"
    assert read_sampled(path) == []
    results = [Sampled("a", 16, 3, "\tjmp\t.LH\n"), Sampled("b", 16, 0, "")]
    append_sampled(path, results[:1])
    append_sampled(path, results[1:])
    assert read_sampled(path) == results
    path.write_text(path.read_text()[:-9])
    assert read_sampled(path) == results[:1]


def test_a_search_goes_on_with_the_loops_that_have_no_result_until_its_time_is_over(
    tmp_path: Path, make_records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [replace(record, split="train") for record in make_records(6)]
    write_pairs(tmp_path / "pairs.jsonl", records)
    asked: list[str] = []

    def known(model: Path, some: Sequence[PairRecord], **_: object) -> Iterator[list[Sampled]]:
        for record in some:
            asked.append(record.id)
            yield [Sampled(record.id, 4, 1, "\tnop\n")]

    monkeypatch.setattr(rft, "find_rewrites", known)
    run = f"rft {tmp_path / 'pairs.jsonl'} --out {tmp_path / 'rft'} --minutes 0 --nice 0 --jobs 1"
    short = CliRunner().invoke(main, [*run.split(), "--sample-minutes", "1e-9"])
    assert short.exit_code == 0, short.output
    assert "1 new rewrites for 1 of 6 loops" in short.output
    (tmp_path / "rft" / "pairs.jsonl").unlink()
    whole = CliRunner().invoke(main, run.split())
    assert "6 new rewrites for 6 of 6 loops" in whole.output
    assert sorted(asked) == sorted(record.id for record in records)
    assert sum(1 for _ in read_pairs(tmp_path / "rft" / "pairs.jsonl")) == 12
