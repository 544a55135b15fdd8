"""Verdicts: what was found out about a rewrite, whatever the CPU; timings are kept elsewhere.

A verdict holds for exactly one text in front of exactly one loop, tested from one seed to one depth
by one generation of llmcc. Only endings that another run would give again are kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from llmcc.native.identity import digest_strings
from llmcc.outcome import Outcome, Refusal
from llmcc.regions.model import Region
from llmcc.store.entries import Entries, Remote
from llmcc.store.keys import region_identity
from llmcc.verify.verify import GatedRewrite, Verified, recall

# Not among them: what a busy machine can bring about (TIMED_OUT, CRASHED for want of memory, too
# few valid states), what differs from run to run, and what a CPU lacks.
_LASTING = frozenset(
    {
        Outcome.WRONG_OUTPUT,
        Outcome.WRONG_EXIT,
        Outcome.WRONG_FP_FLAGS,
        Outcome.READS_BEYOND,
        Outcome.WRITES_BEYOND,
        Outcome.NOT_COVERED,
        Outcome.BATTERY_TOO_WEAK,
        Outcome.DISPROVED,
    }
)


@dataclass(frozen=True, slots=True)
class KnownLevel:
    """A level of evidence, as `prove.level.Level` has it."""

    name: str
    text: str
    detail: str


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What a file holds."""

    outcome: Outcome  # ACCEPTED: it passed
    detail: str = ""
    tests: int = 0
    mutation_score: float | None = None
    seed: int = 0
    level: KnownLevel | None = None


class Verdicts:
    """The folder `verdicts` of a cache, and of the remote behind it."""

    def __init__(self, cache: Path, *, generation: str, remote: Remote | None = None) -> None:
        """Open the store in `cache`; nothing is read or made yet.

        generation: of llmcc, see `native.identity`.
        """
        self._entries = Entries(cache, "verdicts", title="llmcc-verdict 1", remote=remote)
        self._generation = generation

    def key(self, region: Region, question: str, *, isa: str = "", rewrite: str = "") -> str:
        """Return what the answer to a question is filed under.

        question: the stage with all that its answer depends on besides, seed and depth above all.
        """
        facts = (self._generation, region_identity(region), isa, rewrite, question)
        return digest_strings(facts)

    def verified(self, key: str, gated: GatedRewrite) -> Verified | Refusal | None:
        """Return what verifying `gated` gave; None when that is not known."""
        known = self._get(key)
        if known is None:
            return None
        if known.outcome is not Outcome.ACCEPTED:
            return Refusal(known.outcome, known.detail)
        score = known.mutation_score
        return recall(gated, tests=known.tests, mutation_score=score, seed=known.seed)

    def keep_verified(self, key: str, verdict: Verified | Refusal) -> None:
        """Keep what verifying gave, if it would be the same again."""
        if isinstance(verdict, Refusal):
            self._put(key, _Verdict(verdict.outcome, verdict.detail))
        else:
            tests, score, seed = verdict.tests, verdict.mutation_score, verdict.seed
            self._put(key, _Verdict(Outcome.ACCEPTED, "", tests, score, seed))

    def level(self, key: str) -> KnownLevel | Refusal | None:
        """Return what proving gave; None when that is not known."""
        known = self._get(key)
        if known is None or known.outcome is Outcome.ACCEPTED:
            return known.level if known else None
        return Refusal(known.outcome, known.detail)

    def keep_level(self, key: str, level: KnownLevel | Refusal) -> None:
        """Keep what proving gave."""
        if isinstance(level, Refusal):
            self._put(key, _Verdict(level.outcome, level.detail))
        else:
            self._put(key, _Verdict(Outcome.ACCEPTED, level=level))

    def is_known_to_hold(self, key: str) -> bool:
        """Tell whether a question was answered with yes; see `keep_yes`."""
        known = self._get(key)
        return known is not None and known.outcome is Outcome.ACCEPTED

    def keep_yes(self, key: str) -> None:
        """Keep that the answer was yes."""
        self._put(key, _Verdict(Outcome.ACCEPTED))

    def _put(self, key: str, verdict: _Verdict) -> None:
        """Write a verdict; does nothing when the cache cannot be written."""
        if verdict.outcome is Outcome.ACCEPTED or verdict.outcome in _LASTING:
            fields = asdict(verdict) | {"outcome": verdict.outcome.name}
            with suppress(OSError):
                self._entries.write(key, json.dumps(fields).encode())

    def _get(self, key: str) -> _Verdict | None:
        known = _parsed(self._entries.read(key))
        if known is None:
            body = self._entries.read_remote(key)
            known = _parsed(body)
            if body is not None and known is not None:
                self._entries.keep(key, body)
        return known


def _parsed(body: bytes | None) -> _Verdict | None:
    # What a remote holds need not be ours.
    with suppress(ValueError, KeyError, TypeError):
        return None if body is None else _from_json(json.loads(body))
    return None


def _from_json(fields: Mapping[str, object]) -> _Verdict:
    outcome, score, level = (
        Outcome[str(fields["outcome"])],
        fields["mutation_score"],
        fields["level"],
    )
    if outcome is not Outcome.ACCEPTED and outcome not in _LASTING:
        raise ValueError("not an outcome of verifying")
    return _Verdict(
        outcome,
        detail=str(fields["detail"]),
        tests=int(str(fields["tests"])),
        mutation_score=None if score is None else float(str(score)),
        seed=int(str(fields["seed"])),
        level=KnownLevel(**level) if isinstance(level, dict) else None,
    )
