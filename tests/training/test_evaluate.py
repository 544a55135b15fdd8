"""The evaluation, with answers and judgements that are known beforehand."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from llmcc.outcome import Outcome
from llmcc.training.dataset import PairRecord, write_pairs
from llmcc.training.evaluate import evaluate
from llmcc.training.evaluation import (
    ALL,
    SEEN,
    UNSEEN_COMPOSITIONS,
    UNSEEN_FAMILIES,
    UNSEEN_PROJECTS,
    Question,
    comparisons_of,
    families_of,
    judge_row,
    read_question,
    sections_of,
)
from llmcc.training.evaluation_table import Report, markdown, tables, to_json
from llmcc.training.figures import compare, figures, speedups
from llmcc.training.judgement import Judgement
from llmcc.training.judging import Case
from llmcc.training.loop_results import LoopResult, ResultFile
from llmcc.training.proposers import (
    Proposer,
    borrowed,
    compiler_proposers,
    nobody,
    random_proposer,
)

Records = Callable[..., list[PairRecord]]


class KnownJudge:
    """Says what a text's first word stands for."""

    def __init__(self) -> None:
        self.judged = 0

    def judge(self, cases: Sequence[Case]) -> list[Judgement]:
        self.judged += len(cases)
        return [_ENDINGS[case.text] for case in cases]


_ENDINGS = {
    "twice": Judgement(Outcome.ACCEPTED, 1.0, 2.0, 1.9, 2.1),
    "slow": Judgement(Outcome.NOT_FASTER, 1.0, 0.5, 0.4, 0.6),
    "wrong": Judgement(Outcome.CRASHED, 0.5),
    "same": Judgement(Outcome.IDENTICAL, 1.0),
    "ungated": Judgement(Outcome.GATE_CLOBBERS),
    "unlucky": Judgement(Outcome.MACHINE_TOO_NOISY),
}


def saying(*texts: str | None) -> Proposer:
    return Proposer("known", "1", lambda record: texts)


def judged(
    folder: Path, records: Sequence[PairRecord], proposer: Proposer, judge: KnownJudge
) -> list[LoopResult]:
    store = ResultFile(folder, proposer.name, rests_on=proposer.fingerprint)
    return judge_row(proposer, records, judges=judge, store=store, advance=lambda count: None)


def result(record_id: str, *ratios: float, family: str = "sum", shape: str = "") -> LoopResult:
    outcomes = tuple(Outcome.ACCEPTED if r > 1 else Outcome.CRASHED for r in ratios)
    return LoopResult(
        record_id, family, "synthetic", "avx2", shape or record_id, outcomes, ratios, ratios
    )


def test_unaccepted_samples_count_as_gccs_own_speed(tmp_path: Path, make_records: Records) -> None:
    texts = ("twice", "slow", "wrong", "ungated", None)
    (one,) = judged(tmp_path, make_records(1), saying(*texts), KnownJudge())
    assert one.ratios == (2.0, 1.0, 1.0, 1.0, 1.0)
    assert (one.assembled_count, one.right_count, one.faster_count) == (3, 2, 1)
    row = figures("known", ALL, [one], seed=0)
    assert row.geomean_one.value == pytest.approx(2 ** (1 / 5))
    assert row.pass_at[0].value == pytest.approx(2 / 5)
    assert row.speedup_at[0].value == pytest.approx(6 / 5)
    assert row.speedup_at[1].value == 2.0
    assert row.timed.value == pytest.approx(1.0)
    assert row.refusals["NO_PROPOSAL"] == 1


def test_a_stopped_evaluation_judges_no_loop_twice(tmp_path: Path, make_records: Records) -> None:
    records, judge = make_records(9), KnownJudge()
    first = judged(tmp_path, records[:5], saying("twice", "wrong"), judge)
    assert judge.judged == 10
    (path,) = tmp_path.glob("*.jsonl")
    path.write_text(path.read_text()[:-20])  # killed while it wrote the fifth loop
    every = judged(tmp_path, records, saying("twice", "wrong"), judge)
    assert judge.judged == 20
    assert every[:5] == first
    assert [one.record_id for one in every] == [record.id for record in records]


def test_several_processes_answer_as_one_does(tmp_path: Path, make_records: Records) -> None:
    records = make_records(12)
    proposer = Proposer("known", "1", lambda r: ("twice" if r.id.endswith("3") else "wrong",))
    one = judged(tmp_path, records, proposer, KnownJudge())
    store = ResultFile(tmp_path, "again", rests_on="")
    many = judge_row(
        proposer, records, judges=KnownJudge(), store=store, advance=lambda count: None, jobs=2
    )
    assert many == one


def test_results_of_another_model_of_that_name_are_not_taken(
    tmp_path: Path, make_records: Records
) -> None:
    judge = KnownJudge()
    judged(tmp_path, make_records(2), saying("twice"), judge)
    judged(tmp_path, make_records(2), replace(saying("twice"), fingerprint="2"), judge)
    assert judge.judged == 4


