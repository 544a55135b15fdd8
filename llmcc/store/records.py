"""Region decisions: what became of a loop, kept so that a changed unit finds it again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from llmcc.outcome import Outcome
from llmcc.store.entries import Entries, Remote


@dataclass(frozen=True, slots=True)
class SpeedupInterval:
    """A measured speedup: gcc's time divided by the rewrite's, > 1 is faster."""

    ratio: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RegionDecision:
    """The ending of one region, with all that is needed to tell the user why."""

    outcome: Outcome
    detail: str = ""
    isa: str = ""  # of the rewrite; "" without one
    rewrite: str = ""  # canonical text of the accepted rewrite, or of the one that came furthest
    backend: str = ""
    speedup: SpeedupInterval | None = None  # None when it was not measured
    seed: int = 0
    evidence: Mapping[str, float] = field(default_factory=dict)  # counts and figures of the stages
    level: str = ""  # "tested(10000, 0.95)", "bounded(40)", "proved"; "" when not accepted
    level_detail: str = ""  # why the level is not higher, or what it says


@dataclass(frozen=True, slots=True)
class LoopRecord:
    """What became of one loop of a unit."""

    function: str
    head_label: str
    loop_text: str  # canonical text; "" for a loop that is not a region
    decision: RegionDecision
    identity: str = ""  # `keys.region_identity`; "" for a loop that is not a region


class DecisionStore:
    """The folder `regions` of a cache, and of the remote behind it."""

    def __init__(self, cache: Path, *, remote: Remote | None = None) -> None:
        """Open the store in `cache`; nothing is read or made yet."""
        self._entries = Entries(cache, "regions", title="llmcc-region 1", remote=remote)

    def path(self, key: str) -> Path:
        """Return where the decision of `key` is or would be."""
        return self._entries.path(key)

    def put(self, key: str, decision: RegionDecision) -> None:
        """Write a decision.

        Raises:
            OSError: the store cannot be written.
        """
        self._entries.write(key, json.dumps(decision_to_json(decision), indent=1).encode())

    def get(self, key: str) -> RegionDecision | None:
        """Read a decision; a damaged one is removed and counts as missing."""
        return _parsed(self._entries.read(key))

    def get_remote(
        self, key: str, is_allowed: Callable[[RegionDecision], bool]
    ) -> RegionDecision | None:
        """Read a decision that only the remote has, and keep it; one not allowed is missing."""
        body = self._entries.read_remote(key)
        decision = _parsed(body)
        if body is None or decision is None or not is_allowed(decision):
            return None
        self._entries.keep(key, body)
        return decision

    def keys_with(self, isa: str, rewrite: str) -> list[str]:
        """List the keys of all decisions that accepted this text."""
        return [
            key
            for key, decision in self.all()
            if decision.outcome is Outcome.ACCEPTED
            and (decision.isa, decision.rewrite) == (isa, rewrite)
        ]

    def all(self) -> Iterator[tuple[str, RegionDecision]]:
        """Yield every decision that this version understands, with its key."""
        for key in self._entries.all_keys():
            decision = self.get(key)
            if decision is not None:
                yield key, decision

    def seconds(self) -> list[float]:
        """List how long each region took that was tried, in seconds, whatever llmcc tried it."""
        found = []
        for key in self._entries.all_keys():
            # Outcomes of other generations may be unknown here, so decisions are not read whole.
            with suppress(OSError, ValueError, KeyError, TypeError):
                _, _, body = self.path(key).read_bytes().partition(b"\n")
                found.append(float(json.loads(body)["evidence"]["seconds"]))
        return found


def decision_to_json(decision: RegionDecision) -> dict[str, object]:
    """Describe a decision in JSON's types."""
    return {
        "outcome": decision.outcome.name,
        "detail": decision.detail,
        "isa": decision.isa,
        "rewrite": decision.rewrite,
        "backend": decision.backend,
        "speedup": asdict(decision.speedup) if decision.speedup else None,
        "seed": decision.seed,
        "evidence": dict(decision.evidence),
        "level": decision.level,
        "level_detail": decision.level_detail,
    }


def decision_from_json(fields: Mapping[str, object]) -> RegionDecision:
    """Read what `decision_to_json` wrote with the same generation of llmcc.

    Raises:
        ValueError, KeyError, TypeError: another one wrote it.
    """
    speedup, evidence = fields["speedup"], fields["evidence"]
    if not isinstance(evidence, dict):
        raise TypeError("not a decision")
    return RegionDecision(
        outcome=Outcome[str(fields["outcome"])],
        detail=str(fields["detail"]),
        isa=str(fields["isa"]),
        rewrite=str(fields["rewrite"]),
        backend=str(fields["backend"]),
        speedup=SpeedupInterval(**speedup) if isinstance(speedup, dict) else None,
        seed=int(str(fields["seed"])),
        evidence=evidence,
        level=str(fields["level"]),
        level_detail=str(fields["level_detail"]),
    )


def _parsed(body: bytes | None) -> RegionDecision | None:
    # One of another generation, which is never looked up, may hold what is unknown here.
    with suppress(ValueError, KeyError, TypeError):
        return None if body is None else decision_from_json(json.loads(body))
    return None
