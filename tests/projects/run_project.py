"""One project's whole way: gcc, llmcc with an empty store, llmcc with a full one, side by side."""

from __future__ import annotations

import random
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from llmcc.outcome import Outcome
from llmcc.store.records import DecisionStore
from llmcc.store.unit_records import UnitRecords, count_outcomes, latest
from llmcc.training.debian_sources import Sources, check_needs
from llmcc.training.project_tree import Done, Tree, plain_environ
from tests.projects.outputs import SuiteResult, count_tests, neutral, new_lines, read_rates
from tests.projects.project import Benchmark, Project
from tests.projects.result import AGAIN, GCC, LLMCC, SYNC, Filled, ProjectResult, Timed
from tests.projects.work import make_work

_TOOLS = Path(sys.executable).parent
_ANY_LOOP = "int sum(int *a, int n) { int s = 0; while (n-- > 0) s += *a++; return s; }\n"
_SEED = 7
_LUA_SCRIPTS = Path(__file__).with_name("lua")
_COMPILED = (GCC, AGAIN, LLMCC)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run keeps its files, and how long it may take."""

    root: Path  # fetched sources and input files
    results: Path  # trees and stores, of one llmcc
    most_rounds: int  # of any timing


class StaleInstall(Exception):
    """The installed `llmcc` does not do what this one does; the message says what to do."""


def check_install() -> None:
    """See that the command builds will start is there and records what it compiles.

    Raises:
        StaleInstall: it is not; builds would be gcc's own, and nobody would notice.
    """
    with tempfile.TemporaryDirectory(prefix="llmcc-projects-") as name:
        folder, store = Path(name), Path(name) / "store"
        (folder / "sum.c").write_text(_ANY_LOOP)
        environ = plain_environ(_TOOLS) | {"LLMCC_DIR": str(store), "LLMCC_MODE": "record"}
        done = Tree(folder, environ).run("llmcc -O3 -c sum.c")
        if done.status or not any((store / "spool").rglob("*")):
            raise StaleInstall(
                f"{_TOOLS}/llmcc does not record: run {sys.executable} -m pip install -e ."
            )


def run_project(project: Project, place: Place, *, mode: str) -> ProjectResult:
    """Build, test and time a project.

    mode: how llmcc fills its store: `record`, followed by `llmcc-ctl optimize`, or `sync`.

    Raises:
        MissingSource: something is not there; says what to do.
        CommandFailed: gcc's build failed, or one of the compiles that gcc passed.
    """
    started_s = time.monotonic()
    run = _Run(project, place)
    trees = {name: run.unpack(name) for name in _COMPILED}
    configured = {name: tree.must(f"{project.configure or ':'}") for name, tree in trees.items()}
    built = {name: trees[name].must(project.build) for name in (GCC, AGAIN)}
    tests = {GCC: run.test(trees[GCC])}
    filled = run.fill(trees[LLMCC], mode)
    trees[LLMCC] = apply = trees[LLMCC].with_environ(LLMCC_MODE="apply")
    apply.must(project.clean)
    built[LLMCC] = apply.must(project.build)
    tests[LLMCC] = run.test(apply)
    in_sync = None
    if project.sync_budget_s is not None and mode != "sync":
        tree = run.unpack(SYNC)
        configured[SYNC] = tree.must(project.configure or ":")
        in_sync = run.fill(tree, "sync")
        trees[SYNC] = tree
    problems = [
        "" if filled.units else "llmcc did not look at any unit",
        "" if tests[GCC].passed else "no test of the project was counted",
        *(run.differences(trees, name) for name in trees if name != GCC),
        run.message_difference("configure", trees, configured[GCC], configured[LLMCC]),
        run.message_difference("build", trees, built[GCC], built[LLMCC]),
        _tests_difference("from the store", tests[LLMCC], tests[GCC]),
        *(
            _tests_difference(f"in mode {one.mode}", one.tests, tests[GCC])
            for one in (filled, in_sync)
            if one is not None
        ),
    ]
    rng = random.Random(_SEED)
    build_s = {name: [built[name].wall_s] for name in _COMPILED}
    # The builds above ran under other conditions: the first of all, then right after a clean.
    if min(project.build_rounds, place.most_rounds) > 1:
        build_s = run.time_builds(trees, rng)
    timed: list[Timed] = []
    for benchmark in project.benchmarks:
        one = run.time_benchmark(benchmark, trees, rng)
        timed += one.timed
        problems.append(one.problem)
    return ProjectResult(
        name=project.name,
        version=run.sources.version(project.source),
        filled=filled,
        in_sync=in_sync,
        build_s={name: tuple(figures) for name, figures in build_s.items()},
        tests=tests,
        timed=tuple(timed),
        text_bytes={name: run.text_bytes(trees[name]) for name in _COMPILED},
        problems=tuple(problem for problem in problems if problem),
        seconds=time.monotonic() - started_s,
    )


@dataclass(frozen=True, slots=True)
class _BenchmarkRun:
    timed: tuple[Timed, ...]
    problem: str


class _Run:
    """The steps, for one project."""

    def __init__(self, project: Project, place: Place) -> None:
        check_needs(project.needs)
        self._project = project
        self._most_rounds = place.most_rounds
        self._folder = place.results / project.name
        self.sources = Sources(place.root / "sources")
        self._extra = self._folder / "sources"
        self._work = place.root / "work"
        make_work(self._work)
        for package in project.extra_sources:
            self.sources.unpack(package, self._extra / package, is_patched=False)

    def unpack(self, name: str) -> Tree:
        """Make a tree for a compile; all others of that name are gone, its store included."""
        folder = self._folder / name
        self.sources.unpack(self._project.source, folder, is_patched=self._project.is_patched)
        environ = {
            **plain_environ(_TOOLS),
            "CC": "gcc" if name in (GCC, AGAIN) else "llmcc",
            "WORK": str(self._work),
            "SOURCES": str(self._extra),
            "LUA_SCRIPTS": str(_LUA_SCRIPTS),
        }
        if name not in (GCC, AGAIN):
            store = self._store(name)
            shutil.rmtree(store, ignore_errors=True)
            environ |= {"LLMCC_DIR": str(store), "LLMCC_MODE": "record"}
        return Tree(folder, environ)

    def _store(self, name: str) -> Path:
        return self._folder / f"store-{name}"

    def test(self, tree: Tree) -> SuiteResult:
        done = tree.run(self._project.test)
        return count_tests(
            done.output + done.errors, pattern=self._project.counted, status=done.status
        )

    def fill(self, tree: Tree, mode: str) -> Filled:
        """Build with a store that knows nothing, and see what is in it afterwards."""
        optimise_s, recorded = 0.0, 0
        store = self._store(tree.folder.name)
        if mode == "record":
            built = tree.must(self._project.build)
            tests = self.test(tree)  # what the tests compile is recorded too
            recorded = _count_files(store / "spool")
            started_s = time.monotonic()
            budget_s = self._project.optimise_s
            # Functions that matter first, as a user would say with a profile of perf's.
            profile = self._folder / "profile"
            profile.write_text("".join(f"10.00% {name}\n" for name in self._project.hot))
            tree.must(
                f"llmcc-ctl optimize --jobs 2 --budget {budget_s:g} --profile {profile}",
                timeout_s=2 * budget_s + 120,
            )
            optimise_s = time.monotonic() - started_s
        else:
            budget_s = self._project.sync_budget_s or 30
            sync = tree.with_environ(LLMCC_MODE="sync", LLMCC_BUDGET=f"{budget_s:g}")
            built = sync.must(self._project.build)
            tests = self.test(tree.with_environ(LLMCC_MODE="apply"))
        records = latest(UnitRecords(store).all())
        hot: dict[str, Counter[str]] = defaultdict(Counter)
        accepted = set()
        for loop in (loop for record in records for loop in record.loops):
            name = loop.function.partition(".")[0]
            if name in self._project.hot:
                hot[name][loop.decision.outcome.name] += 1
            if loop.decision.outcome is Outcome.ACCEPTED:
                accepted.add(name)
        seconds = DecisionStore(store).seconds()
        return Filled(
            mode=mode,
            build_s=built.wall_s,
            optimise_s=optimise_s,
            tests=tests,
            recorded=recorded,
            left=_count_files(store / "spool"),
            units=len(records),
            outcomes={one.name: n for one, n in count_outcomes(records).most_common()},
            hot={name: dict(counts) for name, counts in hot.items()},
            accepted_in=tuple(sorted(accepted)),
            seconds_a_loop=statistics.median(seconds) if seconds else None,
        )

    def differences(self, trees: Mapping[str, Tree], name: str) -> str:
        """Say which files of the configuration came out otherwise than with gcc."""
        differing = [
            file
            for file in self._project.configured
            if self._neutral_file(trees[GCC], file) != self._neutral_file(trees[name], file)
        ]
        return f"configured otherwise by {name}: {', '.join(differing)}" if differing else ""

    def _neutral_file(self, tree: Tree, file: str) -> str:
        return self._neutral((tree.folder / file).read_text(errors="replace"), tree)

    def _neutral(self, text: str, tree: Tree) -> str:
        return neutral(text, folder=str(tree.folder), compiler=tree.environ["CC"])

    def message_difference(self, step: str, trees: Mapping[str, Tree], a: Done, b: Done) -> str:
        """Say what llmcc's step has on standard error that gcc's has not."""
        wanted = self._neutral(a.errors, trees[GCC]).splitlines()
        more = new_lines(wanted, self._neutral(b.errors, trees[LLMCC]).splitlines())
        return f"{step} says more: {more[:5]}" if more else ""

    def time_builds(self, trees: Mapping[str, Tree], rng: random.Random) -> dict[str, list[float]]:
        """Build from clean, turn by turn; wall-clock seconds."""
        figures: dict[str, list[float]] = {name: [] for name in _COMPILED}
        for _ in range(min(self._project.build_rounds, self._most_rounds)):
            for name in rng.sample(_COMPILED, len(_COMPILED)):
                trees[name].must(self._project.clean)
                figures[name].append(trees[name].must(self._project.build).wall_s)
        return figures

    def time_benchmark(
        self, benchmark: Benchmark, trees: Mapping[str, Tree], rng: random.Random
    ) -> _BenchmarkRun:
        """Run a benchmark, turn by turn, after one run each that does not count."""
        firsts = {name: trees[name].must(benchmark.command) for name in _COMPILED}
        figures: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for _ in range(min(benchmark.rounds, self._most_rounds)):
            for name in rng.sample(_COMPILED, len(_COMPILED)):
                done = trees[name].must(benchmark.command)
                for what, figure in _figures(benchmark, done).items():
                    figures[what][name].append(figure)
        is_rate = bool(benchmark.rates)
        timed = tuple(
            Timed(
                " ".join((benchmark.name, what)).strip(),
                is_rate,
                {name: tuple(values) for name, values in by_compile.items()},
            )
            for what, by_compile in figures.items()
        )
        problem = ""
        if not is_rate and firsts[GCC].output != firsts[AGAIN].output:
            problem = f"{benchmark.name} prints something else each time, so it was not compared"
        elif not is_rate and firsts[GCC].output != firsts[LLMCC].output:
            problem = f"{benchmark.name} prints something else"
        return _BenchmarkRun(timed, problem)

    def text_bytes(self, tree: Tree) -> int:
        """Add up code and constants of the programs."""
        table = tree.must(f"size {' '.join(self._project.programs)}").output
        return sum(int(line.split()[0]) for line in table.splitlines()[1:])


def _count_files(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


def _tests_difference(which: str, ours: SuiteResult, gccs: SuiteResult) -> str:
    return "" if ours == gccs else f"tests of the build {which}: {ours}; of gcc's: {gccs}"


def _figures(benchmark: Benchmark, done: Done) -> dict[str, float]:
    if benchmark.rates:
        return read_rates(done.output, benchmark.rates)
    return {"": done.cpu_s}
