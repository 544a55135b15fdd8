"""The whole way with the shipped model: a C file in, gcc's program with fast paths out."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from llmcc.backends.embedded.backend import SHIPPED_WEIGHTS, EmbeddedBackend
from llmcc.config import Config, read_config
from llmcc.eligibility import Eligibility, SourceFile
from llmcc.outcome import Outcome, OutcomeClass
from llmcc.pipeline import Context, UnitResult, optimise_unit
from llmcc.prove.level import is_enough
from llmcc.rewrite_region import RegionRewriter
from llmcc.sandbox.runner import Sandbox
from llmcc.store.records import DecisionStore
from llmcc.store.unit_records import UnitRecords
from tests.interception.conftest import Compiler

LOOPS = """
int sum(const int *a, int n) { int s = 0; for (int i = 0; i < n; i++) s += a[i]; return s; }
long find(const int *a, long n, int k)
{ for (long i = 0; i < n; i++) if (a[i] == k) return i; return -1; }
"""
MAIN = """
#include <stdio.h>
int sum(const int *, int); long find(const int *, long, int);
int main(void) {
    static int a[2000]; unsigned x = 7; long h = 0;
    for (int n = 1; n < 2000; n += 13) {
        for (int i = 0; i < n; i++) a[i] = (int)((x = x * 1664525u + 1013904223u) >> 8);
        h = h * 31 + sum(a, n) + find(a + n % 7, n - n % 7, (int)(x >> 8));
    }
    printf("%ld\\n", h); return 0;
}
"""
# What a loop the model knows may end as on a machine that is busy; anything else is a fault.
HONEST_ENDINGS = {
    Outcome.ACCEPTED,
    Outcome.NOT_FASTER,
    Outcome.SLOWER_WHEN_SHORT,
    Outcome.MACHINE_TOO_NOISY,
}


def test_a_program_compiled_with_the_model_does_what_gccs_does(compiler: Compiler) -> None:
    (compiler.folder / "loops.c").write_text(LOOPS)
    (compiler.folder / "main.c").write_text(MAIN)
    command = ["-O3", "loops.c", "main.c", "-o", "program"]
    built = compiler.run(command, LLMCC_MODE="sync", LLMCC_BUDGET="60")
    assert (built.returncode, built.stdout, built.stderr) == (0, b"", b"")
    mine = subprocess.run([compiler.folder / "program"], capture_output=True, check=True)
    assert compiler.gcc(command).returncode == 0
    gccs = subprocess.run([compiler.folder / "program"], capture_output=True, check=True)
    assert mine.stdout == gccs.stdout
    units = UnitRecords(compiler.cache).all()
    assert [unit.name for unit in units if unit.loops], "the loops were never looked at"


def _optimised(
    compiler: Compiler, weights: Path, *, require: str = "tested"
) -> tuple[str, UnitResult]:
    (compiler.folder / "loops.c").write_text(LOOPS)
    text = compiler.unit(["-O3", "loops.c"])
    config = replace(
        read_config(), cache=compiler.cache, is_strict=False, budget_s=60.0, require=require
    )
    with Sandbox(compiler.cache) as sandbox:
        return text, optimise_unit(text, _context(config, weights, sandbox))


def _context(config: Config, weights: Path, sandbox: Sandbox) -> Context:
    source = SourceFile(Path("/loops.c"), 0, 0, "")
    answer = Eligibility(frozenset(("sum", "find")), {}, (source,))
    return Context(
        config=config,
        decisions=DecisionStore(config.cache),
        ask_eligibility=lambda text: answer,
        make_rewriter=lambda: RegionRewriter(
            config, backend=EmbeddedBackend(weights=weights), sandbox=sandbox
        ),
    )


def test_the_model_finds_right_rewrites_of_a_sum_and_a_search(compiler: Compiler) -> None:
    _, result = _optimised(compiler, SHIPPED_WEIGHTS)
    endings = {record.function: record.decision.outcome for record in result.records}
    assert set(endings) == {"sum", "find"}
    assert set(endings.values()) <= HONEST_ENDINGS


def test_what_is_accepted_has_the_level_that_is_required(compiler: Compiler) -> None:
    _, result = _optimised(compiler, SHIPPED_WEIGHTS, require="bounded")
    assert len(result.records) == 2
    for record in result.records:
        decision = record.decision
        if decision.outcome is Outcome.ACCEPTED:
            assert is_enough(decision.level, "bounded")
        else:
            assert decision.level == ""


@pytest.mark.parametrize("damage", ["cut", "flipped", "gone"])
def test_damaged_weights_give_gccs_text(compiler: Compiler, tmp_path: Path, damage: str) -> None:
    weights = tmp_path / "weights"
    shutil.copytree(SHIPPED_WEIGHTS, weights)
    file = weights / "model.safetensors"
    data = bytearray(file.read_bytes())
    if damage == "cut":
        file.write_bytes(data[: len(data) // 2])
    elif damage == "flipped":
        data[len(data) // 2] ^= 0xFF
        file.write_bytes(data)
    else:
        file.unlink()
    text, result = _optimised(compiler, weights)
    assert result.text == text
    kinds = {record.decision.outcome.kind for record in result.records}
    assert kinds == {OutcomeClass.ENVIRONMENT}
