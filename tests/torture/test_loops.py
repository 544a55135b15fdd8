"""A small sample of `make torture-loops`, and proof that it would notice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from llmcc.outcome import Outcome
from tests.torture.liar import Liar
from tests.torture.loops import Way, differences, try_program
from tests.torture.programs import LLMCC, CountedCompiler, Counts, Ending, compile_with, run_program
from tests.torture.random_loops import FIRST_SEED, FLAGS, random_program, write_program
from tests.torture.untimed import fill_store, plain_config


@pytest.fixture
def counted(own_cache: Path) -> CountedCompiler:
    """The installed llmcc with an empty store."""
    if not LLMCC.exists():
        pytest.skip("llmcc is not installed here: make setup")
    return CountedCompiler(own_cache, budget_s=60)


def test_taught_fast_paths_give_the_bytes_gcc_gives(
    counted: CountedCompiler, tmp_path: Path
) -> None:
    result = try_program(
        FIRST_SEED, counted, folder=tmp_path, functions=8, levels=["-O3"], way=Way.TEACHER
    )
    assert result.differences == ()
    assert result.counts[0].accepted >= 6
    assert result.counts[0].failed == 0


def test_a_wrong_fast_path_is_noticed_in_every_function(
    counted: CountedCompiler, tmp_path: Path
) -> None:
    program = random_program(FIRST_SEED, functions=4)
    write_program(program, tmp_path)
    arguments = ["-O3", *FLAGS, "-c", "loops.c"]
    config = plain_config(counted.cache)
    lies = fill_store(Liar(), arguments, folder=tmp_path, config=config)
    lied = {record.function for record in lies.records}
    compile_with("gcc", ["-O1", *FLAGS, "-c", "main.c"], folder=tmp_path)
    endings = {}
    for name in ("gcc", "llmcc"):
        if name == "gcc":
            compile_with("gcc", arguments, folder=tmp_path)
        else:
            counted.compile(arguments, folder=tmp_path)
        compile_with("gcc", ["main.o", "loops.o", "-o", name], folder=tmp_path)
        endings[name] = run_program(tmp_path / name, timeout_s=30)
    (told,) = differences(endings)
    assert lied
    assert all(f"{function} " in told for function in lied), told


def test_the_same_seed_gives_the_same_program() -> None:
    assert random_program(FIRST_SEED, functions=3) == random_program(FIRST_SEED, functions=3)
    assert random_program(FIRST_SEED, functions=3) != random_program(FIRST_SEED + 1, functions=3)


def test_a_difference_names_the_functions() -> None:
    wanted = Ending(0, b"f0 map i32 12\nf1 find u8 34\n")
    got = Ending(-11, b"f0 map i32 12\n")
    assert differences({"gcc": wanted, "again": wanted}) == ()
    assert differences({"gcc": wanted, "llmcc": got}) == ("DIFFERENT: llmcc SIGSEGV: f1 find u8",)


def test_outcomes_are_counted_as_found_tried_and_accepted() -> None:
    outcomes = Counter(
        {Outcome.HAS_CALL: 4, Outcome.WRONG_OUTPUT: 2, Outcome.ACCEPTED: 1, Outcome.BUDGET_SPENT: 3}
    )
    assert Counts.of(outcomes) == Counts(found=10, tried=3, accepted=1, failed=0)
