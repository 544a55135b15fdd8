"""How the user's tests are run and judged."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from llmcc.blame.trial import BadTests, Command, Examples, find_examples, user_environment
from tests.process_end import ends


def shell(script: str, folder: Path, timeout_s: float | None = 60) -> Command:
    return Command(("/bin/sh", "-c", script), script, folder, dict(os.environ), timeout_s)


def examples(script: str, folder: Path, given: str, expected: str) -> Examples:
    (folder / "1.in").write_text(given)
    (folder / "1.out").write_text(expected)
    found, _ = find_examples(folder)
    return Examples(shell(script, folder), found)


def test_a_command_that_ends_with_0_passes(tmp_path: Path) -> None:
    assert shell("exit 0", tmp_path).run().is_passed


def test_a_failure_tells_the_command_its_end_and_what_it_printed_last(tmp_path: Path) -> None:
    trial = shell("seq 1000; echo last >&2; exit 3", tmp_path).run()
    assert not trial.is_passed
    assert trial.failure.startswith("seq 1000; echo last >&2; exit 3: ended with 3\n")
    assert trial.failure.endswith("999\n1000\nlast")
    assert len(trial.failure) < 2100


def test_a_signal_is_a_failure(tmp_path: Path) -> None:
    assert "ended by signal 11" in shell("kill -SEGV $$", tmp_path).run().failure


def test_a_command_that_does_not_end_is_killed_with_all_it_started(tmp_path: Path) -> None:
    script = "sh -c 'echo $$ > child; while :; do :; done' & wait"
    trial = shell(script, tmp_path, timeout_s=2).run()
    assert "ran longer than 2 s" in trial.failure
    assert ends(int((tmp_path / "child").read_text()))


def test_a_command_that_cannot_be_started_is_no_test(tmp_path: Path) -> None:
    with pytest.raises(BadTests, match="cannot be started"):
        Command((str(tmp_path / "gone"),), "gone", tmp_path, {}, None).run()


@pytest.mark.parametrize(
    ("printed", "is_passed"),
    [("1 2\n3", True), (" 1  2 3\n\n", True), ("1 2 4", False), ("1 2", False), ("", False)],
)
def test_words_are_compared(tmp_path: Path, printed: str, is_passed: bool) -> None:
    script = f"printf %s {shlex.quote(printed)}"
    assert examples(script, tmp_path, "", "1 2\n3\n").run().is_passed is is_passed


def test_a_difference_names_test_and_word(tmp_path: Path) -> None:
    trial = examples("cat", tmp_path, "1 2 3\n", "1 5 3\n").run()
    assert trial.failure == f"{tmp_path}/1.in: printed '2' instead of '5' as word 2"


def test_the_exit_code_of_an_example_does_not_matter_but_a_signal_does(tmp_path: Path) -> None:
    assert examples("cat; exit 5", tmp_path, "1", "1").run().is_passed
    trial = examples("cat; kill -KILL $$", tmp_path, "1", "1").run()
    assert trial.failure == f"{tmp_path}/1.in: ended by signal 9"


def test_inputs_without_an_expected_output_are_named(tmp_path: Path) -> None:
    for name in ("1.in", "1.out", "2.in", "3.out"):
        (tmp_path / name).write_text("")
    complete, incomplete = find_examples(tmp_path)
    assert [example.given.name for example in complete] == ["1.in"]
    assert [path.name for path in incomplete] == ["2.in"]


def test_a_folder_without_tests_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadTests, match=r"holds no NAME\.in"):
        find_examples(tmp_path)
    with pytest.raises(BadTests, match="is not a folder"):
        find_examples(tmp_path / "gone")


def test_a_test_gets_the_users_environment_and_starts_no_further_tests() -> None:
    given = {
        "HOME": "/h",
        "LLMCC_TEST_CMD": "make check",
        "LLMCC_TESTS": "t",
        "LLMCC_DEPTH": "1",
        "LLMCC_DIR": "/c",
        "MAKEFLAGS": "-j --jobserver-auth=3,4",
        "COMPILER_PATH": "/c/llmcc-native/5/libexec-tests:/c/llmcc-native/5/libexec:/mine",
    }
    assert user_environment(given) == {
        "HOME": "/h",
        "LLMCC_DIR": "/c",
        "COMPILER_PATH": "/mine",
        "LLMCC_MODE": "apply",
    }
