"""States that told a wrong rewrite apart are kept, tried first, and survive damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from llmcc.gate.check import Gated, check
from llmcc.outcome import Outcome, Refusal
from llmcc.propose import Proposal
from llmcc.sandbox.model import Blob, Ends, States, Steps
from llmcc.sandbox.runner import Sandbox
from llmcc.verify.battery import Battery
from llmcc.verify.counterexamples import MOST_KEPT, CounterExamples
from llmcc.verify.verify import verify
from tests.verify.regions import all_regions

# Wrong only where the first element is 0, which few states have.
RARELY_WRONG = """
	cmpl	$0, (%rdi)
	jne	.LR0
	addl	$1, %eax
.LR0:
	jmp	.LH
"""


class CountingSandbox:
    """Hands everything on and counts the states that were run."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.batches: list[int] = []

    def run(self, blob: Blob, states: States, *, timeout_s: float) -> Ends:
        self.batches.append(len(states))
        return self._sandbox.run(blob, states, timeout_s=timeout_s)

    def trace(self, blob: Blob, states: States, *, steps_most: int) -> Steps:
        return self._sandbox.trace(blob, states, steps_most=steps_most)


def _gated(text: str) -> Gated:
    (gated,) = check(all_regions()["sum"], [Proposal(text, "avx2", 0.0, "test")])
    assert isinstance(gated, Gated), gated
    return gated


def _battery(sandbox: Sandbox | CountingSandbox, seed: int, kept: CounterExamples) -> Battery:
    region = all_regions()["sum"]
    battery = Battery.build(region, sandbox=sandbox, seed=seed, counterexamples=kept)
    assert isinstance(battery, Battery)
    return battery


def _refused(battery: Battery, sandbox: Sandbox | CountingSandbox) -> Refusal:
    verdict = verify(
        all_regions()["sum"], _gated(RARELY_WRONG), sandbox=sandbox, seed=0, battery=battery
    )
    assert isinstance(verdict, Refusal)
    return verdict


def test_a_counterexample_is_tried_first_by_the_next_battery(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    kept = CounterExamples(tmp_path)
    assert _refused(_battery(sandbox, 1, kept), sandbox).outcome is Outcome.WRONG_OUTPUT
    counting = CountingSandbox(sandbox)
    battery = _battery(counting, 2, kept)
    assert len(battery.known_chunks()) == 1
    counting.batches.clear()
    assert _refused(battery, counting).outcome is Outcome.WRONG_OUTPUT
    assert counting.batches == [1]


def test_a_rewrite_that_is_wrong_everywhere_leaves_nothing(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    battery = _battery(sandbox, 1, CounterExamples(tmp_path))
    gated = _gated("\taddl\t$1, %eax\n\tjmp\t.LH\n")
    verdict = verify(all_regions()["sum"], gated, sandbox=sandbox, seed=1, battery=battery)
    assert isinstance(verdict, Refusal)
    assert not battery.known_chunks()
    assert not list(tmp_path.rglob("*.npz"))


def test_a_kept_state_comes_back_as_it_was(sandbox: Sandbox, tmp_path: Path) -> None:
    kept = CounterExamples(tmp_path)
    chunk = next(_battery(sandbox, 1, kept).chunks(1)).part(slice(0, 1))
    kept.keep(all_regions()["sum"], chunk.states)
    (found,) = kept.of(all_regions()["sum"])
    assert found.arenas == chunk.states.arenas
    np.testing.assert_array_equal(found.memory, chunk.states.memory)
    np.testing.assert_array_equal(found.gpr, chunk.states.gpr)
    assert kept.of(all_regions()["count"]) == ()


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 nothing", None])
def test_a_damaged_file_counts_as_missing(
    sandbox: Sandbox, tmp_path: Path, damage: bytes | None
) -> None:
    kept = CounterExamples(tmp_path)
    chunk = next(_battery(sandbox, 1, kept).chunks(1)).part(slice(0, 1))
    kept.keep(all_regions()["sum"], chunk.states)
    (path,) = tmp_path.rglob("*.npz")
    path.write_bytes(path.read_bytes()[:-40] if damage is None else damage)
    assert kept.of(all_regions()["sum"]) == ()


def test_no_more_than_a_few_are_kept(sandbox: Sandbox, tmp_path: Path) -> None:
    kept = CounterExamples(tmp_path)
    chunk = next(_battery(sandbox, 1, kept).chunks(1))
    for row in range(MOST_KEPT + 3):
        kept.keep(all_regions()["sum"], chunk.part(slice(row, row + 1)).states)
    assert len(kept.of(all_regions()["sum"])) == MOST_KEPT
