"""The way of a unit from gcc's text to the text that is assembled, stage by stage.

Here, and only here, an unexpected error becomes gcc's own output.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import starmap
from pathlib import Path
from typing import TypeVar

from llmcc.asm.model import Unit
from llmcc.asm.parse import parse
from llmcc.config import Config, read_config
from llmcc.eligibility import (
    NOT_ASKED,
    Driver,
    Eligibility,
    SourceFile,
    examine,
    read_driver,
)
from llmcc.errors import LlmccError
from llmcc.native.identity import digest_bytes
from llmcc.outcome import Outcome
from llmcc.regions.find import RefusedLoop, find_regions
from llmcc.regions.model import Region
from llmcc.splice import FastPath, splice
from llmcc.store.entries import find_remote
from llmcc.store.evict import trim_when_due
from llmcc.store.keys import region_identity
from llmcc.store.lock import BadLock, Lock, parse_lock
from llmcc.store.records import DecisionStore, LoopRecord, RegionDecision
from llmcc.store.unit_records import UnitRecord, UnitRecords
from llmcc.store.units import UnitEntry, UnitStore
from llmcc.workshop import PASSING, Context, Rewriter, Workshop, locked_decision

__all__ = ["Context", "Rewriter", "UnitResult", "make_context", "optimise_unit", "store_result"]

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Survey:
    """The loops of a unit before any is tried."""

    refused: tuple[LoopRecord, ...]
    regions: tuple[Region, ...]
    eligibility: Eligibility
    function_texts: Mapping[str, str]  # gcc's, of the functions with regions
    is_final: bool = True  # False when looking again may find more


@dataclass(frozen=True, slots=True)
class Answer:
    """What was decided on a region."""

    key: str  # what the decision is filed under
    decision: RegionDecision


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


def survey_unit(text: str, context: Context) -> Survey:
    """Find a unit's loops and ask gcc about them; none when that fails."""
    return _or_gcc(
        lambda: _survey(parse(text), text, context),
        otherwise=lambda error: Survey((), (), NOT_ASKED, {}, is_final=False),
        config=context.config,
    )


def finish_unit(
    text: str, survey: Survey, answers: Sequence[Answer], *, config: Config
) -> UnitResult:
    """Put the fast paths of a surveyed unit in, given an answer for each of its regions."""
    return _or_gcc(
        lambda: _finish(parse(text), text, survey, answers),
        otherwise=lambda error: UnitResult(text, (), is_final=False),
        config=config,
    )


def hottest_first(region: Region) -> tuple[int, int]:
    """Order regions by how likely they are to be hot: the deepest first, then the longest."""
    return -region.depth, -region.instruction_count


def _optimise(text: str, context: Context) -> UnitResult:
    unit = parse(text)
    survey = _survey(unit, text, context)
    if not survey.regions:
        return UnitResult(text, survey.refused, is_final=survey.is_final)
    return _finish(unit, text, survey, _answers(survey, context))


def _answers(survey: Survey, context: Context) -> list[Answer]:
    if (lock := context.lock) is not None:
        # The key ends up in the object, so it may not depend on the machine.
        return [
            Answer(
                region_identity(region),
                locked_decision(region, survey.eligibility, context.config, lock),
            )
            for region in survey.regions
        ]
    workshop = Workshop(context)
    hottest = sorted(survey.regions, key=hottest_first)
    decided = {id(region): _decide(region, survey, workshop) for region in hottest}
    return [Answer(workshop.key(region), decided[id(region)]) for region in survey.regions]


def _decide(region: Region, survey: Survey, workshop: Workshop) -> RegionDecision:
    known = workshop.known(region, survey.eligibility)
    if known is not None:
        return known
    if workshop.is_late():
        return RegionDecision(Outcome.BUDGET_SPENT)
    return try_region(region, survey.function_texts[region.function], workshop)


def try_region(region: Region, function_text: str, workshop: Workshop) -> RegionDecision:
    """Try a region that nothing is known of, and keep what says something about it.

    Raises:
        OSError: the store cannot be written.
    """
    decision = _or_gcc(
        lambda: workshop.attempt(region, function_text),
        otherwise=lambda error: RegionDecision(Outcome.INTERNAL_ERROR, detail=error),
        config=workshop.config,
    )
    workshop.keep(region, decision)
    return decision


