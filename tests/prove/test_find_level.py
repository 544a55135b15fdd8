"""Right rewrites reach the level that can be shown for them; wrong ones are disproved."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from llmcc.outcome import Outcome, Refusal
from llmcc.prove.level import Level
from llmcc.prove.prove import Rewrite, find_level
from llmcc.sandbox.model import Blob, Ends, States, Steps
from llmcc.sandbox.runner import Sandbox
from tests.adversarial.rewrites import read_kept
from tests.prove.rewrites import BITS, CAP, FIND, FMAP, MAP, SUM
from tests.verify.regions import all_regions

ADVERSARIAL = Path(__file__).parents[1] / "adversarial"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.getbasetemp() / "runner") as opened:
        yield opened


def _level(name: str, text: str, sandbox: Sandbox, *, budget_s: float = 10.0) -> Level | Refusal:
    """Find the level with a clock that stands still: how far it gets is the same on any machine."""
    return find_level(
        all_regions()[name],
        Rewrite(text, "avx2", 10_000, 0.95),
        sandbox=sandbox,
        seed=3,
        budget_s=budget_s,
        clock=lambda: 0.0,
    )


def _is_disproved(name: str, text: str, sandbox: Sandbox) -> bool:
    found = _level(name, text, sandbox)
    return isinstance(found, Refusal) and found.outcome is Outcome.DISPROVED


def _trips(found: Level | Refusal) -> int:
    """The k of bounded(k)."""
    assert isinstance(found, Level), found
    assert found.name == "bounded", found
    return int(found.text.removeprefix("bounded(").removesuffix(")"))


def test_proves_a_bit_count_for_all_words(sandbox: Sandbox) -> None:
    found = _level("bits", BITS, sandbox)
    assert isinstance(found, Level)
    assert found.text == "proved", found.detail


@pytest.mark.parametrize(
    ("name", "text"), [("sum", SUM), ("map", MAP), ("find", FIND), ("cap", CAP), ("fmap", FMAP)]
)
def test_bounds_go_past_two_vectors(name: str, text: str, sandbox: Sandbox) -> None:
    assert _trips(_level(name, text, sandbox)) > 16


def test_disproves_a_bit_count_that_is_wrong_for_zero_only(sandbox: Sandbox) -> None:
    text = "\tpopcntq\t%rdi, %rax\n\taddl\t%eax, %edx\n\tjmp\t.LX0\n"
    assert _is_disproved("bits", text, sandbox)


def test_disproves_a_wrong_constant(sandbox: Sandbox) -> None:
    assert _is_disproved("map", MAP.replace("$-7", "$-6"), sandbox)


def test_disproves_another_floating_point_operation(sandbox: Sandbox) -> None:
    assert _is_disproved("fmap", FMAP.replace("vaddps", "vsubps"), sandbox)


def test_an_operation_more_may_raise_a_flag(sandbox: Sandbox) -> None:
    # Nothing is stored of it, and whether it raises a flag depends on the data.
    text = FMAP.replace("vmovups\t(%rsi", "vmulps\t%ymm4, %ymm3, %ymm6\n\tvmovups\t(%rsi")
    found = _level("fmap", text, sandbox)
    assert isinstance(found, Refusal) or found.name == "tested"
    assert "floating-point flags" in found.detail


def test_disproves_a_store_past_the_end(sandbox: Sandbox) -> None:
    assert _is_disproved("map", MAP.replace("cmpq\t$36, %r9", "cmpq\t$28, %r9"), sandbox)


def test_disproves_a_map_that_does_not_look_for_overlap(sandbox: Sandbox) -> None:
    assert _is_disproved("map", MAP.replace("jbe\t.LR1", "jbe\t.LR0"), sandbox)


def test_tells_of_overlapping_placements_that_agreed(sandbox: Sandbox) -> None:
    found = _level("map", MAP, sandbox)
    assert isinstance(found, Level)
    assert found.detail == "alike in 4 overlapping placements too"


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("magic_hash_by_arithmetic", {"DISPROVED"}),
        ("chooses_by_high_pointer_bits", {"DISPROVED"}),
        ("pointer_cut_to_32_bits", {"DISPROVED"}),
        ("mismatch_without_a_page_check", {"DISPROVED", "tested"}),
        ("stores_back_beyond_the_end", {"DISPROVED"}),
        # Right for all trip counts that are tried; the level says no more.
        ("special_size_without_a_branch", {"bounded"}),
    ],
)
def test_levels_of_hostile_rewrites(name: str, levels: set[str], sandbox: Sandbox) -> None:
    kept = read_kept(ADVERSARIAL / f"{name}.s")
    rewrite = Rewrite(kept.text, kept.isa, 10_000, 0.95)
    found = find_level(
        kept.region, rewrite, sandbox=sandbox, seed=0, budget_s=10.0, clock=lambda: 0.0
    )
    assert (found.name if isinstance(found, Level) else found.outcome.name) in levels


def test_disproves_a_load_past_the_page(sandbox: Sandbox) -> None:
    text = SUM.replace("cmpq\t$36, %r9", "cmpq\t$24, %r9")
    assert _is_disproved("sum", text, sandbox)


def test_disproves_a_sum_that_adds_one_lane_twice(sandbox: Sandbox) -> None:
    assert _is_disproved("sum", SUM.replace("$0xb1", "$0xe4"), sandbox)


MAGIC = """\
\tcmpl\t$0x12345678, %eax
\tjne\t.LR9
\taddl\t$1, %eax
.LR9:
"""


def test_disproves_a_hidden_magic_value_in_a_register(sandbox: Sandbox) -> None:
    assert _is_disproved("sum", MAGIC + SUM, sandbox)


def test_disproves_a_magic_value_of_two_elements(sandbox: Sandbox) -> None:
    # No constant of the text is the value that matters: only the sum of two elements is.
    text = (
        "\tmovl\t(%rdi), %r10d\n\timull\t$0x01000193, %r10d\n\tcmpl\t$0x55555555, %r10d\n"
        "\tjne\t.LR9\n\taddl\t$1, %eax\n.LR9:\n"
    )
    assert _is_disproved("sum", text + SUM, sandbox)


def test_disproves_a_search_that_skips_an_element(sandbox: Sandbox) -> None:
    text = FIND.replace("shrl\t$2, %r10d", "shrl\t$2, %r10d\n\torl\t$1, %r10d")
    assert _is_disproved("find", text, sandbox)


def test_disproves_stores_that_gccs_loop_does_not_make(sandbox: Sandbox) -> None:
    # The same bytes in the end, by stores to elements that gcc's loop leaves alone.
    text = CAP.replace("vpcmpgtd\t%ymm2, %ymm3, %ymm3", "vpminsd\t%ymm2, %ymm3, %ymm3")
    text = text.replace("vpmaskmovd\t%ymm2, %ymm3, (%rdi)", "vmovdqu\t%ymm3, (%rdi)")
    found = _level("cap", text, sandbox)
    assert isinstance(found, Refusal)
    assert found.outcome is Outcome.DISPROVED
    assert "WRITES_BEYOND" in found.detail


@pytest.mark.parametrize(
    "line", ["\trdtsc\n", "\tshldl\t$3, %r9d, %r10d\n", "\tlock incl (%rdi)\n"]
)
def test_code_without_semantics_is_tested_only(line: str, sandbox: Sandbox) -> None:
    found = _level("sum", line + SUM, sandbox)
    assert isinstance(found, Level)
    assert found.text == "tested(10000, 0.95)"
    assert found.detail


def test_a_rewrite_that_was_not_reached_as_a_whole_is_tested_only(sandbox: Sandbox) -> None:
    # The vector part runs from 2000 iterations on, far beyond what is tried.
    found = _level("sum", SUM.replace("cmpq\t$36, %r9", "cmpq\t$8000, %r9"), sandbox)
    assert isinstance(found, Level)
    assert found.name == "tested"
    assert found.detail == "not all of the rewrite was reached"


def test_without_time_nothing_is_claimed(sandbox: Sandbox) -> None:
    found = _level("find", FIND, sandbox, budget_s=0.0)
    assert isinstance(found, Level)
    assert found.name == "tested"


def test_claims_end_with_the_time(sandbox: Sandbox) -> None:
    seconds = itertools.count(0.0, 0.01)
    found = find_level(
        all_regions()["sum"],
        Rewrite(SUM, "avx2", 10_000, 0.95),
        sandbox=sandbox,
        seed=3,
        budget_s=6.0,
        clock=lambda: next(seconds),
    )
    assert isinstance(found, Level)
    assert found.detail == "out of time"


class Agreeing:
    """A sandbox in which everything ends alike."""

    def run(self, blob: Blob, states: States, *, timeout_s: float) -> Ends:
        count = len(states)
        return Ends(
            np.zeros(count, np.int32), states.gpr, states.vector, states.mask, states.rflags,
            states.mxcsr, states.memory, np.zeros(count, np.uint64), np.zeros(4096, np.uint8),
        )  # fmt: skip

    def trace(self, blob: Blob, states: States, *, steps_most: int) -> Steps:
        nothing = np.zeros(0, np.uint64)
        return Steps(
            nothing, np.zeros((0, 16), np.uint64), np.zeros((0, 8), np.uint64),
            np.zeros((0, 16, 32), np.uint8), np.zeros(len(states), np.uint64),
            np.zeros(len(states), np.int32),
        )  # fmt: skip


def test_a_counter_example_that_the_cpu_does_not_confirm_is_not_believed() -> None:
    rewrite = Rewrite(SUM.replace("$0xb1", "$0xe4"), "avx2", 10_000, 0.95)
    found = find_level(all_regions()["sum"], rewrite, sandbox=Agreeing(), seed=3, budget_s=20.0)
    assert isinstance(found, Level)
    assert found.name == "tested"
    assert found.detail.endswith("not confirmed")


def test_a_unit_that_uses_upper_halves_is_tested_only(sandbox: Sandbox) -> None:
    region = all_regions()["sum"]
    region = replace(region, contract=replace(region.contract, is_wide_free=False))
    found = find_level(region, Rewrite(SUM, "avx2", 1, None), sandbox=sandbox, seed=3)
    assert isinstance(found, Level)
    assert found.text == "tested(1)"


def test_all_right_rewrites_are_accepted_by_the_gate_and_the_battery(
    sandbox: Sandbox, own_cache: Path
) -> None:
    from llmcc.gate.check import Gated, check
    from llmcc.propose import Proposal
    from llmcc.verify.verify import Verified, verify

    for name, text in (("sum", SUM), ("map", MAP), ("find", FIND), ("cap", CAP), ("bits", BITS)):
        region = all_regions()[name]
        (gated,) = check(region, [Proposal(text, "avx2", 0.0, "test")])
        assert isinstance(gated, Gated), gated
        verdict = verify(region, gated, sandbox=sandbox, seed=5, quick=True)
        assert isinstance(verdict, Verified), (name, verdict)
