"""The way of a unit from gcc's text to the text that is assembled, stage by stage.

Here, and only here, an unexpected error becomes gcc's own output.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol, TypeVar

from llmcc.asm.model import Unit
from llmcc.asm.parse import parse
from llmcc.config import Config, read_config
from llmcc.eligibility import Driver, Eligibility, SourceFile, examine, read_driver
from llmcc.errors import LlmccError
from llmcc.native.identity import generation
from llmcc.outcome import Outcome, Refusal
from llmcc.regions.find import RefusedLoop, find_regions
from llmcc.regions.model import Region
from llmcc.splice import FastPath, splice
from llmcc.store.entries import Remote
from llmcc.store.evict import trim_when_due
from llmcc.store.keys import cpu_name, region_identity, region_key
from llmcc.store.records import DecisionStore, LoopRecord, RegionDecision
from llmcc.store.refused import RefusedTexts
from llmcc.store.unit_records import UnitRecord, UnitRecords
from llmcc.store.units import UnitEntry, UnitStore

# Endings that say nothing about the loop: another try may end otherwise, so they are not kept.
_PASSING = frozenset(
    {
        Outcome.BUDGET_SPENT,
        Outcome.INTERNAL_ERROR,
        Outcome.MACHINE_TOO_NOISY,
        Outcome.SANDBOX_UNSAFE,
    }
)

_Result = TypeVar("_Result")


class Rewriter(Protocol):
    """Finds the best rewrite of one region; `llmcc.rewrite_region` holds the real one."""

    def rewrite(self, region: Region, function_text: str) -> RegionDecision:
        """Take a region through propose, gate, verify, measure and decide."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What a unit is optimised with."""

    config: Config
    decisions: DecisionStore
    ask_eligibility: Callable[[str], Eligibility]  # of a unit's text
    make_rewriter: Callable[[], Rewriter]  # called when a region has to be tried
    cpu: Callable[[], str] = cpu_name  # what timings hold for
    clock: Callable[[], float] = time.monotonic  # seconds


@dataclass(frozen=True, slots=True)
class UnitResult:
    """A unit's end."""

    text: str  # to assemble; gcc's own when nothing was accepted
    records: tuple[LoopRecord, ...]  # in the order of the unit's loops, refused ones first
    sources: tuple[SourceFile, ...] = ()  # what the eligibility of its functions rests on
    is_final: bool = True  # False when trying again may find more


def optimise_unit(text: str, context: Context) -> UnitResult:
    """Put a fast path in front of every loop that one is found for."""
    return _or_gcc(
        lambda: _optimise(text, context),
        otherwise=lambda error: UnitResult(text, (), is_final=False),
        config=context.config,
    )


def _optimise(text: str, context: Context) -> UnitResult:
    unit = parse(text)
    found = find_regions(unit)
    refused = tuple(_refused_record(loop) for loop in found if isinstance(loop, RefusedLoop))
    regions = [region for region in found if isinstance(region, Region)]
    if not regions:
        return UnitResult(text, refused)
    eligibility = context.ask_eligibility(text)
    workshop = _Workshop(unit, eligibility, context)
    # The deepest and longest loops first: they are the likeliest to be hot.
    hottest = sorted(regions, key=lambda region: (-region.depth, -region.instruction_count))
    decided = {id(region): workshop.decide(region) for region in hottest}
    records = tuple(_region_record(region, decided[id(region)]) for region in regions)
    fast_paths = tuple(
        FastPath(region, workshop.key(region), decided[id(region)].rewrite, decided[id(region)].isa)
        for region in regions
        if decided[id(region)].outcome is Outcome.ACCEPTED
    )
    return UnitResult(
        text=splice(unit, fast_paths) if fast_paths else text,
        records=refused + records,
        sources=eligibility.source_files,
        is_final=not any(decision.outcome in _PASSING for decision in decided.values()),
    )


