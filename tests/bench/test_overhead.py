"""`llmcc-ctl overhead` times the compiles it says it times; the times themselves are not judged."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from llmcc.ctl.bench_build import find_llmcc
from llmcc.ctl.main import main


@pytest.fixture(autouse=True)
def installed() -> None:
    if find_llmcc() is None:
        pytest.skip("llmcc is not installed here: make setup")


def test_prints_both_cases_with_an_a_a_row_and_the_target() -> None:
    result = CliRunner().invoke(main, ["overhead", "--rounds", "2"], catch_exceptions=False)
    lines = result.output.splitlines()
    assert [line.split("  ")[0] for line in lines if not line.startswith(" ")][:2] == [
        "nothing eligible:",
        "hit with fast paths:",
    ]
    assert [line.strip().split("  ")[0] for line in lines[1:4]] == ["gcc", "gcc again", "llmcc"]
    assert lines[-1].startswith("target: at most 2 ms more: ")


def test_json_holds_medians_and_intervals() -> None:
    result = CliRunner().invoke(
        main, ["overhead", "--rounds", "2", "--json"], catch_exceptions=False
    )
    for case in json.loads(result.output):
        assert len(case["median_ms"]) == 3
        assert case["llmcc"]["low_ms"] <= case["llmcc"]["median_ms"] <= case["llmcc"]["high_ms"]
