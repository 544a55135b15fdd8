"""Proposals for any loop: one iteration of gcc's own, or none, with every free register spoiled.

The model has something to say about few of the loops of strange programs. These rewrites gain
nothing, but pass all stages and are spliced in, and what they leave in the registers a program
notices if llmcc was wrong to call them free, or put them in the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from llmcc.propose import Backend, Proposal, Request
from llmcc.regions.model import Contract, Region

PEELED = "peeled"
SPOILED = "spoiled"
_LAST = -1000.0  # log-probability; no model is so unsure
_JUNK = 0xA5A5_C3C3_5A5A_3C3D
_BLOCK = re.compile(r"\.LB(\d+)")
_HEAD = ".LH:"


class SpoilingBackend:
    """Proposes what another backend does and, should that all be wrong, what is always right."""

    def __init__(self, first: Backend) -> None:
        self._first = first

    def propose(self, request: Request, n: int) -> Sequence[Proposal]:
        """Propose what the first backend does and the stand-ins."""
        return (*self._first.propose(request, n), *stand_ins(request))


def stand_ins(request: Request) -> list[Proposal]:
    """Propose gcc's first iteration, if all its exits have labels to jump to, and none."""
    region = request.region
    none = Proposal(spoiled(region.contract), request.isa, _LAST - 1, SPOILED)
    if not all(region.placement.exit_labels):
        return [none]
    return [Proposal(peeled(region), request.isa, _LAST, PEELED), none]


def spoiled(contract: Contract) -> str:
    """Write junk to every free register and leave all iterations to gcc's loop."""
    return f"{_junk(contract)}\tjmp\t.LH\n"


def peeled(region: Region) -> str:
    """Write junk to every free register, then do gcc's first iteration, which ends at its head."""
    before, _, after = region.text.partition(_HEAD + "\n")
    body = _BLOCK.sub(r".LR\1", f"{after}{before}")
    return f"{_junk(region.contract)}{body}\tjmp\t.LH\n"


def _junk(contract: Contract) -> str:
    general = [f"\tmovabsq\t${_JUNK}, %{name}\n" for name in contract.scratch]
    vector = [f"\tpcmpeqd\t%{name}, %{name}\n" for name in contract.vector_scratch]
    return "".join(general + vector)