def test_what_the_machine_stood_in_the_way_of_is_tried_again(
    tmp_path: Path, make_records: Records
) -> None:
    judge = KnownJudge()
    for _ in range(2):
        judged(tmp_path, make_records(1), saying("unlucky", "twice"), judge)
    assert judge.judged == 4


def test_loops_are_told_apart_by_how_new_they_are(tmp_path: Path, make_records: Records) -> None:
    train, seen, unseen, project, other = make_records(5)
    records = [
        replace(train, family="sum"),
        replace(seen, family="sum", split="test"),
        replace(unseen, family="gcd", split="test"),
        replace(project, family="real", split="test", group="zlib", rewrite=""),
        replace(other, family="gcd", split="validation"),
    ]
    write_pairs(tmp_path / "pairs.jsonl", records)
    question, training = read_question([tmp_path / "pairs.jsonl"], split="test", per_family=None)
    assert [record.id for record in training] == [train.id]
    results = {"known": judged(tmp_path, question.records, saying("twice"), KnownJudge())}
    sections = sections_of(question, results, seed=0)
    assert {one.section: one.loops for one in sections} == {
        SEEN: 1,
        UNSEEN_FAMILIES: 1,
        UNSEEN_PROJECTS: 1,
        ALL: 3,
    }
    assert [one.section for one in families_of(results, seed=0)] == ["gcd", "project zlib", "sum"]
    new, _ = read_question(
        [tmp_path / "pairs.jsonl"], split="test", per_family=None, sections=(UNSEEN_FAMILIES,)
    )
    assert [record.id for record in new.records] == [unseen.id]


def test_a_composition_is_unseen_if_no_training_loop_has_its_instructions(
    tmp_path: Path, make_records: Records
) -> None:
    train, same, new = (replace(record, family="composed_map") for record in make_records(3))
    assert new.region is not None
    longer = new.region.text.replace(":\n", ":\n\tnop\n", 1)
    records = [
        train,
        replace(same, split="test", region=train.region),
        replace(new, split="test", region=replace(new.region, text=longer)),
    ]
    write_pairs(tmp_path / "pairs.jsonl", records)
    question, _ = read_question([tmp_path / "pairs.jsonl"], split="test", per_family=None)
    assert [question.section(record) for record in question.records] == [SEEN, UNSEEN_COMPOSITIONS]


@pytest.mark.parametrize(
    ("given", "said"),
    [("nobody=1.0", "--temperature-of: no model nobody"), ("shipped=hot", "'hot' is no temperat")],
)
def test_refuses_a_temperature_of_no_model_or_no_number(
    tmp_path: Path, make_records: Records, given: str, said: str
) -> None:
    (record,) = make_records(1)
    write_pairs(tmp_path / "pairs.jsonl", [replace(record, split="test")])
    arguments = [str(tmp_path / "pairs.jsonl"), "--no-baselines", "--temperature-of", given]
    done = CliRunner().invoke(evaluate, [*arguments, "--out", str(tmp_path / "out")])
    assert done.exit_code == 1
    assert said in done.output
    assert not (tmp_path / "out").exists()


def test_at_most_so_many_loops_of_a_family_are_taken(tmp_path: Path, make_records: Records) -> None:
    records = [replace(record, family="sum", split="test") for record in make_records(6)]
    write_pairs(tmp_path / "pairs.jsonl", records)
    question, _ = read_question([tmp_path / "pairs.jsonl"], split="test", per_family=2)
    assert len(question.records) == 2


def test_a_comparison_is_shown_only_if_every_part_shows_it() -> None:
    old = [result(f"loop {n}", 1.5) for n in range(60)]
    better = [result(f"loop {n}", 1.6) for n in range(60)]
    shown = compare(("new", better), ("old", old), section=ALL, k=8, parts=3, by_kind=False, seed=0)
    assert shown.is_shown
    assert shown.gain.value == pytest.approx(1.6 / 1.5)
    mixed = [result(f"loop {n}", 1.6 if n % 2 else 1.4) for n in range(60)]
    assert not compare(
        ("new", mixed), ("old", old), section=ALL, k=8, parts=3, by_kind=False, seed=0
    ).is_shown


def test_only_loops_that_both_rows_have_are_compared() -> None:
    new, old = [result("a", 3.0), result("b", 2.0)], [result("b", 1.0), result("c", 9.0)]
    gain = compare(("new", new), ("old", old), section=ALL, k=1, parts=1, by_kind=False, seed=0)
    assert gain.loops == 1
    assert gain.gain.value == pytest.approx(2.0)
    assert speedups(new, 1).tolist() == [3.0, 2.0]


def test_a_copy_is_no_right_rewrite(tmp_path: Path, make_records: Records) -> None:
    (one,) = judged(tmp_path, make_records(1), saying("same", "same", "twice"), KnownJudge())
    assert (one.assembled_count, one.right_count, one.faster_count) == (3, 1, 1)
    row = figures("known", ALL, [one], seed=0)
    assert row.pass_at[0].value == pytest.approx(1 / 3)


