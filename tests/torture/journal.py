"""What came of each program, one line of JSON a program, so that a run can be ended and taken up.

A journal belongs to one generation of llmcc's code: another's results are not this one's.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from llmcc.outcome import Outcome
from tests.torture.programs import Counts

SAME = "same"
NO_END = "no end"
DIFFERENT = "DIFFERENT"  # and what is different


@dataclass(frozen=True, slots=True)
class Row:
    """One program."""

    name: str
    verdict: str  # SAME, NO_END (gcc's program does not end), or DIFFERENT with the particulars
    is_passed_by_gcc: bool
    is_passed_by_llmcc: bool
    outcomes: Mapping[str, int] = field(default_factory=dict)  # of llmcc's loops
    backends: Mapping[str, int] = field(default_factory=dict)  # of the accepted rewrites
    ran: int | None = None  # fast paths that were executed at least once; None when not counted
    seconds: float = 0.0  # for all of it

    @property
    def counts(self) -> Counts:
        """What became of the loops, in short."""
        return Counts.of(Counter({Outcome[name]: n for name, n in self.outcomes.items()}))

    @property
    def is_different(self) -> bool:
        """Whether llmcc's program does something else, or was made or not made unlike gcc's."""
        return self.verdict.startswith(DIFFERENT)


class Journal:
    """The rows of one suite."""

    def __init__(self, path: Path) -> None:
        """Open the journal at `path`; nothing is read or made yet."""
        self.path = path

    def add(self, row: Row) -> None:
        """Append a row."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(asdict(row)) + "\n")

    def rows(self) -> list[Row]:
        """Read all rows."""
        if not self.path.exists():
            return []
        return [Row(**json.loads(line)) for line in self.path.read_text().splitlines()]
