"""`make torture`: suites of programs built by gcc and by llmcc, in slices that can be resumed.

What is fetched or made stays below one folder outside the project: sources, stores, journals by
generation of llmcc's code, and the files of every difference. tests/torture/report.py tells.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from llmcc.native.identity import generation
from llmcc.sandbox.runner import Sandbox
from tests.torture import c_torture, csmith
from tests.torture.cases import Case, MissingSource
from tests.torture.compare import Comparer
from tests.torture.journal import DIFFERENT, NO_END, SAME, Journal, Row
from tests.torture.loops import LLMCC_LEVELS, Way, try_program
from tests.torture.programs import CountedCompiler
from tests.torture.random_loops import FIRST_SEED
from tests.torture.report import figures, write_figures, write_summary
from tests.torture.small import (
    OWN_FOLDER,
    cases_with_expected_output,
    codenet_cases,
    fetch_tests2,
)
from tests.torture.untimed import plain_config, untimed_rewriter

UNFINISHED_STATUS = 3
CSMITH_COUNT = 300
_LOOPS_PROGRAMS = 5
_LOOPS_FUNCTIONS = 20
_LOOPS_BUDGET_S = 600.0
_DEFAULT_ROOT = Path.home() / ".cache" / "llmcc-torture"


@dataclass(frozen=True, slots=True)
class LoopsJob:
    """One program of random loops."""

    seed: int
    way: Way

    @property
    def name(self) -> str:
        """The journal's name for it."""
        return f"{self.way.value}/{self.seed}"


Job = Case | LoopsJob


@dataclass(frozen=True, slots=True)
class Suite:
    """A named set of programs."""

    name: str
    jobs: Callable[[Collection[str]], Iterable[Job]]  # those whose names are not among the given
    wanted: int | None = None  # programs that come to an end; None for all


