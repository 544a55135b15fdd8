"""The way of a unit, with a stand-in for the stages that try a region."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from llmcc.config import Config, is_skipped, read_config
from llmcc.eligibility import Driver
from llmcc.outcome import Outcome, Refusal
from llmcc.pipeline import Context, make_context, optimise_unit, store_result
from llmcc.regions.model import Region
from llmcc.store.records import RegionDecision
from llmcc.store.refused import RefusedTexts
from llmcc.toolchain import find_gcc
from tests.interception.conftest import SEARCH, Compiler

COMMAND = ["-O3", "-c", "a.c"]
# A fast path that does nothing: it goes on to gcc's loop.
IDLE = RegionDecision(Outcome.ACCEPTED, isa="avx2", rewrite="\tjmp\t.LH\n")
MAIN = "int find(const int *, int);\nint main(void) { int a[] = {1, 7}; return find(a, 2); }\n"


@dataclass
class Scripted:
    """A rewriter that answers the same to every region, or raises."""

    answer: RegionDecision | Exception
    calls: int = 0

    def rewrite(self, region: Region, function_text: str) -> RegionDecision:
        assert function_text.startswith(f"{region.function}:")
        self.calls += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def config(own_cache: Path) -> Config:
    return replace(read_config(), cache=own_cache, is_strict=False)


@pytest.fixture
def text(compiler: Compiler) -> str:
    (compiler.folder / "a.c").write_text(SEARCH)
    return compiler.unit(COMMAND)


@pytest.fixture
def context_with(compiler: Compiler, config: Config) -> Callable[[Scripted], Context]:
    """Make the real context but for the rewriter; the source is as old as the driver."""

    def make(rewriter: Scripted) -> Context:
        driver = Driver(find_gcc(), ("gcc", *COMMAND), compiler.folder, time.time_ns())
        return replace(make_context(config, driver), make_rewriter=lambda: rewriter)

    return make


def test_an_accepted_rewrite_reaches_the_object(
    compiler: Compiler, text: str, context_with: Callable[[Scripted], Context]
) -> None:
    result = optimise_unit(text, context_with(Scripted(IDLE)))
    store_result(compiler.key(text, COMMAND), result, compiler.store)

    assert [record.decision.outcome for record in result.records] == [Outcome.ACCEPTED]
    assert ".Lllmcc_fp0" in result.text
    assert compiler.run(COMMAND).stderr == b""
    made = (compiler.folder / "a.o").read_bytes()
    assert b"llmcc_cpu" in made
    (compiler.folder / "main.c").write_text(MAIN)
    compiler.gcc(["a.o", "main.c", "-o", "program"])
    assert subprocess.run([compiler.folder / "program"], check=False).returncode == 1


def test_a_unit_without_regions_is_remembered(compiler: Compiler, config: Config) -> None:
    (compiler.folder / "a.c").write_text("int f(int x) { return x + 1; }\n")
    text = compiler.unit(COMMAND)
    result = optimise_unit(text, make_context(config, None))
    store_result("12" * 32, result, compiler.store)
    entry = compiler.store.get("12" * 32)
    assert entry is not None
    assert entry.rewritten is None


def test_without_the_gcc_command_nothing_is_tried(text: str, config: Config) -> None:
    rewriter = Scripted(IDLE)
    context = replace(make_context(config, None), make_rewriter=lambda: rewriter)
    result = optimise_unit(text, context)
    assert result.text == text
    assert [record.decision.outcome for record in result.records] == [Outcome.MAY_BE_VOLATILE]
    assert rewriter.calls == 0


def test_a_decision_is_made_once(text: str, context_with: Callable[[Scripted], Context]) -> None:
    rewriter = Scripted(RegionDecision(Outcome.NOT_FASTER))
    optimise_unit(text, context_with(rewriter))
    again = optimise_unit(text, context_with(rewriter))
    assert rewriter.calls == 1
    assert again.records[0].decision.outcome is Outcome.NOT_FASTER


@pytest.mark.parametrize("is_known", [False, True])
def test_a_text_that_failed_a_users_test_is_refused_whoever_proposes_it(
    text: str, context_with: Callable[[Scripted], Context], is_known: bool
) -> None:
    context = context_with(Scripted(IDLE))
    if is_known:
        optimise_unit(text, context)
    failed = Refusal(Outcome.FAILED_USER_TEST, "make check: ended with 2")
    RefusedTexts(context.config.cache).add(IDLE.isa, IDLE.rewrite, failed)
    result = optimise_unit(text, context)
    (record,) = result.records
    assert record.decision.outcome is Outcome.FAILED_USER_TEST
    assert record.decision.detail == "make check: ended with 2"
    assert record.decision.rewrite == IDLE.rewrite
    assert result.text == text


def test_a_decision_made_under_a_weaker_requirement_is_not_taken(
    text: str, context_with: Callable[[Scripted], Context]
) -> None:
    rewriter = Scripted(replace(IDLE, level="tested(10000, 0.95)"))
    context = context_with(rewriter)
    optimise_unit(text, context)
    rewriter.answer = RegionDecision(Outcome.LEVEL_NOT_REACHED)
    strict = replace(context, config=replace(context.config, require="bounded"))
    result = optimise_unit(text, strict)
    assert rewriter.calls == 2
    assert result.text == text
    assert optimise_unit(text, context).text != text
    assert rewriter.calls == 2


def test_an_error_in_a_stage_gives_gccs_text_and_is_logged(
    compiler: Compiler, text: str, config: Config, context_with: Callable[[Scripted], Context]
) -> None:
    result = optimise_unit(text, context_with(Scripted(ValueError("broken stage"))))
    store_result("34" * 32, result, compiler.store)
    assert result.text == text
    assert result.records[0].decision.outcome is Outcome.INTERNAL_ERROR
    assert "broken stage" in config.log.read_text()
    assert compiler.store.get("34" * 32) is None


def test_strict_raises(text: str, context_with: Callable[[Scripted], Context]) -> None:
    context = context_with(Scripted(ValueError("broken stage")))
    strict = replace(context, config=replace(context.config, is_strict=True))
    with pytest.raises(ValueError, match="broken stage"):
        optimise_unit(text, strict)


def test_regions_beyond_the_budget_are_left_for_the_next_compile(
    compiler: Compiler, text: str, context_with: Callable[[Scripted], Context]
) -> None:
    rewriter = Scripted(IDLE)
    seconds = iter([0.0, 1000.0])
    result = optimise_unit(text, replace(context_with(rewriter), clock=lambda: next(seconds)))
    store_result("56" * 32, result, compiler.store)
    assert result.records[0].decision.outcome is Outcome.BUDGET_SPENT
    assert not result.is_final
    assert compiler.store.get("56" * 32) is None


def test_a_text_that_cannot_be_understood_is_given_back(config: Config) -> None:
    text = "\x01\x02 nonsense {{{\n"
    assert optimise_unit(text, make_context(config, None)).text == text


@pytest.mark.parametrize(
    ("name", "patterns", "expected"),
    [
        ("find", ("find",), True),
        ("find", ("f*",), True),
        ("find", ("Find", "fin", "x*"), False),
        ("find.part.0", ("find",), True),
        ("find.part.0", ("find.part.1",), False),
        ("_ZN3foo4findEv", ("_ZN3foo*",), True),
    ],
)
def test_patterns_name_functions_and_their_clones(
    name: str, patterns: tuple[str, ...], expected: bool
) -> None:
    assert is_skipped(name, patterns) is expected


def test_a_function_the_user_names_is_left_alone(
    text: str, context_with: Callable[[Scripted], Context]
) -> None:
    rewriter = Scripted(IDLE)
    context = context_with(rewriter)
    context = replace(context, config=replace(context.config, skip=("find",)))
    result = optimise_unit(text, context)
    assert [record.decision.outcome for record in result.records] == [Outcome.SKIPPED_BY_USER]
    assert (rewriter.calls, result.text) == (0, text)
