"""Reading what tests and benchmarks of projects print."""

from __future__ import annotations

import re

import pytest

from tests.projects.__main__ import PROJECTS
from tests.projects.outputs import SuiteResult, count_tests, neutral, new_lines, read_rates

COUNTED = {project.name: project.counted for project in PROJECTS}
OUTPUTS = {
    "zlib": (
        "\t\t*** zlib test OK ***\nhello world\n\t\t*** zlib shared test OK ***\n"
        "\t\t*** zlib 64-bit test OK ***\n",
        SuiteResult(0, 3, 0),
    ),
    "bzip2": ("cmp sample1.bz2 sample1.rb2 \ncmp sample2.bz2 sample2.rb2\n", SuiteResult(0, 2, 0)),
    "json-c": ("96% tests passed, 1 tests failed out of 23\n", SuiteResult(0, 22, 1)),
    "fribidi": ("Ok:                 7   \nFail:               1   \n", SuiteResult(0, 7, 1)),
    "lua5.4": ("+\n+\n---\nOK\n", SuiteResult(0, 3, 0)),
    "jq": ("338 of 340 tests passed (0 malformed)\n14 of 14 tests passed", SuiteResult(0, 352, 2)),
    "zstd": ("\n===>  simple tests \n===>  --fast\n", SuiteResult(0, 2, 0)),
    "sqlite3": (
        "0 errors out of 192 tests on vm Linux\n6 errors out of 67 tests on vm Linux\n",
        SuiteResult(0, 253, 6),
    ),
}


@pytest.mark.parametrize("name", sorted(OUTPUTS))
def test_counts_the_tests_of_a_project(name: str) -> None:
    output, wanted = OUTPUTS[name]
    assert count_tests(output, pattern=COUNTED[name], status=0) == wanted


def test_counts_what_each_version_of_ctest_prints() -> None:
    for middle in (", 0 tests failed", ""):
        output = f"100% tests passed{middle} out of 23\n"
        counted = count_tests(output, pattern=COUNTED["json-c"], status=0)
        assert counted == SuiteResult(0, 23, 0)


def test_a_failed_suite_is_told_by_its_exit_code() -> None:
    assert str(count_tests("", pattern=COUNTED["zlib"], status=2)) == "0, exit code 2"
    assert str(SuiteResult(0, 14_734, 6)) == "14,734, 6 failed, exit code 0"


def test_every_pattern_is_one_and_its_groups_are_known() -> None:
    for pattern in COUNTED.values():
        assert set(re.compile(pattern).groupindex) <= {"passed", "failed", "all"}


def test_the_last_speed_on_an_overwritten_line_counts() -> None:
    benchmark = next(
        one for project in PROJECTS for one in project.benchmarks if one.name == "lz4 -b1"
    )
    output = (
        " 1#text : 100 ->  50 (2.000), 300.1 MB/s\r"
        " 1#text : 100 ->  50 (2.000), 475.9 MB/s ,2461.6 MB/s\r"
    )
    assert read_rates(output, benchmark.rates) == {"compress": 475.9, "decompress": 2461.6}


def test_refuses_a_benchmark_without_a_speed() -> None:
    with pytest.raises(ValueError, match="no speed in 'killed'"):
        read_rates("killed", r"(?P<compress>\d+) MB/s")


def test_what_differs_only_by_folder_and_compiler_is_the_same() -> None:
    ours = neutral("CC=llmcc -I/x/llmcc/src", folder="/x/llmcc", compiler="llmcc")
    assert ours == neutral("CC=gcc -I/x/gcc-a/src", folder="/x/gcc-a", compiler="gcc")
    about = "# for gcc: -lgcc"
    assert neutral(about, folder="/x", compiler="llmcc") == neutral(
        about, folder="/x", compiler="gcc"
    )


def test_how_far_a_bar_of_progress_came_says_nothing() -> None:
    text = "Targets: 0 of 9\rTargets: 7 of 9\r   \rdone\n"
    assert neutral(text, folder="/x", compiler="gcc") == "done\n"


def test_finds_lines_that_are_said_more_often_in_any_order() -> None:
    assert new_lines(["a", "b", "b"], ["b", "a", "c", "b", "b"]) == ["c", "b"]
    assert new_lines(["a", "b"], ["b"]) == []
