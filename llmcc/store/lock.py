"""Lock files: accepted rewrites pinned by a project, as text to be committed and reviewed.

A lock file is JSON: the llmcc that wrote it, a checksum over all the rest, and an entry for each
region, told by its identity, which depends on no machine. Only the rewrite and its ISA decide
anything; the other fields tell people what the rewrite rests on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from llmcc.errors import LlmccError
from llmcc.native.identity import digest_bytes
from llmcc.outcome import Outcome
from llmcc.store.records import LoopRecord, RegionDecision, SpeedupInterval
from llmcc.store.unit_records import UnitRecord, latest

MOST_BYTES = 64 << 20  # of native/store_lookup.c
_FORMAT = 1
_COUNTED = "states"  # what the evidence calls the number of tests


class BadLock(LlmccError):
    """A lock file is damaged, was changed by hand, or is of another version."""


@dataclass(frozen=True, slots=True)
class LockedPath:
    """One accepted rewrite."""

    identity: str  # of the region, see `keys.region_identity`
    isa: str
    rewrite: str
    function: str  # of one of the places it was found in
    source: str
    speedup: SpeedupInterval | None
    cpu: str  # it was timed on
    level: str
    level_detail: str
    tests: int
    seed: int

    @property
    def decision(self) -> RegionDecision:
        """The decision that a build with the lock file makes, but for the gate's word."""
        return RegionDecision(
            Outcome.ACCEPTED,
            isa=self.isa,
            rewrite=self.rewrite,
            backend="lock file",
            speedup=self.speedup,
            seed=self.seed,
            evidence={_COUNTED: self.tests},
            level=self.level,
            level_detail=self.level_detail,
        )


@dataclass(frozen=True, slots=True)
class Lock:
    """What a lock file says."""

    generation: str  # of the llmcc that wrote it
    paths: Mapping[str, LockedPath]  # by identity


def accepted_paths(records: Iterable[UnitRecord], *, cpu: str) -> dict[str, LockedPath]:
    """Collect what was accepted in the newest record of each unit, by identity.

    Of a loop that is in several places the first in the order of the alphabet is named; of two
    rewrites of it, the newer one is taken.
    """
    found: dict[str, LockedPath] = {}
    for record in latest(records):
        for loop in record.loops:
            if loop.decision.outcome is not Outcome.ACCEPTED or not loop.identity:
                continue
            path = _locked_path(record, loop, cpu)
            before = found.get(loop.identity)
            if before is None or before.rewrite != path.rewrite or _place(path) < _place(before):
                found[loop.identity] = path
    return found


def render_lock(lock: Lock) -> bytes:
    """Write a lock file; the same contents give the same bytes."""
    entries = [_to_json(path) for path in sorted(lock.paths.values(), key=_order)]
    body = {"llmcc": lock.generation, "fast_paths": entries}
    fields = {"format": _FORMAT, "checksum": _checksum(body), **body}
    return json.dumps(fields, indent=1).encode() + b"\n"


def parse_lock(data: bytes) -> Lock:
    """Read a lock file.

    Raises:
        BadLock: it cannot be believed.
    """
    try:
        fields = json.loads(data)
        if fields["format"] != _FORMAT:
            raise BadLock(f"format {fields['format']} is not {_FORMAT}: another llmcc wrote it")
        body = {"llmcc": fields["llmcc"], "fast_paths": fields["fast_paths"]}
        if fields["checksum"] != _checksum(body):
            raise BadLock("the checksum is wrong: it was changed, or merged by hand")
        paths = [_from_json(entry) for entry in fields["fast_paths"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadLock(f"it is not a lock file: {error!r}") from error
    return Lock(str(fields["llmcc"]), MappingProxyType({path.identity: path for path in paths}))


def _locked_path(record: UnitRecord, loop: LoopRecord, cpu: str) -> LockedPath:
    decision = loop.decision
    return LockedPath(
        identity=loop.identity,
        isa=decision.isa,
        rewrite=decision.rewrite,
        function=loop.function,
        source=Path(record.name).name,
        speedup=decision.speedup,
        cpu=cpu,
        level=decision.level,
        level_detail=decision.level_detail,
        tests=int(decision.evidence.get(_COUNTED, 0)),
        seed=decision.seed,
    )


def _place(path: LockedPath) -> tuple[str, str]:
    return path.source, path.function


def _order(path: LockedPath) -> tuple[str, str, str]:
    return path.source, path.function, path.identity


def _checksum(body: Mapping[str, object]) -> str:
    return digest_bytes(json.dumps(body, sort_keys=True).encode())


def _to_json(path: LockedPath) -> dict[str, object]:
    speedup = path.speedup
    return {
        "source": path.source,
        "function": path.function,
        "identity": path.identity,
        "isa": path.isa,
        "rewrite": path.rewrite.splitlines(),
        "speedup": None
        if speedup is None
        else {name: round(getattr(speedup, name), 3) for name in ("ratio", "low", "high")},
        "cpu": path.cpu,
        "level": path.level,
        "level_detail": path.level_detail,
        "tests": path.tests,
        "seed": path.seed,
    }


def _from_json(fields: Mapping[str, object]) -> LockedPath:
    rewrite, speedup = fields["rewrite"], fields["speedup"]
    if not isinstance(rewrite, list):
        raise TypeError("a rewrite is a list of lines")
    return LockedPath(
        identity=str(fields["identity"]),
        isa=str(fields["isa"]),
        rewrite="".join(f"{line}\n" for line in rewrite),
        function=str(fields["function"]),
        source=str(fields["source"]),
        speedup=SpeedupInterval(**speedup) if isinstance(speedup, dict) else None,
        cpu=str(fields["cpu"]),
        level=str(fields["level"]),
        level_detail=str(fields["level_detail"]),
        tests=int(str(fields["tests"])),
        seed=int(str(fields["seed"])),
    )
