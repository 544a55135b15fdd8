"""Decisions of another machine: taken when they pass the gate here, else made here."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from llmcc.eligibility import Driver
from llmcc.outcome import Outcome, Refusal
from llmcc.pipeline import UnitResult, make_context, optimise_unit
from llmcc.regions.model import Region
from llmcc.store.records import DecisionStore, RegionDecision
from llmcc.store.refused import RefusedTexts
from llmcc.toolchain import find_gcc, run_gcc
from tests.interception.conftest import SEARCH
from tests.torture.untimed import plain_config

IDLE = "\tnop\n\tjmp\t.LH\n"


@dataclass
class Shared:
    """A remote in memory."""

    held: dict[str, bytes] = field(default_factory=dict)
    asked: int = 0

    def get(self, name: str) -> bytes | None:
        self.asked += 1
        return self.held.get(name)

    def put(self, name: str, body: bytes) -> None:
        self.held[name] = body


@dataclass
class Decides:
    """A rewriter that gives the same to every region."""

    answer: RegionDecision
    calls: int = 0

    def rewrite(self, region: Region, function_text: str) -> RegionDecision:
        self.calls += 1
        return self.answer


def _compile(folder: Path, cache: Path, shared: Shared, rewriter: Decides) -> UnitResult:
    command = (str(find_gcc()), "-O3", "-c", "a.c")
    started_ns = time.time_ns()
    text = run_gcc([*command, "-S", "-o", "-"], cwd=folder, timeout_s=60).stdout.decode("latin-1")
    context = make_context(plain_config(cache), Driver(find_gcc(), command, folder, started_ns))
    context = replace(
        context,
        decisions=DecisionStore(cache, remote=shared),
        make_rewriter=lambda: rewriter,
        cpu=lambda: "the same on both",
    )
    return optimise_unit(text, context)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.c").write_text(SEARCH)
    return tmp_path


def _from_elsewhere(folder: Path, rewrite: str) -> Shared:
    """Return what a remote holds after another machine has accepted a rewrite."""
    shared, accepted = Shared(), RegionDecision(Outcome.ACCEPTED, isa="avx2", rewrite=rewrite)
    theirs = _compile(folder, folder / "theirs", shared, Decides(accepted))
    assert [record.decision for record in theirs.records] == [accepted]
    assert len(shared.held) == 1
    return shared


def test_a_decision_from_elsewhere_is_used_and_kept(folder: Path) -> None:
    shared, nobody = _from_elsewhere(folder, IDLE), Decides(RegionDecision(Outcome.NO_PROPOSAL))
    ours = _compile(folder, folder / "ours", shared, nobody)
    assert [record.decision.rewrite for record in ours.records] == [IDLE]
    assert ".Lllmcc_fp0" in ours.text
    asked = shared.asked
    assert _compile(folder, folder / "ours", shared, nobody) == ours
    assert (nobody.calls, shared.asked) == (0, asked)


@pytest.mark.parametrize(
    "hostile",
    [
        "\tsyscall\n\tjmp\t.LH\n",
        "\tcall\tsystem\n\tjmp\t.LH\n",
        "\tnop\n\tjmp\tabort\n",
        "\tmovq\t$0, (%rsp)\n\tjmp\t.LH\n",
        "\tnop; syscall\n\tjmp\t.LH\n",
        "  nop\n\tjmp\t.LH\n",
        '\t.incbin\t"/etc/passwd"\n\tjmp\t.LH\n',
        "",
    ],
)
def test_what_does_not_pass_the_gate_here_is_a_miss(folder: Path, hostile: str) -> None:
    shared, own = _from_elsewhere(folder, hostile), Decides(RegionDecision(Outcome.NOT_FASTER))
    ours = _compile(folder, folder / "ours", shared, own)
    assert [record.decision for record in ours.records] == [own.answer]
    assert own.calls == 1
    assert "llmcc" not in ours.text


def test_what_the_user_has_refused_stays_refused_wherever_it_comes_from(folder: Path) -> None:
    shared, own = _from_elsewhere(folder, IDLE), Decides(RegionDecision(Outcome.NOT_FASTER))
    refusal = Refusal(Outcome.REVERTED_BY_USER, "by hand")
    RefusedTexts(folder / "ours").add("avx2", IDLE, refusal)
    ours = _compile(folder, folder / "ours", shared, own)
    assert [record.decision.outcome for record in ours.records] == [refusal.outcome]
    assert "llmcc" not in ours.text


def test_an_ending_that_says_nothing_about_the_loop_is_a_miss(folder: Path) -> None:
    shared = _from_elsewhere(folder, IDLE)
    (name,) = shared.held
    shared.held[name] = shared.held[name].replace(b'"ACCEPTED"', b'"MACHINE_TOO_NOISY"')
    own = Decides(RegionDecision(Outcome.NOT_FASTER))
    ours = _compile(folder, folder / "ours", shared, own)
    assert [record.decision for record in ours.records] == [own.answer]


def test_a_refusal_by_the_user_stays_on_his_machine(folder: Path) -> None:
    shared = _from_elsewhere(folder, IDLE)
    before = dict(shared.held)
    nobody = Decides(RegionDecision(Outcome.NO_PROPOSAL))
    _compile(folder, folder / "ours", shared, nobody)
    decisions = DecisionStore(folder / "ours")
    ((key, decision),) = decisions.all()
    decisions.put(key, replace(decision, outcome=Outcome.REVERTED_BY_USER))
    ours = _compile(folder, folder / "ours", shared, nobody)
    assert [record.decision.outcome for record in ours.records] == [Outcome.REVERTED_BY_USER]
    assert shared.held == before
