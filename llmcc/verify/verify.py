"""Verify a rewrite: the same ends as gcc's loop from every state, every branch of it executed.

Wrong rewrites die in the first chunk of a few hundred states; right ones see all of them, after
the tests themselves were shown to notice mutants of gcc's own loop. A few runs are single-stepped
to see every byte that is read or written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from llmcc.outcome import Outcome, Refusal
from llmcc.regions.model import Region
from llmcc.sandbox.model import Blob
from llmcc.states.blob import rewrite_blob
from llmcc.states.text_facts import read_facts
from llmcc.verify.battery import MIN_MUTATION_SCORE, Battery
from llmcc.verify.chunk import Chunk, Runner
from llmcc.verify.coverage import Instrumented, instrument

_REPEATED_STATES = 64
_FIRST_TIMEOUT_S = 0.3
_KEY = object()


class GatedRewrite(Protocol):
    """What verifying needs of a rewrite that has passed the gate."""

    @property
    def text(self) -> str:
        """Canonical text."""
        ...

    @property
    def isa(self) -> str:
        """A key of `toolchain.MARCH`."""
        ...

    @property
    def code(self) -> bytes:
        """The rewrite's own bytes, with which the blob begins."""
        ...

    @property
    def blob(self) -> Blob:
        """The rewrite in front of gcc's loop."""
        ...


@dataclass(frozen=True, slots=True)
class Verified:
    """A rewrite that ended like gcc's loop from every state; `verify` or `recall` makes one."""

    gated: GatedRewrite
    tests: int
    mutation_score: float | None  # None after a quick verification
    seed: int
    key: object = None

    def __post_init__(self) -> None:
        """Refuse to be made elsewhere."""
        if self.key is not _KEY:
            raise TypeError("only verify() and recall() make a Verified")


def verify(
    region: Region,
    gated: GatedRewrite,
    *,
    sandbox: Runner,
    seed: int,
    tests: int = 10_000,
    quick: bool = False,
    battery: Battery | None = None,
    known_score: float | None = None,
) -> Verified | Refusal:
    """Test a rewrite against gcc's loop.

    Args:
        region: the loop.
        gated: the rewrite.
        sandbox: where the code runs.
        seed: of the states; ignored with `battery`.
        tests: valid states to reach; fewer refuse the region.
        quick: some 600 states and no mutants, for training; not enough to accept a rewrite.
        battery: the region's tests, to be shared by all its rewrites.
        known_score: mutation score of the region under another seed, which is then believed; None:
            run the mutants.
    """
    if battery is None:
        made = Battery.build(region, sandbox=sandbox, seed=seed)
        if isinstance(made, Refusal):
            return made
        battery = made
    chunks = battery.quick_chunks() if quick else battery.chunks(tests)
    covered = _Coverage.of(region, gated)
    if isinstance(covered, Refusal):
        return covered
    if refusal := _known_refusal(battery, gated):
        return refusal
    done = 0
    for number, chunk in enumerate(chunks):
        refusal = _test(battery, gated, chunk, timeout_s=1.0 if number else _FIRST_TIMEOUT_S)
        if refusal is None and number == 0:
            refusal = _after_first(battery, gated, chunk, covered) or (
                None if quick or known_score is not None else _too_weak(battery)
            )
        if refusal is not None:
            return refusal
        covered.run(battery, chunk)
        done += len(chunk)
    if refusal := _not_enough(battery, covered, done, least=0 if quick else tests):
        return refusal
    score = None if quick else known_score or battery.mutation_score().share
    return Verified(gated, done, score, battery.seed, _KEY)


def recall(gated: GatedRewrite, *, tests: int, mutation_score: float | None, seed: int) -> Verified:
    """Make what `verify` once gave for this very text; only `store.verdicts` may remember that."""
    return Verified(gated, tests, mutation_score, seed, _KEY)


def _too_weak(battery: Battery) -> Refusal | None:
    score = battery.mutation_score()
    if score.share >= MIN_MUTATION_SCORE:
        return None
    detail = f"{score.killed} of {score.total} mutants noticed, not `{score.survivors[0]}`"
    return Refusal(Outcome.BATTERY_TOO_WEAK, detail)


def _not_enough(battery: Battery, covered: _Coverage, done: int, *, least: int) -> Refusal | None:
    if missing := covered.missing:
        return Refusal(Outcome.NOT_COVERED, missing[0])
    if done < least:
        return Refusal(Outcome.NOT_A_COUNTED_STATE, f"only {done} valid states")
    return battery.weakness()


def _test(
    battery: Battery, gated: GatedRewrite, chunk: Chunk, *, timeout_s: float
) -> Refusal | None:
    ends = battery.run(gated.blob, chunk.states, timeout_s=timeout_s)
    row = battery.comparison.tell_tale(chunk.expected, ends)
    if row is not None:
        battery.keep(chunk, row)
    return battery.comparison.first_refusal(chunk.expected, ends)


def _known_refusal(battery: Battery, gated: GatedRewrite) -> Refusal | None:
    """Try the states that told earlier rewrites apart."""
    for chunk in battery.known_chunks():
        ends = battery.run(gated.blob, chunk.states, timeout_s=_FIRST_TIMEOUT_S)
        if refusal := battery.comparison.first_refusal(chunk.expected, ends):
            return refusal
    return None


def _after_first(
    battery: Battery, gated: GatedRewrite, chunk: Chunk, covered: _Coverage
) -> Refusal | None:
    """Run some states again, some by single steps, and states of the rewrite's own constants."""
    first = chunk.part(slice(_REPEATED_STATES))
    again = battery.run(gated.blob, first.states)
    if battery.comparison.wrong(first.expected, again).any():
        return Refusal(Outcome.NOT_DETERMINISTIC)
    if refusal := battery.stepped_refusal(gated.blob, gated.code):
        return refusal
    own = set(read_facts(gated.text).constants) - set(battery.recipe.facts.constants)
    more = battery.chunk_with(sorted(own)) if own else None
    if more is None:
        return None
    refusal = _test(battery, gated, more, timeout_s=1.0)
    covered.run(battery, more)
    return refusal


class _Coverage:
    """Marks of one rewrite reached so far."""

    def __init__(self, marked: Instrumented, blob: Blob) -> None:
        self._marked = marked
        self._blob = blob
        self._seen = np.zeros(len(marked.marks), np.bool_)

    @classmethod
    def of(cls, region: Region, gated: GatedRewrite) -> _Coverage | Refusal:
        marked = instrument(gated.text)
        if marked is None:
            return Refusal(Outcome.NOT_COVERED, "more marks than the page holds")
        blob = rewrite_blob(region, marked.text, gated.isa)
        return blob if isinstance(blob, Refusal) else cls(marked, blob)

    @property
    def missing(self) -> tuple[str, ...]:
        """What no state has reached."""
        return tuple(np.array(self._marked.marks)[~self._seen])

    def run(self, battery: Battery, chunk: Chunk) -> None:
        """Run the marked text as long as something is missing."""
        if self.missing:
            self._seen |= self._marked.reached(battery.run(self._blob, chunk.states).coverage)