def main(argv: Sequence[str] | None = None) -> int:
    """Run suites for some time; exit code 0 says that they are done and nothing is different."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture.run", description=__doc__)
    parser.add_argument("suites", nargs="*", help="all unless named")
    parser.add_argument("--root", type=Path, default=_DEFAULT_ROOT, help="folder for all files")
    parser.add_argument("--codenet", type=Path, help="JSON lines of CodeNet programs with tests")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin nothing later")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="programs at once")
    parser.add_argument(
        "--budget", type=float, default=30, help="seconds a source's loops may take"
    )
    parser.add_argument("--report", type=Path, help="document to put the figures into")
    options = parser.parse_args(argv)
    # Under load the threads of several numpys spin against each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    ends_s = time.monotonic() + options.seconds
    suites = all_suites(options.root / "sources", codenet=options.codenet)
    unknown = set(options.suites) - {suite.name for suite in suites}
    if unknown:
        parser.error(f"no such suite: {', '.join(sorted(unknown))}")
    chosen = [suite for suite in suites if not options.suites or suite.name in options.suites]
    results = options.root / generation()[:16]
    with _Workers(results, jobs=options.jobs, budget_s=options.budget) as workers:
        unfinished = [
            suite.name
            for suite in chosen
            if not _run(suite, workers, _journal(results, suite), ends_s=ends_s)
        ]
    all_figures = [figures(suite.name, _journal(results, suite).rows()) for suite in chosen]
    write_summary(all_figures, results / "summary.json")
    print(f"{results}/summary.json")
    if options.report:
        words = " ".join(["python -m tests.torture.run", *(sys.argv[1:] if argv is None else argv)])
        write_figures(all_figures, words, options.report, unfinished=unfinished)
    if any(one.different for one in all_figures):
        return 1
    if unfinished:
        print(f"not done: {', '.join(unfinished)}. Run the same command again to go on.")
        return UNFINISHED_STATUS
    return 0


def _journal(results: Path, suite: Suite) -> Journal:
    return Journal(results / f"{suite.name}.jsonl")


def all_suites(sources: Path, *, codenet: Path | None) -> list[Suite]:
    """List the suites; a missing source is an error when its suite is run."""
    ways = (Way.UNTIMED, Way.TEACHER)
    suites = [
        Suite("c-torture", partial(_missing, lambda: c_torture.cases(c_torture.unpack(sources)))),
        Suite("csmith", partial(_csmith_jobs, sources / "csmith"), wanted=CSMITH_COUNT),
        Suite("small", partial(_missing, lambda: cases_with_expected_output(OWN_FOLDER))),
        Suite("tests2", partial(_missing, lambda: _tests2_cases(sources / "tcc"))),
        *(
            Suite(f"loops-{way.value}", partial(_missing, partial(_loops_jobs, way)))
            for way in ways
        ),
    ]
    if codenet is not None:
        cases = partial(codenet_cases, codenet, sources / "codenet")
        suites.append(Suite("codenet", partial(_missing, cases)))
    return suites


def _missing(jobs: Callable[[], Iterable[Job]], done: Collection[str]) -> Iterator[Job]:
    return (job for job in jobs() if job.name not in done)


def _csmith_jobs(folder: Path, done: Collection[str]) -> Iterator[Job]:
    include = csmith.csmith_headers()
    if include is None:
        raise MissingSource(csmith.HOW_TO_INSTALL)
    return csmith.cases(include, folder, done=done)


def _tests2_cases(folder: Path) -> Iterator[Case]:
    return cases_with_expected_output(fetch_tests2(folder))


def _loops_jobs(way: Way) -> Iterator[LoopsJob]:
    return (LoopsJob(FIRST_SEED + number, way) for number in range(_LOOPS_PROGRAMS))


class _Workers:
    """Processes that compare programs, with one store."""

    def __init__(self, results: Path, *, jobs: int, budget_s: float) -> None:
        self.count = jobs
        self._pool = ProcessPoolExecutor(
            jobs,
            mp_context=get_context("spawn"),  # numpy reads how many threads it may have once
            initializer=_start,
            initargs=(results, budget_s),
        )

    def __enter__(self) -> _Workers:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown()

    def submit(self, job: Job) -> Future[Row]:
        return self._pool.submit(_work, job)


def _run(suite: Suite, workers: _Workers, journal: Journal, *, ends_s: float) -> bool:
    """Run what the journal does not have; tell whether the suite is done."""
    started_s = time.monotonic()
    rows = journal.rows()
    try:
        jobs = iter(suite.jobs({row.name for row in rows}))
    except MissingSource as error:
        print(f"{suite.name}: {error}")
        return False
    ended = sum(row.verdict != NO_END for row in rows)
    running: set[Future[Row]] = set()
    while True:
        lacking = float("inf") if suite.wanted is None else suite.wanted - ended - len(running)
        may_begin = time.monotonic() < ends_s
        free = min(workers.count - len(running), lacking) if may_begin else 0
        begun = [workers.submit(job) for job in islice(jobs, int(free))]
        running.update(begun)
        if not running:
            break
        finished, running = wait(running, return_when=FIRST_COMPLETED)
        for future in finished:
            row = future.result()
            ended += row.verdict != NO_END
            journal.add(row)
            print(_line(row), flush=True)
    print(f"{suite.name}: {ended} programs, {time.monotonic() - started_s:.0f} s now")
    return may_begin


def _line(row: Row) -> str:
    counts = row.counts
    ran = "-" if row.ran is None else row.ran
    return (
        f"{row.name:<36} found {counts.found:3d} tried {counts.tried:3d} accepted"
        f" {counts.accepted:3d} ran {ran:>3} failed {counts.failed} {row.seconds:6.1f} s"
        f"  {row.verdict}"
    )


_worker: _Worker


class _Worker:
    """What one process needs to compare programs."""

    def __init__(self, results: Path, budget_s: float) -> None:
        self._kept = results / "kept"
        config = plain_config(results / "store", budget_s=budget_s, is_strict=False)
        self._comparer = Comparer(config, untimed_rewriter(config, Sandbox(config.cache)))

    def work(self, job: Job) -> Row:
        with tempfile.TemporaryDirectory(prefix="llmcc-torture-") as name:
            folder = Path(name)
            if isinstance(job, Case):
                row = self._comparer.compare(job, folder=folder)
            else:
                row = _compare_loops(job, folder)
            if row.is_different:
                shutil.copytree(folder, self._kept / job.name, dirs_exist_ok=True)
        return row


def _start(results: Path, budget_s: float) -> None:
    global _worker
    _worker = _Worker(results, budget_s)


def _work(job: Job) -> Row:
    return _worker.work(job)


def _compare_loops(job: LoopsJob, folder: Path) -> Row:
    started_s = time.monotonic()
    llmcc = CountedCompiler(folder / "cache", budget_s=_LOOPS_BUDGET_S)
    result = try_program(
        job.seed, llmcc, folder=folder, functions=_LOOPS_FUNCTIONS, levels=LLMCC_LEVELS, way=job.way
    )
    differences = "; ".join(result.differences)
    return Row(
        job.name,
        f"{DIFFERENT}: {differences}" if differences else SAME,
        is_passed_by_gcc=True,
        is_passed_by_llmcc=not differences,
        outcomes={outcome.name: count for outcome, count in llmcc.outcomes.items()},
        seconds=round(time.monotonic() - started_s, 2),
    )


if __name__ == "__main__":
    sys.exit(main())
