"""Counters of outcomes: one line of JSON for each loop that came to an end, append-only.

Each process writes its own file, so no lock is needed; a statistic is dropped rather than ever
stopping a compile.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from llmcc.outcome import Outcome
from llmcc.store.records import LoopRecord


class OutcomeLog:
    """The folder `outcomes` of a cache."""

    def __init__(self, cache: Path) -> None:
        """Open the log in `cache`; nothing is read or made yet."""
        self._folder = cache / "outcomes"

    def add(self, unit_name: str, records: Sequence[LoopRecord]) -> None:
        """Append what became of a unit's loops; does nothing when the folder cannot be written."""
        lines = "".join(
            json.dumps(
                {
                    "unit": unit_name,
                    "function": record.function,
                    "outcome": record.decision.outcome.name,
                }
            )
            + "\n"
            for record in records
        )
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = self._folder / f"{os.getpid()}-{os.times().elapsed:.2f}.jsonl"
            with path.open("a", encoding="utf-8") as file:
                file.write(lines)
        except OSError:
            return

    def counts(self) -> Counter[Outcome]:
        """Count the loops that ended in each outcome; names of other versions are left out."""
        counts: Counter[Outcome] = Counter()
        for path in sorted(self._folder.glob("*.jsonl")):
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                name = _outcome_name(line)
                if name in Outcome.__members__:
                    counts[Outcome[name]] += 1
        return counts


def _outcome_name(line: str) -> str:
    try:
        fields = json.loads(line)
    except ValueError:
        # The last line of a process that was killed.
        return ""
    return str(fields.get("outcome", "")) if isinstance(fields, dict) else ""