class _Workshop:
    """Decides on the regions of one unit, one after the other, within its budget."""

    def __init__(self, unit: Unit, eligibility: Eligibility, context: Context) -> None:
        self._unit = unit
        self._eligibility = eligibility
        self._context = context
        self._deadline_s = context.clock() + context.config.budget_s
        self._generation = generation()
        self._cpu = context.cpu()
        config = context.config
        # A decision made under one requirement says nothing of what another would have given.
        self._proposer = f"{config.backend} {config.sample_count} {config.seed} {config.require}"
        self._refused = RefusedTexts(config.cache)
        self._rewriter: Rewriter | None = None

    def decide(self, region: Region) -> RegionDecision:
        """Decide on a region: the user's word first, gcc's, the store's, then our own."""
        if is_skipped(region.function, self._context.config.skip):
            return RegionDecision(Outcome.SKIPPED_BY_USER)
        refusal = self._eligibility.refusal(region.function)
        if refusal is not None:
            return _decision_of(refusal)
        key = self.key(region)
        known = self._known(region, key)
        if known is not None:
            return self._unless_refused(known)
        if self._context.clock() >= self._deadline_s:
            return RegionDecision(Outcome.BUDGET_SPENT)
        decision = _or_gcc(
            lambda: self._unless_refused(self._try(region)),
            otherwise=lambda error: RegionDecision(Outcome.INTERNAL_ERROR, detail=error),
            config=self._context.config,
        )
        if decision.outcome not in _PASSING:
            self._context.decisions.put(key, decision)
        return decision

    def key(self, region: Region) -> str:
        """Return what the decision on a region is filed under."""
        return region_key(
            region, generation=self._generation, cpu=self._cpu, proposer=self._proposer
        )

    def _known(self, region: Region, key: str) -> RegionDecision | None:
        decisions = self._context.decisions
        return decisions.get(key) or decisions.get_remote(
            key, is_allowed=lambda decision: _passes_gate(region, decision)
        )

    def _unless_refused(self, decision: RegionDecision) -> RegionDecision:
        """Accept no text that a test of the user has failed with, or that he has reverted."""
        if decision.outcome is not Outcome.ACCEPTED:
            return decision
        refusal = self._refused.refusal(decision.isa, decision.rewrite)
        if refusal is None:
            return decision
        return replace(decision, outcome=refusal.outcome, detail=refusal.detail)

    def _try(self, region: Region) -> RegionDecision:
        if self._rewriter is None:
            self._rewriter = self._context.make_rewriter()
        return self._rewriter.rewrite(region, _function_text(self._unit, region.function))


def is_skipped(function: str, patterns: Sequence[str]) -> bool:
    """Tell whether a pattern of the user names a function, or the one that it is gcc's clone of."""
    names = (function, function.partition(".")[0])
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in names)


def _passes_gate(region: Region, decision: RegionDecision) -> bool:
    """Check what came from afar like a proposal: it is code, whoever has accepted it."""
    if decision.outcome is not Outcome.ACCEPTED:
        return decision.outcome not in _PASSING
    # capstone is loaded only when there is something to decode.
    from llmcc.gate.check import Gated, check
    from llmcc.propose import Proposal

    proposal = Proposal(decision.rewrite, decision.isa, 0.0, decision.backend)
    (gated,) = check(region, [proposal])
    return isinstance(gated, Gated) and gated.text == decision.rewrite


def _or_gcc(
    stage: Callable[[], _Result], *, otherwise: Callable[[str], _Result], config: Config
) -> _Result:
    """Run a stage; when it raises, log that and go on with `otherwise`, unless the user is strict.

    `otherwise` is given the error in one line.
    """
    try:
        return stage()
    except Exception as error:
        if config.is_strict:
            raise
        _log(config, traceback.format_exc())
        return otherwise(f"{type(error).__name__}: {error}".partition("\n")[0])


