"""Region decisions: what became of a loop, kept so that a changed unit finds it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from llmcc.files import write_atomically
from llmcc.native.identity import digest_bytes
from llmcc.outcome import Outcome
from llmcc.store.files import shard_path


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
    """The folder `regions` of a cache."""

    def __init__(self, cache: Path) -> None:
        """Open the store in `cache`; nothing is read or made yet."""
        self._folder = cache / "regions"

    def path(self, key: str) -> Path:
        """Return where the decision of `key` is or would be."""
        return shard_path(self._folder, key)

    def put(self, key: str, decision: RegionDecision) -> None:
        """Write a decision.

        Raises:
            OSError: the store cannot be written.
        """
        body = json.dumps(decision_to_json(decision), indent=1).encode()
        write_atomically(self.path(key), _checksum_line(body) + body)

    def get(self, key: str) -> RegionDecision | None:
        """Read a decision; a damaged one is removed and counts as missing."""
        path = self.path(key)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        header, _, body = data.partition(b"\n")
        if header + b"\n" != _checksum_line(body):
            path.unlink(missing_ok=True)
            return None
        return decision_from_json(json.loads(body))

    def keys_with(self, isa: str, rewrite: str) -> list[str]:
        """List the keys of all decisions that accepted this text."""
        found = []
        for path in sorted(self._folder.glob("[0-9a-f][0-9a-f]/*")):
            key = path.parent.name + path.name
            try:
                decision = self.get(key)
            except (ValueError, KeyError, TypeError):
                # Another generation's, which is never looked up again.
                continue
            if (
                decision is not None
                and decision.outcome is Outcome.ACCEPTED
                and (decision.isa, decision.rewrite) == (isa, rewrite)
            ):
                found.append(key)
        return found

    def seconds(self) -> list[float]:
        """List how long each region took that was tried, in seconds, whatever llmcc tried it."""
        found = []
        for path in sorted(self._folder.glob("[0-9a-f][0-9a-f]/*")):
            # Outcomes of other generations may be unknown here, so decisions are not read whole.
            _, _, body = path.read_bytes().partition(b"\n")
            try:
                found.append(float(json.loads(body)["evidence"]["seconds"]))
            except (ValueError, KeyError, TypeError):
                continue
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
    """Read what `decision_to_json` wrote with the same generation of llmcc."""
    speedup, evidence = fields["speedup"], fields["evidence"]
    assert isinstance(evidence, dict)
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


def _checksum_line(body: bytes) -> bytes:
    return f"llmcc-region 1 {digest_bytes(body)}\n".encode()