def test_both_isas_of_a_loop_are_one_shape(tmp_path: Path, make_records: Records) -> None:
    (record,) = make_records(1)
    records = [record, replace(record, id="other", isa="avx2")]
    results = judged(tmp_path, records, saying("twice"), KnownJudge())
    assert figures("known", ALL, results, seed=0).shapes == 1
    assert figures("known", ALL, results, seed=0).loops == 2


def test_parts_of_a_comparison_share_no_family_where_there_are_enough() -> None:
    # Only one of three families gains: with families apart one part alone can show it.
    families = [(f"{family} {n}", family, n) for family in ("a", "b", "c") for n in range(20)]
    old = [result(name, 1.5, family=family) for name, family, _ in families]
    new = [
        result(name, 3.0 if family == "b" else 1.5, family=family) for name, family, _ in families
    ]

    def gains(*, by_kind: bool) -> list[float]:
        found = compare(
            ("new", new), ("old", old), section=ALL, k=1, parts=3, by_kind=by_kind, seed=0
        )
        return sorted(part.value for part in found.parts)

    assert gains(by_kind=True) == pytest.approx([1.0, 1.0, 2.0])
    assert gains(by_kind=False)[0] > 1.0


def test_no_shape_is_in_two_parts() -> None:
    old = [result(f"loop {n}", 1.5, shape="one") for n in range(30)]
    new = [result(f"loop {n}", 2.0, shape="one") for n in range(30)]
    parts = compare(
        ("new", new), ("old", old), section=ALL, k=1, parts=3, by_kind=True, seed=0
    ).parts
    assert sorted(part.value for part in parts) == pytest.approx([1.0, 1.0, 4 / 3])


def test_nobody_proposes_nothing(tmp_path: Path, make_records: Records) -> None:
    (one,) = judged(tmp_path, make_records(1), nobody(), KnownJudge())
    assert one.outcomes == (Outcome.NO_PROPOSAL,)
    assert figures("no model", ALL, [one], seed=0).speedup_at[0].value == 1.0


def test_each_installed_compiler_has_a_row(make_records: Records) -> None:
    rows = {row.name: row for row in compiler_proposers()}
    assert set(rows) <= {"recompile: gcc", "recompile: clang"}
    (record,) = make_records(1)
    assert record.region is not None
    contract = record.region.contract
    scratch = (*contract.scratch, "r13", "r14", "r15")
    roomy = replace(contract, scratch=scratch, may_write=(*contract.may_write, *scratch[-3:]))
    record = replace(record, region=replace(record.region, contract=roomy))
    (text, *_) = rows["recompile: gcc"].answer(record)
    assert text is not None
    assert "jmp\t.LH" in text


def test_a_borrowed_rewrite_has_this_loops_registers_in_its_parts(make_records: Records) -> None:
    one, other = make_records(2, seed=3)
    assert one.region is not None
    assert other.region is not None
    text = borrowed(one.rewrite, one.region.contract, other.region.contract)
    pointer = other.region.contract.inductions[0].register
    assert f"vmovdqu32\t(%{pointer}), %zmm17" in text
    there_and_back = borrowed(text, other.region.contract, one.region.contract)
    assert there_and_back == one.rewrite


def test_random_proposals_are_other_loops_rewrites_and_repeatable(make_records: Records) -> None:
    records = make_records(8)
    proposer = random_proposer(records, samples=5, seed=1)
    answers = proposer.answer(records[0])
    assert len(answers) == 5
    assert answers == random_proposer(records, samples=5, seed=1).answer(records[0])
    assert random_proposer([], samples=2, seed=1).answer(records[0]) == (None, None)


def test_a_report_says_the_same_in_every_form(make_records: Records) -> None:
    question = Question(tuple(make_records(3)), frozenset({"sum"}), frozenset())
    results = {
        "old": [result(f"loop {n}", 1.5, 1.0) for n in range(9)],
        "new": [result(f"loop {n}", 2.0, 1.0) for n in range(9)],
    }
    report = Report(
        "llmcc-train eval",
        "a machine",
        tuple(sections_of(question, results, seed=0)),
        tuple(families_of(results, seed=0)),
        tuple(comparisons_of(question, results, [("new", "old")], k=8, parts=2, seed=0)),
    )
    text = markdown(report)
    assert "| new | 9 | 9 | 100.0% [100.0, 100.0] | 50.0% [50.0, 50.0] |" in text
    assert "1.333 [1.333, 1.333]" in text
    assert "95 % bootstrap over shapes" in text
    assert "- new: ACCEPTED 50.0%, CRASHED 50.0%\n" in text
    document = json.loads(json.dumps(to_json(report)))
    assert document["markdown"] == text
    assert document["comparisons"][-1]["gain"]["value"] == pytest.approx(4 / 3)
    assert [table.title for table in tables(report)] == [SEEN, ALL, "paired comparison"]
