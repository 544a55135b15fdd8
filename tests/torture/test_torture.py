"""A fast sample of `make torture`: our small programs; gcc's tests and csmith's if installed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from llmcc.gate.check import check
from llmcc.outcome import Outcome, Refusal
from llmcc.propose import Request
from llmcc.regions.model import Region
from llmcc.sandbox.runner import Sandbox
from llmcc.store.records import RegionDecision
from llmcc.verify.battery import Battery
from llmcc.verify.verify import verify
from tests.torture import c_torture, csmith, small
from tests.torture.cases import Case
from tests.torture.compare import Comparer, with_counters
from tests.torture.journal import DIFFERENT, NO_END, SAME, Journal, Row
from tests.torture.liar import Liar
from tests.torture.programs import LLMCC
from tests.torture.report import figures, write_figures
from tests.torture.spoil import stand_ins
from tests.torture.untimed import plain_config, untimed_rewriter

# With loops that llmcc can handle; one has several sources.
C_TORTURE_SAMPLE = (
    "20021011-1.c 20051113-1.c 931004-10.c loop-2e.c memset-1.c pr56837.c pr59643.c va-arg-22.c"
    " builtins/pr22237.c ieee/pr72824-2.c"
).split()
# Fast paths that are executed, at least; other versions of gcc make other loops.
LEAST_FAST_PATHS = {"arrays": 2, "bits": 3, "floats": 2, "loops": 2, "strings": 2}
CHECKOUT = Path(__file__).parents[2]
OWN = {
    case.name.removeprefix("small/"): case
    for case in small.cases_with_expected_output(small.OWN_FOLDER)
}


@dataclass(frozen=True)
class StandIns:
    """Puts rewrites that gain nothing in front of every loop, after a quick verification."""

    sandbox: Sandbox

    def rewrite(self, region: Region, function_text: str) -> RegionDecision:
        battery = Battery.build(region, sandbox=self.sandbox, seed=0)
        if isinstance(battery, Refusal):
            return RegionDecision(battery.outcome, battery.detail)
        last = Refusal(Outcome.NO_PROPOSAL)
        for gated in check(region, stand_ins(Request(region, "avx2"))):
            if isinstance(gated, Refusal):
                last = gated
                continue
            verdict = verify(
                region, gated, sandbox=self.sandbox, seed=0, quick=True, battery=battery
            )
            if not isinstance(verdict, Refusal):
                backend = gated.proposal.backend
                return RegionDecision(Outcome.ACCEPTED, "", gated.isa, gated.text, backend)
            last = verdict
        return RegionDecision(last.outcome, last.detail)


@pytest.fixture(scope="module")
def comparer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Comparer]:
    """Compare with stand-ins in front of every loop llmcc can handle."""
    if not LLMCC.exists():
        pytest.skip("llmcc is not installed here: make setup")
    config = plain_config(tmp_path_factory.mktemp("store"))
    with Sandbox(config.cache) as sandbox:
        yield Comparer(config, StandIns(sandbox))


@pytest.mark.parametrize("name", sorted(OWN))
def test_a_small_program_prints_what_it_should(
    comparer: Comparer, tmp_path: Path, name: str
) -> None:
    row = comparer.compare(OWN[name], folder=tmp_path)
    assert row.verdict == SAME
    assert row.is_passed_by_gcc
    assert row.is_passed_by_llmcc
    assert row.counts.failed == 0
    assert row.ran is not None
    assert row.ran >= LEAST_FAST_PATHS.get(name, 0)


def test_the_models_own_fast_paths_are_executed_and_right(own_cache: Path, tmp_path: Path) -> None:
    if not LLMCC.exists():
        pytest.skip("llmcc is not installed here: make setup")
    config = plain_config(own_cache)
    with Sandbox(own_cache) as sandbox:
        comparer = Comparer(config, untimed_rewriter(config, sandbox))
        row = comparer.compare(OWN["loops"], folder=tmp_path)
    assert row.verdict == SAME
    assert row.backends["embedded"] >= 1
    assert row.ran == row.counts.accepted >= 2


def test_a_wrong_fast_path_is_noticed(own_cache: Path, tmp_path: Path) -> None:
    if not LLMCC.exists():
        pytest.skip("llmcc is not installed here: make setup")
    row = Comparer(plain_config(own_cache), Liar()).compare(OWN["loops"], folder=tmp_path)
    assert row.verdict.startswith(DIFFERENT)
    assert row.is_passed_by_gcc
    assert not row.is_passed_by_llmcc


def test_a_program_that_does_not_compile_is_refused_alike(
    comparer: Comparer, tmp_path: Path
) -> None:
    (tmp_path / "wrong.c").write_text("int main(void) { return x; }\n")
    row = comparer.compare(Case("wrong", tmp_path, ("wrong.c",), ()), folder=tmp_path)
    assert (row.verdict, row.is_passed_by_gcc, row.is_passed_by_llmcc) == (SAME, False, False)


def test_a_program_without_end_is_no_result(comparer: Comparer, tmp_path: Path) -> None:
    (tmp_path / "endless.c").write_text("int main(void) { volatile int x = 1; while (x); }\n")
    config = plain_config(tmp_path / "store")
    impatient = Comparer(config, Liar(), run_timeout_s=0.2)
    row = impatient.compare(Case("endless", tmp_path, ("endless.c",), ()), folder=tmp_path)
    assert row.verdict == NO_END


@pytest.mark.parametrize("seed", [1, 3, 12])
def test_a_csmith_program_ends_the_same(comparer: Comparer, tmp_path: Path, seed: int) -> None:
    if (include := csmith.csmith_headers()) is None:
        pytest.skip(csmith.HOW_TO_INSTALL)
    case = csmith.case_of_seed(seed, include=include, folder=tmp_path)
    row = comparer.compare(case, folder=tmp_path)
    assert row.verdict == SAME


@pytest.fixture(scope="session")
def execute(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of gcc's C execution tests."""
    if not c_torture.TARBALL.exists():
        pytest.skip(c_torture.HOW_TO_INSTALL)
    return c_torture.unpack(tmp_path_factory.mktemp("c-torture"))


