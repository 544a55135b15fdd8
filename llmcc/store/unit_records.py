"""Unit records: what became of every loop of every unit, for `llmcc-ctl` to tell.

A record never decides anything: losing one loses a line of a report, nothing else.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from llmcc.files import write_atomically
from llmcc.outcome import Outcome
from llmcc.store.files import shard_path
from llmcc.store.records import LoopRecord, decision_from_json, decision_to_json


@dataclass(frozen=True, slots=True)
class UnitRecord:
    """One unit, as it was when llmcc last looked at it."""

    key: str  # of its entry in the unit store
    name: str  # of its source, as gcc's `.file` has it
    folder: str  # where gcc ran
    command: tuple[str, ...]  # gcc's argv; () when it was not known
    finished_s: float  # Unix time
    seconds: float  # that looking at it took
    loops: tuple[LoopRecord, ...]


class UnitRecords:
    """The folder `records` of a cache."""

    def __init__(self, cache: Path) -> None:
        """Open the folder in `cache`; nothing is read or made yet."""
        self._folder = cache / "records"

    def put(self, record: UnitRecord) -> None:
        """Write a record over that of the same unit; does nothing when that is not possible."""
        with suppress(OSError):
            data = json.dumps(_to_json(record)).encode()
            write_atomically(shard_path(self._folder, record.key), data)

    def all(self) -> list[UnitRecord]:
        """Read all records, the oldest first; those damaged or of another version are left out."""
        found = []
        for path in self._folder.glob("[0-9a-f][0-9a-f]/*"):
            with suppress(OSError, ValueError, KeyError, TypeError):
                found.append(_from_json(json.loads(path.read_bytes())))
        return sorted(found, key=lambda record: (record.finished_s, record.key))

    def change_loops(self, change: Callable[[LoopRecord], LoopRecord]) -> None:
        """Change loops of all records."""
        for record in self.all():
            loops = tuple(change(loop) for loop in record.loops)
            if loops != record.loops:
                self.put(replace(record, loops=loops))


def latest(records: Iterable[UnitRecord]) -> list[UnitRecord]:
    """Keep the newest record of each source and command, the oldest of them first."""
    newest: dict[tuple[str, str, tuple[str, ...]], UnitRecord] = {}
    for record in sorted(records, key=lambda record: record.finished_s):
        place = (record.folder, record.name, record.command)
        newest.pop(place, None)
        newest[place] = record
    return list(newest.values())


def count_outcomes(records: Iterable[UnitRecord]) -> Counter[Outcome]:
    """Count the loops that ended in each outcome."""
    return Counter(loop.decision.outcome for record in records for loop in record.loops)


def _to_json(record: UnitRecord) -> dict[str, object]:
    return {
        "key": record.key,
        "name": record.name,
        "folder": record.folder,
        "command": list(record.command),
        "finished_s": record.finished_s,
        "seconds": record.seconds,
        "loops": [loop_to_json(loop) for loop in record.loops],
    }


def _from_json(fields: Mapping[str, object]) -> UnitRecord:
    command, loops = fields["command"], fields["loops"]
    if not isinstance(command, list) or not isinstance(loops, list):
        raise TypeError("not a unit record")
    return UnitRecord(
        key=str(fields["key"]),
        name=str(fields["name"]),
        folder=str(fields["folder"]),
        command=tuple(str(word) for word in command),
        finished_s=float(str(fields["finished_s"])),
        seconds=float(str(fields["seconds"])),
        loops=tuple(_loop_from_json(loop) for loop in loops),
    )


def loop_to_json(loop: LoopRecord) -> dict[str, object]:
    """Describe what became of a loop in JSON's types."""
    return {
        "function": loop.function,
        "head_label": loop.head_label,
        "loop_text": loop.loop_text,
        "identity": loop.identity,
        **decision_to_json(loop.decision),
    }


def _loop_from_json(fields: Mapping[str, object]) -> LoopRecord:
    return LoopRecord(
        function=str(fields["function"]),
        head_label=str(fields["head_label"]),
        loop_text=str(fields["loop_text"]),
        decision=decision_from_json(fields),
        identity=str(fields["identity"]),
    )