def _log(config: Config, message: str) -> None:
    """Append to the log; a log that cannot be written is no reason to fail."""
    with suppress(OSError), config.log.open("a", encoding="utf-8", errors="replace") as file:
        file.write(message)


def _refused_record(loop: RefusedLoop) -> LoopRecord:
    decision = RegionDecision(loop.outcome, detail=loop.detail)
    return LoopRecord(loop.function, loop.head_label, "", decision)


def _region_record(region: Region, decision: RegionDecision) -> LoopRecord:
    head_label = region.placement.head_label
    return LoopRecord(region.function, head_label, region.text, decision, region_identity(region))


def _decision_of(refusal: Refusal) -> RegionDecision:
    return RegionDecision(refusal.outcome, detail=refusal.detail)


def _function_text(unit: Unit, name: str) -> str:
    for function in unit.functions:
        if function.name == name:
            return "\n".join(line.text for line in unit.lines[function.first : function.last])
    return ""


def make_context(config: Config, driver: Driver | None) -> Context:
    """Return the real context, for a unit made by `driver`."""
    remote = _remote_of(config)

    def make_rewriter() -> Rewriter:
        # numpy, capstone and the model are loaded only for a loop nobody has tried before.
        from llmcc.rewrite_region import RegionRewriter

        return RegionRewriter(config, remote=remote)

    return Context(
        config=config,
        decisions=DecisionStore(config.cache, remote=remote),
        ask_eligibility=lambda text: examine(text, driver),
        make_rewriter=make_rewriter,
    )


def _remote_of(config: Config) -> Remote | None:
    if not config.remote:
        return None
    # Loads asyncio, and in the background fsspec.
    from llmcc.store.remote import open_remote

    return open_remote(config.remote, config.remote_secret)


def store_result(key: str, result: UnitResult, store: UnitStore) -> None:
    """Keep a unit's end for the `as` shim.

    An end without fast paths that may still change is not kept: the next compile tries again.

    Raises:
        OSError: the store cannot be written.
    """
    has_fast_path = any(record.decision.outcome is Outcome.ACCEPTED for record in result.records)
    if has_fast_path:
        assert result.sources, "only functions that gcc was asked about may have fast paths"
        store.put(key, UnitEntry(result.text, result.sources, is_final=result.is_final))
    elif result.is_final:
        store.put(key, UnitEntry(None, result.sources))


def main(argv: Sequence[str] | None = None) -> int:
    """Optimise the unit on standard input for the shim: ``<cache> <key> <pid of gcc>``.

    Standard output and error are the log.
    """
    # The shim ends us so; as an exception it lets temporary files be removed.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    # Under make -j the threads of several numpys spin against each other: 20 s instead of 1.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    cache, key, driver_pid = (sys.argv[1:] if argv is None else argv)[:3]
    # Read first: gcc is there as long as the shim waits for us.
    driver = read_driver(int(driver_pid))
    text = sys.stdin.buffer.read().decode("latin-1")
    started_s = time.monotonic()
    try:
        config = replace(read_config(), cache=Path(cache))
        result = optimise_unit(text, make_context(config, driver))
        store_result(key, result, UnitStore(config.cache))
        record = UnitRecord(
            key=key,
            name=_unit_name(text),
            folder=str(driver.folder) if driver else "",
            command=driver.argv if driver else (),
            finished_s=time.time(),
            seconds=round(time.monotonic() - started_s, 3),
            loops=result.records,
        )
        UnitRecords(config.cache).put(record)
        trim_when_due(config.cache, cap_bytes=config.cap_bytes, now_s=time.time())
    except (LlmccError, OSError) as error:
        sys.stderr.write(f"llmcc: {key[:12]}: {error}. gcc's output was used.\n")
        return 1
    return 0


def _unit_name(text: str) -> str:
    """Return the source's name out of `.file "name"`, the first line of gcc's text."""
    return text.partition("\n")[0].partition('"')[2].rpartition('"')[0]


if __name__ == "__main__":
    sys.exit(main())
