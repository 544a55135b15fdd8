"""Budgets over several calls, with clocks that are set by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from llmcc.training import corpus as corpus_module
from llmcc.training.budget import Budget
from llmcc.training.corpus import corpus


def test_a_budget_is_spent_over_all_calls(tmp_path: Path) -> None:
    moments = iter((100.0, 130.0, 140.0, 9000.0, 9019.0, 9020.0, 9021.0))
    first = Budget(tmp_path / "spent.json", 1.0, clock=lambda: next(moments))
    first.note()  # after 30 s
    assert not first.is_over()
    second = Budget(tmp_path / "spent.json", 1.0, clock=lambda: next(moments))
    assert not second.is_over()
    assert second.spent_s == 50.0
    second.note()
    third = Budget(tmp_path / "spent.json", 0.75, clock=lambda: 0.0)
    assert third.is_over()


def test_without_a_limit_time_is_never_over(tmp_path: Path) -> None:
    moments = iter((0.0, 1e9, 1e9))
    budget = Budget(tmp_path / "spent.json", None, clock=lambda: next(moments))
    assert budget.spent_s == 1e9
    assert not budget.is_over()


def test_a_corpus_whose_minutes_are_spent_makes_no_further_shard(tmp_path: Path) -> None:
    (tmp_path / "spent.json").write_text('{"spent_s": 61}')
    done = CliRunner().invoke(corpus, ["--out", str(tmp_path), "--minutes", "1", "--jobs", "1"])
    assert done.exit_code == 0, done.output
    assert "0 distinct records" in done.output
    assert list((tmp_path / "shards").iterdir()) == []


def test_a_shard_whose_worker_dies_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = corpus_module._make_shard

    def make_or_die(job: corpus_module._Job) -> corpus_module.ShardResult:
        if job.seed == 2:
            raise ValueError("a loop that nobody thought of")
        return make(job)

    monkeypatch.setattr(corpus_module, "_make_shard", make_or_die)
    arguments = ["--out", str(tmp_path), "--shards", "3", "--loops", "1", "--jobs", "1"]
    done = CliRunner().invoke(corpus, [*arguments, "--untaught"], catch_exceptions=False)
    assert "shard 2: not made, its worker died" in done.output
    assert {path.stem for path in (tmp_path / "shards").iterdir()} == {"000001", "000003"}
    assert (tmp_path / "pairs.jsonl").exists()
