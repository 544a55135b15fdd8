"""The model is asked about a loop under several names; its answers come back in the loop's own."""

from __future__ import annotations

import random
import re

import numpy as np

from llmcc.backends.embedded.backend import EmbeddedBackend
from llmcc.backends.embedded.renaming import Renaming
from llmcc.backends.embedded.tokens import standard_vocabulary
from llmcc.propose import Request
from llmcc.regions.model import Access, Contract, Induction, Latch, Placement, Region
from llmcc.x86.registers import REGISTERS

TEXT = """.LH:
\tmovdqu\t(%rax), %xmm2
\taddq\t$16, %rax
\tpaddd\t%xmm2, %xmm0
\tcmpq\t%rax, %rdx
\tjne\t.LH
\tjmp\t.LX0
"""


def _sum() -> Region:
    contract = Contract(
        live_in=("rax", "rdx", "xmm0"),
        live_out=(("rdx", "xmm0"),),
        may_write=("rax", "rdi", "r8", "r9", "r10", "xmm0", "xmm2", "xmm3"),
        scratch=("rdi", "r8", "r9", "r10"),
        vector_scratch=("xmm2", "xmm3"),
        is_wide_free=True,
        inductions=(Induction("rax", 16),),
        accesses=(Access("rax", None, 1, 0, 16, True, False, 16, False),),
        latches=(Latch("rax", 64, "rdx", None, "ne", True),),
        accumulators=("xmm0",),
        invariants=("rdx",),
    )
    return Region("sum", TEXT, "", 6, 1, contract, Placement(1, ".L4", (), ("",), True), 1)


def test_a_renaming_is_undone_by_its_inverse() -> None:
    vocabulary = standard_vocabulary()
    ids = np.array(vocabulary.encode(TEXT.strip("\n")), dtype=np.int64)
    renaming = Renaming.of(ids, len(ids), vocabulary=vocabulary, wide_follows_xmm=True)
    table = renaming.draw(random.Random(1), vocabulary)
    assert sorted(table.tolist()) == list(range(len(vocabulary)))
    assert not np.array_equal(table[ids], ids)
    assert np.array_equal(np.argsort(table)[table[ids]], ids)


def test_proposals_speak_of_the_loops_own_registers() -> None:
    region = _sum()
    proposals = EmbeddedBackend().propose(Request(region, "avx512"), 8)
    assert proposals
    mentioned = {REGISTERS[name].family for name in re.findall(r"%(\w+)", proposals[0].text)}
    general = {family for family in mentioned if family.startswith("r")}
    assert general <= {"rax", "rdx", *region.contract.scratch}


def test_the_same_request_gets_the_same_proposals() -> None:
    request = Request(_sum(), "avx512")
    assert EmbeddedBackend(seed=3).propose(request, 4) == EmbeddedBackend(seed=3).propose(
        request, 4
    )
