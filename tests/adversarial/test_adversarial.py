"""Every wrong rewrite in this folder is refused, and for the reason its header names.

The right rewrites they were made from are accepted, so it is the one edit that is refused.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from pathlib import Path

import pytest

from llmcc.gate.check import check
from llmcc.outcome import Outcome, OutcomeClass, Refusal
from llmcc.propose import Proposal
from llmcc.prove.prove import PATIENT_BUDGET_S, Rewrite, find_level
from llmcc.regions.model import Region
from llmcc.sandbox.runner import Sandbox
from llmcc.verify.battery import Battery
from llmcc.verify.verify import verify
from tests.adversarial.rewrites import Kept, read_kept

HERE = Path(__file__).parent
RIGHT_FOLDER = HERE.parent / "verify" / "right" / "avx2"


def _by_region(folder: Path) -> list[Kept]:
    kept = [read_kept(path) for path in folder.glob("*.s")]
    return sorted(kept, key=lambda one: (one.header["REGION"], one.name))


WRONG, RIGHT = _by_region(HERE), _by_region(RIGHT_FOLDER)
KEYS = ["REFUSED", "REGION", "ISA", "WHY"]


@functools.lru_cache(maxsize=1)  # some hundred megabytes; rewrites come region by region
def _battery(region: Region, sandbox: Sandbox) -> Battery | Refusal:
    return Battery.build(region, sandbox=sandbox, seed=11)


def _judge(kept: Kept, sandbox: Sandbox) -> Outcome:
    (gated,) = check(kept.region, [Proposal(kept.text, kept.isa, 0.0, "enemy")])
    if isinstance(gated, Refusal):
        return gated.outcome
    if kept.isa not in sandbox.features():
        pytest.skip(f"this CPU has no {kept.isa.upper()}, and the rewrite must run to be judged")
    battery = _battery(kept.region, sandbox)
    assert isinstance(battery, Battery), battery
    verdict = verify(kept.region, gated, sandbox=sandbox, seed=11, battery=battery)
    if isinstance(verdict, Refusal):
        return verdict.outcome
    if kept.header.get("REFUSED") != Outcome.DISPROVED.name:
        return Outcome.ACCEPTED
    rewrite = Rewrite(gated.text, gated.isa, verdict.tests, verdict.mutation_score)
    level = find_level(kept.region, rewrite, sandbox=sandbox, seed=11, budget_s=PATIENT_BUDGET_S)
    return level.outcome if isinstance(level, Refusal) else Outcome.ACCEPTED


@pytest.mark.parametrize("kept", WRONG, ids=lambda kept: kept.name)
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
