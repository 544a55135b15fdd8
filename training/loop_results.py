"""What became of one loop's samples in an evaluation, and the file they are kept in.

A file holds one row's results: a first line that says what they rest on, then a JSON line a loop.
It is appended to loop by loop, so that a stopped evaluation goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from llmcc.outcome import Outcome
from llmcc.training.judgement import Judgement


@dataclass(frozen=True, slots=True)
class LoopResult:
    """One loop and all its samples, in the order they were drawn."""

    record_id: str
    family: str
    group: str  # "synthetic" or the project's name
    isa: str
    shape: str  # `corpus.shape_key` of its text: loops of one shape are one piece of evidence
    outcomes: tuple[Outcome, ...]
    ratios: tuple[float, ...]  # speed-up over gcc's loop; 1.0 for whatever was not accepted
    raw_ratios: tuple[float | None, ...] = ()  # as timed, accepted or not

    @property
    def kind(self) -> str:
        """The family it was drawn from, or the project it comes from."""
        return self.family if self.group == "synthetic" else f"project {self.group}"

    @property
    def right_count(self) -> int:
        """Samples that do what gcc's loop does; neither copies of it nor jumps to it."""
        return sum(Judgement(outcome).is_right_rewrite for outcome in self.outcomes)

    @property
    def assembled_count(self) -> int:
        """Samples that got past the gate, copies of gcc's loop included."""
        return sum(not _is_refused_by_gate(outcome) for outcome in self.outcomes)

    @property
    def faster_count(self) -> int:
        """Samples that are right and were shown to be faster."""
        return sum(outcome is Outcome.ACCEPTED for outcome in self.outcomes)


class ResultFile:
    """The results of one row, known ones first."""

    def __init__(self, folder: Path, row: str, *, rests_on: str) -> None:
        """Open or begin the row's file; other grounds mean another file, nothing is overwritten.

        Args:
            folder: exists.
            row: the row's name.
            rests_on: everything else that the results depend on, besides the loop.
        """
        grounds = hashlib.blake2b(f"{row}\0{rests_on}".encode(), digest_size=4).hexdigest()
        plain = re.sub(r"[^A-Za-z0-9.+-]+", "-", row).strip("-")
        self._path = folder / f"{plain}-{grounds}.jsonl"
        self._known: dict[str, LoopResult] = {}
        if not self._path.exists():
            self._path.write_text(json.dumps({"row": row, "rests_on": rests_on}) + "\n")
        for line in self._path.read_text(encoding="utf-8").splitlines()[1:]:
            result = _from_line(line)
            if result is not None:
                self._known[result.record_id] = result

    def get(self, record_id: str) -> LoopResult | None:
        """What is known of a loop; None when it is still to be judged."""
        return self._known.get(record_id)

    def keep(self, result: LoopResult) -> None:
        """Write a loop's result down."""
        self._known[result.record_id] = result
        row = [
            result.record_id,
            result.family,
            result.group,
            result.isa,
            result.shape,
            [outcome.name for outcome in result.outcomes],
            list(result.ratios),
            list(result.raw_ratios),
        ]
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")


def _from_line(line: str) -> LoopResult | None:
    """Read a line; None for one that a killed run left half written."""
    try:
        record_id, family, group, isa, shape, names, ratios, raw = json.loads(line)
        outcomes = tuple(Outcome[name] for name in names)
    except (ValueError, KeyError, TypeError):
        return None
    return LoopResult(record_id, family, group, isa, shape, outcomes, tuple(ratios), tuple(raw))


def _is_refused_by_gate(outcome: Outcome) -> bool:
    return outcome is Outcome.NO_PROPOSAL or outcome.name.startswith("GATE_")