def _survey(unit: Unit, text: str, context: Context) -> Survey:
    found = find_regions(unit)
    refused = tuple(_refused_record(loop) for loop in found if isinstance(loop, RefusedLoop))
    regions = tuple(region for region in found if isinstance(region, Region))
    eligibility = context.ask_eligibility(text) if regions else NOT_ASKED
    wanted = {region.function for region in regions}
    texts = {
        function.name: "\n".join(line.text for line in unit.lines[function.first : function.last])
        for function in unit.functions
        if function.name in wanted
    }
    return Survey(refused, regions, eligibility, texts, is_final=eligibility.is_final)


def _finish(unit: Unit, text: str, survey: Survey, answers: Sequence[Answer]) -> UnitResult:
    answered = list(zip(survey.regions, answers, strict=True))
    fast_paths = tuple(
        FastPath(region, answer.key, answer.decision.rewrite, answer.decision.isa)
        for region, answer in answered
        if answer.decision.outcome is Outcome.ACCEPTED
    )
    is_decided = not any(answer.decision.outcome in PASSING for answer in answers)
    return UnitResult(
        text=splice(unit, fast_paths) if fast_paths else text,
        records=survey.refused + tuple(starmap(_region_record, answered)),
        sources=survey.eligibility.source_files,
        is_final=survey.is_final and is_decided,
    )


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


def _region_record(region: Region, answer: Answer) -> LoopRecord:
    return LoopRecord(
        function=region.function,
        head_label=region.placement.head_label,
        loop_text=region.text,
        decision=answer.decision,
        identity=region_identity(region),
    )


def make_context(config: Config, driver: Driver | None) -> Context:
    """Return the real context, for a unit made by `driver`."""
    remote = find_remote(config.remote, config.remote_secret)

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


def _read_lock(path: Path, digest: str) -> Lock:
    """Read the lock file the shim has found; one that cannot be believed decides on nothing.

    Raises:
        LlmccError: it is not the one any more.
        OSError: it cannot be read.
    """
    data = path.read_bytes()
    if digest_bytes(data) != digest:
        raise LlmccError(f"{path} changed while gcc ran")
    try:
        return parse_lock(data)
    except BadLock as error:
        sys.stderr.write(f"llmcc: {path}: {error}. gcc's output was used.\n")
        return Lock("", {})


def unit_record(
    key: str, text: str, driver: Driver | None, result: UnitResult, *, seconds: float
) -> UnitRecord:
    """Describe a unit's end; `seconds` is what it took."""
    return UnitRecord(
        key=key,
        name=unit_name(text),
        folder=str(driver.folder) if driver else "",
        command=driver.argv if driver else (),
        finished_s=time.time(),
        seconds=seconds,
        loops=result.records,
    )


def unit_name(text: str) -> str:
    """Return the source's name out of `.file "name"`, the first line of gcc's text."""
    return text.partition("\n")[0].partition('"')[2].rpartition('"')[0]


def main(argv: Sequence[str] | None = None) -> int:
    """Optimise the unit on standard input for the shim.

    Its arguments: ``<cache> <key> <pid of gcc> <assembler> <lock file> <its digest>``, the last two
    empty when there is none. Standard output and error are the log.
    """
    # The shim ends us so; as an exception it lets temporary files be removed.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    # Under make -j the threads of several numpys spin against each other: 20 s instead of 1.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    words = sys.argv[1:] if argv is None else argv
    cache, key, driver_pid, _, lock_path, lock_digest = words
    # Read first: gcc is there as long as the shim waits for us.
    driver = read_driver(int(driver_pid))
    text = sys.stdin.buffer.read().decode("latin-1")
    started_s = time.monotonic()
    try:
        config = replace(read_config(), cache=Path(cache))
        lock = _read_lock(Path(lock_path), lock_digest) if lock_path else None
        if lock is not None:
            config = replace(config, remote="")
        result = optimise_unit(text, replace(make_context(config, driver), lock=lock))
        store_result(key, result, UnitStore(config.cache))
        seconds = round(time.monotonic() - started_s, 3)
        UnitRecords(config.cache).put(unit_record(key, text, driver, result, seconds=seconds))
        trim_when_due(config.cache, cap_bytes=config.cap_bytes, now_s=time.time())
    except (LlmccError, OSError) as error:
        sys.stderr.write(f"llmcc: {key[:12]}: {error}. gcc's output was used.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