@pytest.mark.parametrize("name", C_TORTURE_SAMPLE)
def test_llmcc_passes_a_test_of_gccs(
    comparer: Comparer, execute: Path, tmp_path: Path, name: str
) -> None:
    (case,) = (case for case in c_torture.cases(execute) if case.name == name)
    row = comparer.compare(case, folder=tmp_path)
    assert row.verdict == SAME
    assert row.is_passed_by_gcc
    assert row.is_passed_by_llmcc


def test_options_for_other_machines_are_left_out() -> None:
    text = """
    /* { dg-options "-fwrapv -O2" } */
    /* { dg-options { "-fno-inline" } } */
    /* { dg-additional-options "-mno-stv" { target i?86-*-* x86_64-*-* } } */
    /* { dg-additional-options "-mno-eabi" { target powerpc-*-eabi* } } */
    /* { dg-options "-mtune=i686" { target { { i?86-*-* x86_64-*-* } && ia32 } } } */
    """
    assert c_torture.options_in(text) == ["-fwrapv", "-O2", "-fno-inline", "-mno-stv"]


def test_every_guard_gets_a_counter_of_its_own() -> None:
    text = "\t.text\n.Lllmcc_fp0:\n\ttestb\n.Lllmcc_fp1:\n\ttestb\n"
    counted, following = with_counters(text, first=3)
    assert counted == (
        "\t.text\n.Lllmcc_fp0:\n\tincq\tllmcc_ran+24(%rip)\n\ttestb\n"
        ".Lllmcc_fp1:\n\tincq\tllmcc_ran+32(%rip)\n\ttestb\n"
    )
    assert following == 5


def test_a_journal_gives_back_its_rows(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "new" / "suite.jsonl")
    rows = [
        Row("a", SAME, True, True, outcomes={"ACCEPTED": 2, "HAS_CALL": 1}, ran=1, seconds=2.5),
        Row("b", NO_END, False, False),
        Row("c", f"{DIFFERENT}: run 0", True, False),
    ]
    assert journal.rows() == []
    for row in rows:
        journal.add(row)
    assert journal.rows() == rows
    told = figures("suite", journal.rows())
    assert (told.programs, told.endless, told.different) == (2, 1, ("c",))
    assert (told.passed_by_gcc, told.passed_by_llmcc, told.passed_by_one) == (2, 1, ("c",))
    assert (told.found, told.accepted, told.ran) == (3, 2, 1)


def test_new_figures_take_the_place_of_the_old(tmp_path: Path) -> None:
    document = tmp_path / "torture.md"
    document.write_text((CHECKOUT / "docs" / "torture.md").read_text() + "\nold figures\n")
    told = [figures("small", [Row("a", SAME, True, True, outcomes={"ACCEPTED": 1}, ran=1)])]
    write_figures(told, "the command", document, unfinished=["csmith"])
    text = document.read_text()
    assert "old figures" not in text
    assert "| small | 1 | 1 | 1 | **0** | 0 | 0 |" in text
    assert text.startswith("# Programs of others")
    assert text.endswith("**Not finished** when this was written: csmith.\n")
