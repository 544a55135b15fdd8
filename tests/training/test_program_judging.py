"""Judging whole programs: right, wrong and hostile ones, really built and run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from llmcc.outcome import Outcome
from llmcc.training.program.judging import judge
from llmcc.training.program.making import make_row, program_data
from llmcc.training.program.readers import read_programs
from llmcc.training.program.responses import response_line
from llmcc.training.program.rows import Program, Row
from llmcc.training.program.running import Limits
from llmcc.training.rewards import REWARDS
from tests.process_end import ends

PROGRAMS = Path(__file__).parent / "programs"
_LIMITS = Limits(wall_s=5.0, cpu_s=5)


@pytest.fixture(scope="module")
def bits() -> Row:
    (program,) = [program for program in read_programs(PROGRAMS) if program.id == "bits"]
    row = make_row(program, limits=_LIMITS)
    assert isinstance(row, Row)
    return row


def _assembly(c: str) -> str:
    answer = subprocess.run(
        ["gcc", "-O1", "-w", "-S", "-x", "c", "-", "-o", "-"],
        input=c,
        capture_output=True,
        text=True,
        check=True,
    )
    return answer.stdout


def test_a_row_holds_optimised_assembly_and_what_the_program_prints(bits: Row) -> None:
    assert "main:" in bits.assembly
    assert ".text.startup" in bits.assembly  # only with optimisation
    assert [test.output for test in bits.tests] == ["12\n", "35\n", "0\n"]


@pytest.mark.parametrize(
    ("c", "inputs", "outputs", "reason"),
    [
        ("int main(void) { return 3; }", ("",), (None,), "crashes"),
        ("int main(void) { for (;;) ; }", ("",), (None,), "crashes"),
        ("int main(void) {", ("",), (None,), "does not compile"),
        ("int main(void) { return 0; }", (), (), "has no tests"),
        ("int main(void) { return 0; }", ("",), ("1\n",), "than its test says"),
    ],
)
def test_a_program_that_is_no_use_makes_no_row(
    c: str, inputs: tuple[str, ...], outputs: tuple[str | None, ...], reason: str
) -> None:
    row = make_row(Program("x", c, inputs, outputs), limits=Limits(wall_s=0.3, cpu_s=1))
    assert isinstance(row, str)
    assert reason in row


def test_times_a_right_rewrite_by_both_protocols(bits: Row) -> None:
    c = bits.c.replace("total += x & 1u;", "total++;").replace("x >>= 1;", "x &= x - 1;")
    assert c != bits.c
    result = judge(bits, _assembly(c), limits=_LIMITS)
    assert result.tested.is_right
    assert not result.is_copy
    assert result.paired is not None
    assert result.paired.low_ratio <= result.paired.ratio <= result.paired.high_ratio
    assert result.paper is not None
    assert result.paper.clamped_ratio >= max(1.0, result.paper.ratio)
    assert result.judgement("ours").is_right


def test_a_copy_is_not_timed_unless_asked_for(bits: Row) -> None:
    copied = judge(bits, bits.assembly, limits=_LIMITS)
    assert (copied.paper, copied.paired) == (None, None)
    assert copied.judgement("ours").outcome is Outcome.IDENTICAL
    timed = judge(bits, bits.assembly, protocols=("ours",), limits=_LIMITS, times_copies=True)
    assert timed.paired is not None


@pytest.mark.parametrize(
    ("c", "outcome", "cgs"),
    [
        ('int main(void) { puts("12"); return 0; }', Outcome.WRONG_OUTPUT, 1 / 3),
        ("int main(void) { *(volatile int *)0 = 1; }", Outcome.CRASHED, -0.5),
        ('int main(void) { puts("12"); return 1; }', Outcome.CRASHED, -0.5),
        ("int main(void) { for (;;) ; }", Outcome.TIMED_OUT, -0.5),
        ("int main(void) { close(1); for (;;) pause(); }", Outcome.TIMED_OUT, -0.5),
        ("int main(void) { return undefined(); }", Outcome.GATE_DOES_NOT_ASSEMBLE, -1.0),
    ],
)
def test_a_wrong_program_ends_as_the_paper_scores_it(
    bits: Row, c: str, outcome: Outcome, cgs: float
) -> None:
    judgement = judge(bits, _assembly(c), limits=Limits(wall_s=0.5, cpu_s=2)).judgement("paper")
    assert judgement.outcome is outcome
    assert REWARDS["cgs"](judgement) == pytest.approx(cgs)
    assert REWARDS["so"](judgement) == 0.0


def test_text_that_is_no_assembly_is_refused(bits: Row) -> None:
    result = judge(bits, "I cannot do that.\n", limits=_LIMITS)
    assert not result.tested.is_built


def test_a_program_that_prints_without_end_is_stopped(bits: Row) -> None:
    result = judge(bits, _assembly('int main(void) { for (;;) puts("x"); }'), limits=_LIMITS)
    assert not result.tested.is_right


def test_children_of_a_program_die_with_it(bits: Row, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    c = f"""#include <stdio.h>
#include <unistd.h>
int main(void) {{
    pid_t child = fork();
    if (child == 0) for (;;) pause();
    FILE *file = fopen("{note}", "w");
    fprintf(file, "%d", child);
    fclose(file);
    return 1;
}}"""
    judge(bits, _assembly(c), limits=Limits(wall_s=0.7))
    assert ends(int(note.read_text()))


def test_behind_the_fence_a_program_gets_no_socket(tmp_path: Path) -> None:
    program = tmp_path / "reach"
    c = "#include <sys/socket.h>\nint main(void) { return socket(AF_INET, SOCK_STREAM, 0) < 0; }"
    subprocess.run(["gcc", "-x", "c", "-", "-o", program], input=c, text=True, check=True)
    code = (
        "import subprocess, sys\n"
        "from llmcc.training.program.fence import refuse_network\n"
        "former = subprocess.call([sys.argv[1]])\n"
        "print(refuse_network(), former, subprocess.call([sys.argv[1]]))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, program], capture_output=True, text=True, check=True
    )
    assert answer.stdout.split() == ["True", "0", "1"]


def test_the_table_is_written_for_responses_and_for_the_baseline_again(tmp_path: Path) -> None:
    # In processes of their own: the fence is for good.
    rows, report = tmp_path / "rows.jsonl", tmp_path / "report.json"
    train = [sys.executable, "-m", "llmcc.training.main"]
    for name in ("bits", "hello"):
        (tmp_path / f"{name}.c").write_text((PROGRAMS / f"{name}.c").read_text())
        (tmp_path / f"{name}.1.in").write_text("3\n")
    sources = [str(tmp_path / f"{name}.c") for name in ("bits", "hello")]
    subprocess.run([*train, "program-data", *sources, "--out", rows], check=True)
    responses = tmp_path / "responses.jsonl"
    responses.write_text(response_line("bits", "```assembly\nnothing\n```"))
    command = [*train, "program-eval", rows, "--responses", responses, "--json", report]
    answer = subprocess.run(
        [*command, "--protocol", "ours"], capture_output=True, text=True, check=True
    )
    assert "A/A" in answer.stdout
    figures = json.loads(report.read_text())["summaries"]
    assert figures["A/A (the baseline again)"][0]["test_pass"] == 1.0
    assert figures["responses.jsonl"][0]["compile_pass"] == 0.0


def test_refuses_a_source_that_is_not_there() -> None:
    assert CliRunner().invoke(program_data, ["/nonexistent.c"]).exit_code == 2
