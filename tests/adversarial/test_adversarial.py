"""Every wrong rewrite in this folder is refused, and for the reason its header names.

The right rewrites they were made from are accepted, so it is the one edit that is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from llmcc.gate.check import check
from llmcc.outcome import Outcome, OutcomeClass, Refusal
from llmcc.propose import Proposal
from llmcc.regions.model import Region
from llmcc.sandbox.runner import Sandbox
from llmcc.verify.battery import Battery
from llmcc.verify.verify import verify
from tests.adversarial.rewrites import Kept, read_kept

HERE = Path(__file__).parent
WRONG = [read_kept(path) for path in sorted(HERE.glob("*.s"))]
RIGHT = [read_kept(path) for path in sorted((HERE.parent / "verify/right/avx2").glob("*.s"))]
KEYS = ["REFUSED", "REGION", "ISA", "WHY"]
# Known holes: accepted today, and the test fails as soon as one of them is refused.
WAITING = frozenset(("magic_hash_by_arithmetic", "stores_back_beyond_the_end"))
_BATTERIES: dict[int, Battery | Refusal] = {}


def _battery(region: Region, sandbox: Sandbox) -> Battery | Refusal:
    if id(region) not in _BATTERIES:
        _BATTERIES[id(region)] = Battery.build(region, sandbox=sandbox, seed=11)
    return _BATTERIES[id(region)]


def _judge(kept: Kept, sandbox: Sandbox) -> Outcome:
    (gated,) = check(kept.region, [Proposal(kept.text, kept.isa, 0.0, "enemy")])
    if isinstance(gated, Refusal):
        return gated.outcome
    if kept.isa not in sandbox.features():
        pytest.skip(f"this CPU has no {kept.isa.upper()}, and the rewrite must run to be judged")
    battery = _battery(kept.region, sandbox)
    assert isinstance(battery, Battery), battery
    verdict = verify(kept.region, gated, sandbox=sandbox, seed=11, battery=battery)
    return verdict.outcome if isinstance(verdict, Refusal) else Outcome.ACCEPTED


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param(
            kept,
            id=kept.name,
            marks=[pytest.mark.xfail(strict=True, reason="a hole that is known")]
            if kept.name in WAITING
            else [],
        )
        for kept in WRONG
    ],
)
def test_wrong_rewrite_is_refused_for_the_reason_its_header_names(
    kept: Kept, sandbox: Sandbox
) -> None:
    assert _judge(kept, sandbox) is Outcome[kept.header["REFUSED"]]


@pytest.mark.parametrize("kept", RIGHT, ids=lambda kept: kept.name)
def test_right_rewrite_the_wrong_ones_were_made_from_is_accepted(
    kept: Kept, sandbox: Sandbox
) -> None:
    assert _judge(kept, sandbox) is Outcome.ACCEPTED


@pytest.mark.parametrize("kept", WRONG, ids=lambda kept: kept.name)
def test_header_says_which_outcome_and_why(kept: Kept) -> None:
    assert list(kept.header) == KEYS
    assert Outcome[kept.header["REFUSED"]].kind is OutcomeClass.REFUSED
    assert kept.header["WHY"].endswith(".")


def test_at_least_120_are_judged_on_any_cpu_with_avx2() -> None:
    assert sum(kept.isa == "avx2" for kept in WRONG) >= 120


def test_the_readme_names_every_file_once_and_no_other() -> None:
    rows = [line for line in (HERE / "README.md").read_text().splitlines() if line[:1] == "|"]
    named = Counter(name for row in rows for name in re.findall(r"`(\w+)`", row))
    assert named == Counter(kept.name for kept in WRONG)


def test_what_waits_for_a_mend_is_here() -> None:
    assert {kept.name for kept in WRONG} >= WAITING
