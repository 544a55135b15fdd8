"""`llmcc-ctl revert`: the next build assembles gcc's loop; `--undo` brings the fast path back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from llmcc.ctl.main import main
from llmcc.native.build import build
from llmcc.outcome import Outcome
from llmcc.pipeline import UnitResult, store_result, unit_record
from llmcc.store.generation import read_generation
from llmcc.store.records import DecisionStore
from llmcc.store.refused import RefusedTexts
from llmcc.store.unit_records import UnitRecords
from tests.interception.conftest import Compiler, make_compiler
from tests.interception.planted import Planter, function
from tests.torture.untimed import fill_store, plain_config

COMMAND = ["-O3", "-c", "loops.c"]
NAMES = ("first_adds", "right_second")

CLONED = """\
static __attribute__((noinline)) unsigned adds(const int *a, int n, unsigned k)
{ unsigned s = 1; for (int i = 0; i < n; i++) s = (s ^ a[i]) * k; return s; }
unsigned twice(const int *a, int n) { return adds(a, n, 77) + adds(a + 1, n, 77); }
"""


def _run(*arguments: str, status: int = 0) -> str:
    result = CliRunner().invoke(main, ["revert", *arguments], catch_exceptions=False)
    assert result.exit_code == status, result.output
    return result.output


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("native"), entries=())


@pytest.fixture
def compiler(native: Path, own_cache: Path, tmp_path: Path) -> Compiler:
    return make_compiler(native, own_cache, tmp_path)


def _optimise(compiler: Compiler) -> UnitResult:
    """Do what a compile in mode sync does."""
    config = plain_config(compiler.cache)
    result = fill_store(Planter(), COMMAND, folder=compiler.folder, config=config)
    text = compiler.unit(COMMAND)
    key = compiler.key(text, COMMAND)
    store_result(key, result, compiler.store)
    UnitRecords(compiler.cache).put(unit_record(key, text, None, result, seconds=1.0))
    return result


@pytest.fixture
def built(compiler: Compiler) -> Compiler:
    """Two functions with a fast path each, in the store and in an object."""
    (compiler.folder / "loops.c").write_text("".join(map(function, NAMES)))
    _optimise(compiler)
    assert _fast_paths_on(compiler) == set(NAMES)
    return compiler


def _fast_paths_on(compiler: Compiler) -> set[str]:
    """Build and tell which functions' fast paths are on, by what the text of the unit says."""
    assert compiler.run(COMMAND).stderr == b""
    entry = compiler.store.get(compiler.key(compiler.unit(COMMAND), COMMAND))
    if entry is None or entry.rewritten is None:
        assert b"llmcc_cpu" not in (compiler.folder / "loops.o").read_bytes()
        return set()
    on = set()
    for part in entry.rewritten.split("\t.ascii\t")[1:]:
        name = part.partition('.string\t"')[2].partition('"')[0]
        if "\ttestb\t$1, .Lllmcc_cpu" in part.partition("\tje\t")[0]:
            on.add(name)
    return on


def _outcomes(compiler: Compiler) -> set[Outcome]:
    return {decision.outcome for _, decision in DecisionStore(compiler.cache).all()}


def test_the_next_build_assembles_gccs_loop(built: Compiler) -> None:
    told = _run("first_adds")
    assert told.startswith("loops.c: first_adds, loop .L")
    assert told.endswith("1 fast paths reverted\n")
    assert read_generation(built.cache) == 1
    assert _fast_paths_on(built) == {"right_second"}


def test_an_optimising_compile_does_not_bring_it_back(built: Compiler) -> None:
    _run("first_adds")
    result = _optimise(built)
    outcomes = {record.function: record.decision.outcome for record in result.records}
    assert outcomes == {
        "first_adds": Outcome.REVERTED_BY_USER,
        "right_second": Outcome.ACCEPTED,
    }
    assert _fast_paths_on(built) == {"right_second"}


def test_the_text_is_refused_under_other_settings_too(built: Compiler) -> None:
    _run("first_adds")
    (record,) = UnitRecords(built.cache).all()
    (loop,) = [loop for loop in record.loops if loop.function == "first_adds"]
    assert loop.decision.outcome is Outcome.REVERTED_BY_USER
    assert loop.decision.detail == "undo it with `llmcc-ctl revert --undo first_adds`"
    refusal = RefusedTexts(built.cache).refusal(loop.decision.isa, loop.decision.rewrite)
    assert refusal is not None
    assert refusal.outcome is Outcome.REVERTED_BY_USER


def test_all_reverts_every_function(built: Compiler) -> None:
    rows = json.loads(_run("--all", "--json"))["reverted"]
    assert {row["function"] for row in rows} == set(NAMES)
    assert set(rows[0]) == {"unit", "function", "head_label", "isa"}
    assert _fast_paths_on(built) == set()
    assert _outcomes(built) == {Outcome.REVERTED_BY_USER}


def test_a_decision_that_was_evicted_does_not_matter(built: Compiler) -> None:
    for path in (built.cache / "regions").glob("*/*"):
        path.unlink()
    _run("first_adds")
    assert _fast_paths_on(built) == {"right_second"}


def test_undo_brings_it_back_without_trying_again(built: Compiler) -> None:
    _run("--all")
    _optimise(built)
    assert _run("--undo", "first_adds").endswith("1 fast paths allowed again\n")
    assert read_generation(built.cache) == 2
    result = _optimise(built)
    outcomes = {record.function: record.decision.outcome for record in result.records}
    assert outcomes == {
        "first_adds": Outcome.ACCEPTED,
        "right_second": Outcome.REVERTED_BY_USER,
    }
    assert _fast_paths_on(built) == {"first_adds"}
    _run("--undo", "--all")
    _optimise(built)
    assert _fast_paths_on(built) == set(NAMES)


def test_a_clone_counts_as_its_function(compiler: Compiler) -> None:
    (compiler.folder / "loops.c").write_text(CLONED)
    _optimise(compiler)
    assert _fast_paths_on(compiler) == {"adds.constprop.0"}
    assert "adds.constprop.0" in _run("adds")
    assert _fast_paths_on(compiler) == set()
    assert "adds.constprop.0" in _run("--undo", "adds")


def test_a_function_with_the_very_same_rewrite_loses_it_too(compiler: Compiler) -> None:
    (compiler.folder / "loops.c").write_text(function("one") + function("two"))
    _optimise(compiler)
    assert _run("one").endswith("2 fast paths reverted\n")
    assert _fast_paths_on(compiler) == set()
    assert _run("--undo", "one").endswith("2 fast paths allowed again\n")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ([], 2, "Give a function, or --all."),
        (["f", "--all"], 2, "Give a function, or --all."),
        (["nosuch"], 1, "no fast path in the store of nosuch."),
        (["--undo", "nosuch"], 1, "no reverted fast path of nosuch."),
        (["--all"], 1, "no fast path in the store."),
    ],
)
def test_misuse_is_told(arguments: list[str], status: int, said: str) -> None:
    assert said in _run(*arguments, status=status)
