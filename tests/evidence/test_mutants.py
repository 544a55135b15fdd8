"""A sample of `make mutants`: the oracle tells right from wrong, and llmcc refuses the wrong."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from llmcc.ctl.bench_kernels import read_table
from llmcc.gate.check import Gated, check
from llmcc.propose import Proposal
from llmcc.sandbox.runner import Sandbox
from llmcc.training.experts import is_packed
from llmcc.training.widen import widen
from tests.evidence.fast_paths import AcceptedPath
from tests.evidence.kernel_teachers import taught
from tests.evidence.kernel_units import FOLDER, KernelRegion, kernel_regions
from tests.evidence.machine_facts import machine_facts
from tests.evidence.mutant_report import shortened, summary, write_page
from tests.evidence.mutant_trial import PASSED, Judge, MutantRow, Survivor, Trial, all_mutants
from tests.evidence.mutations import MutantSet, mutants_of
from tests.evidence.oracle import Judged, Oracle

_SAMPLE = 30
_KERNELS = {kernel.name: kernel for kernel in read_table(FOLDER)}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.getbasetemp() / "runner") as opened:
        yield opened


def _place(kernel: str) -> KernelRegion:
    return next(place for place in kernel_regions("-O3") if place.kernel == kernel)


def _taught(place: KernelRegion) -> AcceptedPath:
    region = place.region
    texts = [widen(region, "avx2")] if is_packed(region) else taught(place.kernel, region, "avx2")
    (gated,) = check(region, [Proposal(texts[0], "avx2", 0.0, "teacher")])
    assert isinstance(gated, Gated), gated
    return AcceptedPath(place.kernel, "-O3", place.number, "avx2", "teacher", 0, gated.text)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["sum_i64", "find_i32"])
def test_refuses_every_mutant_that_the_oracle_finds_wrong(
    kernel: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    place = _place(kernel)
    path = _taught(place)
    every = all_mutants(place, path)
    drawn = tuple(random.Random(1).sample(every.mutants, _SAMPLE))
    judge = Judge(place, Oracle(_KERNELS[kernel], tmp_path, seed=1), sandbox)
    trial = judge.try_path(path, MutantSet(drawn, every.duplicates), right_sample=0)
    assert trial.original == "SAME"
    assert trial.survivors == ()
    found = summary([trial])
    assert found["oracle_wrong"] >= _SAMPLE // 3
    assert found["wrong_refused"] == found["oracle_wrong"]


def test_the_oracle_names_what_is_wrong_with_a_rewrite(tmp_path: Path) -> None:
    place = _place("sum_i32")
    texts = {
        "\tjmp\t.LH\n": Judged.SAME,
        "\taddl\t$1, (%rsp)\n\tjmp\t.LH\n": Judged.CRASHED,  # the return address
        ".LR0:\n\tjmp\t.LR0\n": Judged.STUCK,
    }
    oracle = Oracle(_KERNELS["sum_i32"], tmp_path, seed=1)
    found = oracle.judge(place, "avx2", list(texts))
    assert [one.verdict for one in found] == list(texts.values())


def test_the_oracle_sees_another_answer_and_other_memory(tmp_path: Path) -> None:
    place = _place("replace_byte")
    oracle = Oracle(_KERNELS["replace_byte"], tmp_path, seed=1)
    head = place.region.contract.inductions[0].register
    found = oracle.judge(place, "avx2", [f"\tmovb\t$7, (%{head})\n\tjmp\t.LH\n"])
    assert found[0].verdict is Judged.MEMORY


def test_makes_every_mutant_of_an_instruction_once() -> None:
    text = "\taddq\t$8, %rdi\n\tcmpq\t%rdi, %rsi\n\tjmp\t.LH\n"
    made = mutants_of(text, targets=(".LH", ".LX0"), element_bytes=8)
    assert [(one.kind, one.after) for one in made.mutants if one.line == 0] == [
        ("deleted", ""),
        ("mnemonic", "subq\t$8, %rdi"),
        ("mnemonic", "adcq\t$8, %rdi"),
        ("mnemonic", "orq\t$8, %rdi"),
        ("immediate", "addq\t$9, %rdi"),
        ("immediate", "addq\t$7, %rdi"),
        ("register", "addq\t$8, %rsi"),
        ("operands exchanged", "addq\t%rdi, $8"),
    ]
    assert [(one.kind, one.after) for one in made.mutants if one.line == 2] == [
        ("deleted", ""),
        ("exit", "jmp\t.LX0"),
    ]


def test_moves_displacements_by_a_byte_an_element_and_a_vector() -> None:
    made = mutants_of("\tvmovdqu\t-8(%rdi,%rax,4), %ymm0\n", targets=(".LH",), element_bytes=4)
    moved = [one.after for one in made.mutants if one.kind == "displacement"]
    assert moved == [f"vmovdqu\t{at}(%rdi,%rax,4), %ymm0" for at in (-7, -9, -4, -12, 24, -40)]
    assert [one.after for one in made.mutants if one.kind == "scale"] == [
        "vmovdqu\t-8(%rdi,%rax,2), %ymm0",
        "vmovdqu\t-8(%rdi,%rax,8), %ymm0",
    ]


def test_the_page_lists_a_survivor_in_full(tmp_path: Path) -> None:
    row = MutantRow("deleted", "ANSWER", PASSED, "")
    refused = MutantRow("immediate", "CRASHED", "READS_BEYOND", "verify")
    hole = Survivor(
        "a path", "deleted", 3, "addq\t$1, %rax", "", "\tjmp\t.LH\n", "ANSWER", "case 5"
    )
    trial = Trial("a path", "a loop", "SAME", 2, 1, (row, refused), (hole,))
    record = {
        "machine": asdict(machine_facts("tests.evidence.mutants")),
        "right_sample_per_path": 1,
        "summary": summary([trial]),
        "trials": [shortened(trial)],
    }
    write_page(tmp_path / "page.md", record)
    page = (tmp_path / "page.md").read_text()
    assert "**1 of 2 wrong mutants refused (50.00%)**" in page
    assert "a path, line 3, deleted: `addq $1, %rax` became ``." in page
    assert "| deleted | 1 | 1 | 0 |" in page


def test_a_path_that_the_oracle_finds_wrong_is_counted_apart() -> None:
    trial = Trial("a path", "a loop", "ANSWER", 0, 0, (), ())
    found = summary([trial])
    assert (found["paths"], found["paths_wrong_by_the_oracle"]) == (0, ["a path"])
