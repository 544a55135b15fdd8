"""How strong the evidence for an accepted rewrite is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from llmcc.config import LEVELS

_NAME = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class Level:
    """What was shown of a rewrite, beyond the tests that every accepted one has passed.

    `tested(n, m)`: n machine states ended as with gcc's loop, and the tests noticed the share m of
    one-instruction mutants of it.
    `bounded(k)`: for every content of memory and of all registers that are neither pointers,
    indexes, inductions nor bounds, and for each trip count 1..k, both end alike from one placement
    of the pointers each (concrete addresses, not overlapping, most flush against an unreadable
    page); every instruction of the rewrite was reached. Nothing is said of other placements and
    trip counts.
    `proved`: for every content of all registers (rsp apart) both end alike; the loop has no memory.
    In all of them gcc's loop defines what is right, and a state is one from which it ends without
    touching memory outside its arenas. The semantics of instructions are ours, compared with the
    CPU but not proved.
    """

    name: str
    text: str
    detail: str = ""  # why it is not higher, and what was seen besides

    @property
    def sentence(self) -> str:
        """What the user reads."""
        match self.name:
            case "proved":
                return "the same for all register contents, by symbolic execution"
            case "bounded":
                count = self.text.removeprefix("bounded(").removesuffix(")")
                return (
                    f"the same for all data and the trip counts 1 to {count}, at one placement of "
                    "the pointers each, by symbolic execution; tested beyond"
                    f"{' (' + self.detail + ')' if self.detail else ''}"
                )
        return "tested only" + (f": {self.detail}" if self.detail else "")


def from_tests(states: int, mutation_score: float | None, detail: str) -> Level:
    """Make the level that every accepted rewrite has."""
    score = "" if mutation_score is None else f", {mutation_score:.2f}"
    return Level("tested", f"tested({states}{score})", detail)


def from_trips(trips: int, *, overlaps: int = 0, detail: str = "") -> Level:
    """Make the level of a rewrite that was proved for trip counts 1..trips.

    overlaps: placements with overlapping pointers, of the last of these trip counts, that agreed.
    """
    if overlaps:
        detail = f"{detail + '; ' if detail else ''}alike in {overlaps} overlapping placements too"
    return Level("bounded", f"bounded({trips})", detail)


PROVED = Level("proved", "proved")


def is_enough(text: str, required: str) -> bool:
    """Whether a level's text is at least as strong as a requirement (a word of LEVELS)."""
    match = _NAME.match(text)
    name = match[0] if match else ""
    return name in LEVELS and LEVELS.index(name) >= LEVELS.index(required)
