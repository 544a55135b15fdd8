"""What a family is and what it draws: one loop as C, with the rewrites its teacher knows."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from llmcc.regions.model import Region


@dataclass(frozen=True, slots=True)
class Loop:
    """One drawn loop."""

    family: str
    element_type: str
    """Of what the loop walks over: "i32", "u8", …"""
    c: str
    """An ordinary C function named @NAME@, static tables in front of it."""
    rewrites: Callable[[Region, str], Iterator[str]]
    """The teacher: candidate texts for (region, ISA), most likely first; none when it knows none.

    It may raise `NotExpressible` at any candidate; `experts.loop_rewrites` ends the list there.
    """


@dataclass(frozen=True, slots=True)
class Family:
    """Loops of one kind."""

    name: str
    split: str
    """One of "train", "validation", "test": whole families are unseen."""
    weight: float
    """How often it is drawn, relative to the others of its split."""
    draw: Callable[[random.Random], Loop]


def no_rewrites(region: Region, isa: str) -> Iterator[str]:
    """Be the teacher that knows nothing."""
    del region, isa
    return iter(())
