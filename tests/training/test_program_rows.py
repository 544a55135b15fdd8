"""Rows of the program environment: readers, prompt, responses, copies, metrics."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcc.outcome import Outcome
from llmcc.training.program.copies import canonical, is_copy, paper_calls_identical
from llmcc.training.program.judging import Result, Trial
from llmcc.training.program.metrics import summarise
from llmcc.training.program.prompting import answer_of, assembly_of, prompt_of
from llmcc.training.program.readers import read_programs, read_rows
from llmcc.training.program.responses import read_responses, response_line
from llmcc.training.program.rows import Example, Row, from_record, to_line
from llmcc.training.program.timing import PairedTiming, PaperTiming, paired_timing

PROGRAMS = Path(__file__).parent / "programs"
_ROW = Row(
    "a", "int main(void) { }\n", "\tret\n", (Example("1\n", "é\n"), Example("", "")), "train"
)
_ASSEMBLY = """\t.file\t"x.c"
\t.section\t.rodata.str1.1,"aMS",@progbits,1
.LC0:
\t.string\t"a # b; c\\"d /* e */"
\t.text
\t.p2align 4
\t.globl\tmain
\t.type\tmain, @function
main:
.LFB23:
\t.cfi_startproc
\tleaq\t.LC0(%rip), %rdi
\tcall\tputs@PLT
.L2:
\taddl\t$1, %eax
\tjne\t.L2
\tret
\t.cfi_endproc
"""
_text = st.text(st.characters(exclude_categories=("Cs",)))


@given(_text, _text, _text, st.lists(st.tuples(_text, _text)))
def test_a_row_survives_its_line(
    identity: str, c: str, asm: str, io: list[tuple[str, str]]
) -> None:
    row = Row(identity or "x", c, asm, tuple(Example(*pair) for pair in io), "validation")
    assert from_record(json.loads(to_line(row)), number=0) == row


@given(st.recursive(st.none() | st.integers() | _text, st.lists, max_leaves=4), st.booleans())
def test_refuses_a_record_of_another_shape_with_a_value_error(value: object, paper: bool) -> None:
    key = "extra_info" if paper else "tests"
    with pytest.raises(ValueError, match="row 3"):
        from_record({key: value}, number=3)


def _paper_record() -> dict[str, object]:
    return {
        "data_source": "val",
        "prompt": [{"role": "user", "content": "…"}],
        "ability": "code",
        "reward_model": {"style": "rule", "ground_truth": "…"},
        "extra_info": {
            "split": "val",
            "index": 7,
            "c_code": _ROW.c,
            "inputs": [test.input for test in _ROW.tests],
            "outputs": [test.output for test in _ROW.tests],
            "unoptimized_assembly": "```assembly\n" + _ROW.assembly + "```",
        },
    }


def test_reads_the_schema_of_the_paper_from_every_format(tmp_path: Path) -> None:
    wanted = Row("7", _ROW.c, _ROW.assembly, _ROW.tests, "validation")
    record = _paper_record()
    (tmp_path / "a.jsonl").write_text(json.dumps(record) + "\n\n", encoding="utf-8")
    (tmp_path / "a.json").write_text(json.dumps([record]), encoding="utf-8")
    with (tmp_path / "a.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(record))
        writer.writeheader()
        nested = {k: v if isinstance(v, str) else json.dumps(v) for k, v in record.items()}
        writer.writerow(nested)
    for name in ("a.jsonl", "a.json", "a.csv"):
        assert list(read_rows(tmp_path / name)) == [wanted], name


def test_reads_the_schema_of_the_paper_from_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="needs the extra [train]")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.Table.from_pylist([_paper_record()]), tmp_path / "a.parquet")
    assert [row.tests for row in read_rows(tmp_path / "a.parquet")] == [_ROW.tests]


def test_a_file_of_an_unknown_kind_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("")
    with pytest.raises(ValueError, match=r"a\.xml"):
        list(read_rows(tmp_path / "a.xml"))


def test_finds_the_tests_of_a_folder_as_of_codenet(tmp_path: Path) -> None:
    solutions = tmp_path / "p00001" / "C"
    solutions.mkdir(parents=True)
    (solutions / "s1.c").write_text("int main(void) { return 0; }")
    for number in (10, 2):
        (tmp_path / "p00001" / f"input.{number}.txt").write_text(str(number))
    (tmp_path / "p00001" / "output.2.txt").write_text("two")
    (program,) = read_programs(tmp_path)
    assert program.id == "p00001/C/s1"
    assert (program.inputs, program.outputs) == (("2", "10"), ("two", None))


def test_a_program_does_not_take_the_tests_of_its_neighbour(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.c").write_text("")
    (tmp_path / "one.1.in").write_text("1")
    assert [program.inputs for program in read_programs(tmp_path)] == [("1",), ()]


def test_finds_the_tests_of_the_examples() -> None:
    programs = {program.id: program for program in read_programs(PROGRAMS)}
    assert len(programs) == 8
    assert programs["collatz"].outputs == ("111\n", "0\n", "524\n")


def test_the_prompt_is_the_published_one_word_for_word() -> None:
    assert prompt_of(_ROW) == (
        "Given the following C code and assembly code, your task is to generate highly optimized "
        "x86-64 assembly code.\nC Code:\n\n```c\nint main(void) { }\n```\n\nAssembly Code:\n\n"
        "```assembly\n\tret\n```\n\nOnly output the optimized assembly code. Do not include any "
        "other text. Do not write any comments in the assembly code. Wrap the assembly code in "
        "```assembly``` tags.\nOptimized Assembly Code:\n"
    )
    assert "Assembly Code:\n\n```assembly\n\t" not in prompt_of(_ROW, with_assembly=False)


@given(_text.filter(lambda text: "```" not in text and not text.endswith("`")))
def test_finds_the_assembly_in_its_own_answer(assembly: str) -> None:
    assert assembly_of(answer_of(assembly)) == assembly


def test_finds_the_assembly_between_other_words_and_when_it_was_cut_off() -> None:
    assert assembly_of("Sure:\n```assembly\n\tret\n```\nDone.") == "\tret\n"
    assert assembly_of("```assembly\n\tret\n\tre") == "\tret\n\tre"
    assert assembly_of("\tret\n") == "\tret\n"


def test_a_copy_with_its_tabs_stripped_is_a_copy_though_not_identical_by_the_paper() -> None:
    stripped = "\n".join(line.strip() for line in _ASSEMBLY.splitlines())
    assert is_copy(stripped, _ASSEMBLY)
    assert not paper_calls_identical(stripped, _ASSEMBLY)
    assert paper_calls_identical("```assembly\n" + _ASSEMBLY + "```", _ASSEMBLY)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (".L2", ".Lagain"),
        ("\taddl", "\t# next\n\taddl"),
        ("$1, %eax", "$1,%eax /* one */"),
        ("\t.p2align 4\n", ""),
        (".LFB23:\n", ""),
        ("\taddl\t$1, %eax\n\tjne", "\taddl $1, %eax; jne"),
    ],
)
def test_what_the_machine_does_not_see_makes_no_difference(old: str, new: str) -> None:
    assert old in _ASSEMBLY
    assert is_copy(_ASSEMBLY.replace(old, new), _ASSEMBLY)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("$1", "$2"),
        ("%eax", "%ecx"),
        ("a # b", "a # c"),
        ("e */", "f */"),
        ("jne\t.L2", "jne\tmain"),
        ("puts", "gets"),
        ("\tret\n", ""),
    ],
)
def test_another_instruction_or_other_data_is_no_copy(old: str, new: str) -> None:
    assert old in _ASSEMBLY
    assert not is_copy(_ASSEMBLY.replace(old, new), _ASSEMBLY)


@given(st.text(st.sampled_from('a.L1:#";/*\n\t ,%()@\\')))
def test_canonical_text_stays_as_it_is(text: str) -> None:
    assert canonical(canonical(text)) == canonical(text)


def test_reads_responses_and_names_the_line_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(response_line("a", "x") + response_line("a", "y"), encoding="utf-8")
    assert read_responses(path) == {"a": "x"}
    path.write_text(response_line("a", "x") + '{"id": "b"}\n', encoding="utf-8")
    with pytest.raises(ValueError, match=":2:"):
        read_responses(path)


def _result(outcome: Outcome, ratio: float | None = None, *, is_copy: bool = False) -> Result:
    paired = None if ratio is None else PairedTiming(ratio, ratio - 0.05, ratio + 0.05)
    paper = None if ratio is None else PaperTiming(ratio, max(1.0, ratio), "own")
    return Result("x", Trial(outcome, 1, 2), is_copy, False, paper, paired)


def test_the_paper_clamps_and_we_do_not() -> None:
    results = [
        _result(Outcome.NOT_FASTER, 0.5),
        _result(Outcome.NOT_FASTER, 2.0),
        _result(Outcome.WRONG_OUTPUT),
        _result(Outcome.GATE_DOES_NOT_ASSEMBLE),
    ]
    paper, ours = summarise(results, "paper"), summarise(results, "ours")
    assert (paper.compile_pass, paper.test_pass, paper.shown_faster) == (0.75, 0.5, 0.25)
    assert (paper.mean, ours.mean) == (1.25, 1.125)
    assert ours.geomean == pytest.approx(1.0)
    assert ours.percentiles[0] == pytest.approx(0.875)
    assert ours.floored_percentiles[0] == 1.0


def test_a_copy_is_never_faster_by_ours_but_is_by_the_paper_when_its_text_differs() -> None:
    copy = Result(
        "x",
        Trial(Outcome.NOT_FASTER, 2, 2),
        is_copy=True,
        is_identical_by_paper=False,
        paper=PaperTiming(1.3, 1.3, "own"),
    )
    assert copy.judgement("ours").outcome is Outcome.IDENTICAL
    assert copy.judgement("paper").is_faster


def test_the_interval_of_pairs_holds_their_median() -> None:
    random = np.random.default_rng(0)
    timing = paired_timing(np.log(1.5) + random.normal(0, 0.01, (15, 3)), seed=0)
    assert timing.low_ratio < timing.ratio < timing.high_ratio
    assert timing.ratio == pytest.approx(1.5, rel=0.02)
