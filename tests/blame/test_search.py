"""The search for culprits, with made-up tests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import pytest

from llmcc.blame.search import Ending, Trial, find_culprits

KEYS = [f"k{number}" for number in range(40)]


def failing_with(*guilty: str) -> Callable[[Sequence[str]], Trial]:
    """A test that fails as long as one of these is on."""

    def run(off: Collection[str]) -> Trial:
        on = [key for key in guilty if key not in off]
        return Trial(not on, " ".join(on))

    return run


@pytest.mark.parametrize("guilty", [["k0"], ["k39"], ["k7", "k8"], ["k0", "k20", "k39"], KEYS])
def test_finds_exactly_the_guilty(guilty: list[str]) -> None:
    blame = find_culprits(KEYS, failing_with(*guilty))
    assert blame.ending is Ending.FOUND
    assert [culprit.key for culprit in blame.culprits] == guilty


def test_each_culprit_comes_with_the_failure_of_it_alone() -> None:
    blame = find_culprits(KEYS, failing_with("k3", "k30"))
    assert [culprit.failure for culprit in blame.culprits] == ["k3", "k30"]
    assert blame.failure == "k3 k30"


def test_one_culprit_of_forty_takes_few_runs() -> None:
    assert find_culprits(KEYS, failing_with("k17")).trials <= 17


def test_two_that_fail_only_together_are_one_culprit() -> None:
    def run(off: Collection[str]) -> Trial:
        return Trial("k5" in off or "k35" in off, "both on")

    (culprit,) = find_culprits(KEYS, run).culprits
    assert culprit.key in ("k5", "k35")


def test_passing_tests_are_run_once() -> None:
    blame = find_culprits(KEYS, failing_with())
    assert (blame.ending, blame.trials, blame.culprits) == (Ending.PASSES, 1, ())


def test_tests_that_fail_without_fast_paths_too_blame_nobody() -> None:
    blame = find_culprits(KEYS, lambda off: Trial(False, f"{len(off)} off"))
    assert (blame.ending, blame.failure, blame.trials) == (Ending.NOT_OURS, "40 off", 2)


def test_without_fast_paths_nobody_is_blamed() -> None:
    assert find_culprits([], failing_with("other")).ending is Ending.NOTHING_ON


@pytest.mark.parametrize("failures", [1, 3, 5])
def test_a_test_that_fails_for_a_while_blames_nobody(failures: int) -> None:
    answers = iter([False] + [True] + [False] * (failures - 1) + [True] * 200)
    blame = find_culprits(KEYS, lambda off: Trial(next(answers), "by chance"))
    assert (blame.ending, blame.culprits) == (Ending.UNSTABLE, ())
