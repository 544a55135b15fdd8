"""Every wrong rewrite in this folder is refused, and for the reason its header names."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from llmcc.gate.check import check
from llmcc.outcome import Outcome, Refusal
from llmcc.propose import Proposal
from llmcc.regions.model import Region
from llmcc.sandbox.runner import Sandbox
from llmcc.verify.battery import Battery
from llmcc.verify.verify import verify
from tests.verify.regions import all_regions

FILES = sorted(Path(__file__).parent.glob("*.s"))
_BATTERIES: dict[int, Battery | Refusal] = {}


@functools.cache
def _header(path: Path) -> dict[str, str]:
    lines = [
        line[2:].split(":", 1) for line in path.read_text().splitlines() if line.startswith("# ")
    ]
    return {key: value.strip() for key, value in lines}


def _battery(region: Region, sandbox: Sandbox) -> Battery | Refusal:
    if id(region) not in _BATTERIES:
        _BATTERIES[id(region)] = Battery.build(region, sandbox=sandbox, seed=11)
    return _BATTERIES[id(region)]


def _judge(path: Path, sandbox: Sandbox) -> Outcome:
    header = _header(path)
    name, level = header["REGION"].split()
    region = all_regions(level)[name]
    text = "".join(line for line in path.read_text().splitlines(keepends=True) if line[0] != "#")
    (gated,) = check(region, [Proposal(text, header["ISA"], 0.0, "enemy")])
    if isinstance(gated, Refusal):
        return gated.outcome
    battery = _battery(region, sandbox)
    assert isinstance(battery, Battery), battery
    verdict = verify(region, gated, sandbox=sandbox, seed=11, battery=battery)
    return verdict.outcome if isinstance(verdict, Refusal) else Outcome.ACCEPTED


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_wrong_rewrite_is_refused_for_the_reason_its_header_names(
    path: Path, sandbox: Sandbox
) -> None:
    assert _judge(path, sandbox) is Outcome[_header(path)["REFUSED"]]


def test_there_are_at_least_twenty_wrong_rewrites() -> None:
    assert len(FILES) >= 20
