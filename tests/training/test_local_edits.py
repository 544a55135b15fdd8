"""Edits of gcc's own loops: text in, text out, and most of them right by llmcc's own tests."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcc.asm.parse import parse
from llmcc.gate.check import Gated, check
from llmcc.propose import Proposal
from llmcc.regions.find import find_regions
from llmcc.regions.model import Region
from llmcc.sandbox.runner import Sandbox
from llmcc.training.local_edits import local_edits, rotated, simplified, unrolled, without_branches
from llmcc.verify.battery import Battery
from llmcc.verify.verify import Verified, verify

_C = """
int last_below(const int *a, long n, int limit) {
    int found = -1;
    for (long i = 0; i < n; i++) if (a[i] < limit) found = (int)i;
    return found;
}
void clear_every_second(short *a, long n) { for (long i = 0; i < n; i++) a[2 * i] = 0; }
unsigned hash(const unsigned char *s, unsigned n) {
    unsigned h = 5381;
    for (unsigned i = 0; i < n; i++) h = h * 33 ^ s[i];
    return h;
}
const char *end_of(const char *s) { while (*s && *s != '/') s++; return s; }
"""


@pytest.fixture(scope="module")
def regions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Region]:
    folder = tmp_path_factory.mktemp("edits")
    (folder / "unit.c").write_text(_C)
    subprocess.run(["gcc", "-O2", "-S", "unit.c"], check=True, cwd=folder)
    found = find_regions(parse((folder / "unit.s").read_text()))
    return {region.function: region for region in found if isinstance(region, Region)}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


@pytest.mark.parametrize("name", ["last_below", "clear_every_second", "hash", "end_of"])
def test_every_edit_of_a_plain_loop_is_verified(
    regions: dict[str, Region], sandbox: Sandbox, name: str
) -> None:
    if "avx2" not in sandbox.features():
        pytest.skip("this CPU has no avx2")
    region = regions[name]
    battery = Battery.build(region, sandbox=sandbox, seed=3)
    assert isinstance(battery, Battery)
    edits = list(local_edits(region))
    assert edits
    for gated in check(region, [Proposal(text, "avx2", 0.0, how) for how, text in edits]):
        assert isinstance(gated, Gated), gated
        ending = verify(region, gated, sandbox=sandbox, seed=3, quick=True, battery=battery)
        assert isinstance(ending, Verified), (gated.proposal, ending)


def test_a_counted_loop_is_tested_once_for_four_iterations(regions: dict[str, Region]) -> None:
    edits = dict(local_edits(regions["clear_every_second"]))
    text = edits["unroll4 counted"]
    assert text.count("\tmovw\t") == 4
    assert text.count("cmp") == 0
    assert text.endswith("\tjmp\t.LH\n")  # gcc's loop does what is left


def test_a_loop_without_a_count_keeps_each_of_its_exits(regions: dict[str, Region]) -> None:
    edits = dict(local_edits(regions["end_of"]))
    assert "unroll4 counted" not in edits
    assert edits["unroll4"].count("\ttestb\t") == 4


def test_blocks_in_front_of_the_head_go_behind_the_others() -> None:
    text = ".LB1:\n\taddq\t$1, %rax\n.LH:\n\tcmpb\t$0, (%rax)\n\tjne\t.LB1\n\tjmp\t.LX0\n"
    assert rotated(text) == [
        ".LH:",
        "\tcmpb\t$0, (%rax)",
        "\tje\t.LX0",
        "\taddq\t$1, %rax",
        "\tjmp\t.LH",
    ]


def test_a_way_back_in_the_middle_becomes_the_way_to_the_next_copy() -> None:
    body = [".LH:", "\tsubl\t$1, %eax", "\tjne\t.LH", "\tjmp\t.LX0"]
    assert unrolled(body, 2) == [
        ".LRh0:",
        "\tsubl\t$1, %eax",
        "\tje\t.LX0",
        "\tsubl\t$1, %eax",
        "\tjne\t.LRh0",
        "\tjmp\t.LX0",
    ]


def test_a_branch_around_a_sum_becomes_a_cmov_and_one_around_a_store_stays(
    regions: dict[str, Region],
) -> None:
    contract = regions["clear_every_second"].contract
    head = [".LH:", "\tcmpl\t$3, %esi", "\tje\t.LB1"]
    tail = [".LB1:", "\tsubl\t$1, %esi", "\tjne\t.LH", "\tjmp\t.LX0"]
    converted = without_branches([*head, "\taddl\t$2, %edi", *tail], contract)
    assert not any(line.startswith("\tje") for line in converted)
    assert [line for line in converted if "cmovne" in line]
    assert any("leal\t2(%rdi)" in line for line in converted)
    kept = [*head, "\tmovl\t$1, (%rdi)", *tail]
    assert without_branches(kept, contract) == kept


_TARGETS = st.sampled_from([".LH", ".LB1", ".LB2", ".LX0"])
_LINES = st.lists(
    st.one_of(
        st.just("\tnop"),
        st.sampled_from([".LH:", ".LB1:", ".LB2:"]),
        st.builds("\tj{}\t{}".format, st.sampled_from(["mp", "e", "ne", "nb", "b"]), _TARGETS),
    ),
    max_size=12,
)


@given(_LINES)
def test_simplifying_again_changes_nothing(lines: list[str]) -> None:
    once = simplified(lines)
    assert simplified(once) == once
