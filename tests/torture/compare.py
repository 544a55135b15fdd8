"""Build a program by gcc -O3 and by llmcc -O3 with all rewrites that verify, run both, compare.

Which fast paths are executed is counted in a third program, made of llmcc's text with a counter
in front of each guard. Does not cover: paths that only run in a program that ends by a signal or
by _exit.
"""

from __future__ import annotations

import re
import struct
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from llmcc.config import Config
from llmcc.outcome import Outcome
from llmcc.pipeline import Rewriter
from llmcc.store.records import LoopRecord
from tests.torture.cases import Case, Run
from tests.torture.journal import DIFFERENT, NO_END, SAME, Row
from tests.torture.programs import (
    LLMCC,
    Built,
    Ending,
    build,
    compile_with,
    run_program,
    told,
)
from tests.torture.untimed import fill_store

_LEVEL = "-O3"
_LIBRARIES = ("-lm",)
_COUNTERS_SOURCE = Path(__file__).with_name("ran.c")
_COUNTERS = 512  # as in ran.c
# llmcc shall take what the store has and try nothing: there it would be timed.
_NOTHING_NEW = {"LLMCC_BUDGET": "0.001"}
_GUARD = re.compile(r"^\.Lllmcc_fp\d+:\n", re.MULTILINE)
# Names that differ from compile to compile.
_PASSING_NAMES = re.compile(r"/tmp/cc\w+|\S*/(?:gcc|llmcc)/program")


class Comparer:
    """Compares programs, one after the other, with one store."""

    def __init__(self, config: Config, rewriter: Rewriter, *, run_timeout_s: float = 10) -> None:
        """Take a store and who decides on loops that it does not know.

        Args:
            config: names the store, and how long the loops of a source may take.
            rewriter: should not time.
            run_timeout_s: seconds a program may run; llmcc's may run twice that.
        """
        self._config = config
        self._rewriter = rewriter
        self._run_timeout_s = run_timeout_s
        config.cache.mkdir(parents=True, exist_ok=True)

    def compare(self, case: Case, *, folder: Path) -> Row:
        """Compare a program's compilers; what is made is left in `folder`."""
        started_s = time.monotonic()
        pair = _Pair(case, folder, self._run_timeout_s)
        by_gcc = pair.build("gcc", "gcc")
        if by_gcc.status == 0 and pair.is_endless():
            return Row(case.name, NO_END, is_passed_by_gcc=False, is_passed_by_llmcc=False)
        records: list[LoopRecord] = []
        texts: list[str] = []
        for source in case.sources if by_gcc.status == 0 else ():
            arguments = [_LEVEL, *case.flags, source]
            result = fill_store(self._rewriter, arguments, folder=case.folder, config=self._config)
            records += result.records
            texts.append(result.text)
        outcomes = Counter(record.decision.outcome for record in records)
        accepted = outcomes[Outcome.ACCEPTED]
        by_llmcc = pair.build("llmcc", LLMCC, LLMCC_DIR=str(self._config.cache), **_NOTHING_NEW)
        verdict = _build_difference(by_gcc, by_llmcc)
        passed = (False, False)
        if not verdict and by_gcc.status == 0:
            verdict = (
                _splice_difference(folder / "llmcc" / "program", accepted) or pair.run_difference()
            )
            passed = (pair.is_passed("gcc"), pair.is_passed("llmcc"))
        return Row(
            case.name,
            f"{DIFFERENT}: {verdict}" if verdict else SAME,
            *passed,
            outcomes={outcome.name: count for outcome, count in outcomes.items()},
            backends=_backends(records),
            ran=pair.count_ran(texts) if accepted and not verdict else 0,
            seconds=round(time.monotonic() - started_s, 2),
        )


class _Pair:
    """The programs gcc and llmcc make of a case, and how they end."""

    def __init__(self, case: Case, folder: Path, run_timeout_s: float) -> None:
        self._case = case
        self._folder = folder
        self._timeout_s = run_timeout_s
        self._endings: dict[str, list[Ending]] = {}
        for name in ("gcc", "llmcc", "counted"):
            self._path(name).parent.mkdir()

    def build(self, name: str, compiler: Path | str, **environ: str) -> Built:
        arguments = [_LEVEL, *self._case.flags, *self._case.sources, "-o", str(self._path(name))]
        return build(compiler, [*arguments, *_LIBRARIES], folder=self._case.folder, environ=environ)

    def is_endless(self) -> bool:
        return any(ending.status is None for ending in self._ends("gcc"))

    def is_passed(self, name: str) -> bool:
        return all(map(_is_passed, self._case.runs, self._ends(name)))

    def run_difference(self) -> str:
        """Say in which run the programs ended differently; "" when in none."""
        for number, (wanted, got) in enumerate(
            zip(self._ends("gcc"), self._ends("llmcc"), strict=True)
        ):
            if wanted != got and not self._varies(number, wanted, got):
                return f"run {number}: gcc {told(wanted)}, llmcc {told(got)}"
        return ""

    def count_ran(self, texts: Sequence[str]) -> int:
        """Count the fast paths of the spliced `texts` that the runs of the case execute."""
        position = 0
        for number, text in enumerate(texts):
            counted, position = with_counters(text, first=position)
            (self._folder / f"counted{number}.s").write_bytes(counted.encode("latin-1"))
        objects = [f"counted{number}.s" for number in range(len(texts))]
        arguments = ["-w", *objects, str(_COUNTERS_SOURCE), *_LIBRARIES]
        compile_with("gcc", [*arguments, "-o", str(self._path("counted"))], folder=self._folder)
        ran: set[int] = set()
        for run in self._case.runs:
            self._run("counted", run)
            ran |= self._counters_set()
        return len(ran)

    def _counters_set(self) -> set[int]:
        """Read and remove what the counters said at the program's end; nothing without one."""
        file = self._folder / "llmcc-ran"
        if not file.exists():
            return set()
        counters = struct.unpack(f"<{_COUNTERS}Q", file.read_bytes())
        file.unlink()
        return {number for number, count in enumerate(counters) if count}

    def _ends(self, name: str) -> list[Ending]:
        if name not in self._endings:
            self._endings[name] = [self._run(name, run) for run in self._case.runs]
        return self._endings[name]

    def _run(self, name: str, run: Run) -> Ending:
        return run_program(
            self._path(name),
            timeout_s=self._timeout_s * (1 if name == "gcc" else 2),
            arguments=run.arguments,
            stdin=run.stdin,
            folder=self._folder,
        )

    def _varies(self, number: int, wanted: Ending, got: Ending) -> bool:
        """Whether only output differs, and gcc's own program prints something else each time."""
        if wanted.status != got.status:
            return False
        return self._run("gcc", self._case.runs[number]).output != wanted.output

    def _path(self, name: str) -> Path:
        # One name for all, as a failing assert prints it.
        return self._folder / name / "program"


def with_counters(text: str, *, first: int) -> tuple[str, int]:
    """Put a counter in front of each guard; return the text and the number of the next counter.

    The guard sets the flags anew, so nothing notices.
    """
    pieces = _GUARD.split(text)
    labels = _GUARD.findall(text)
    counted = pieces[0]
    for number, (label, rest) in enumerate(zip(labels, pieces[1:], strict=True), start=first):
        assert number < _COUNTERS
        counted += f"{label}\tincq\tllmcc_ran+{8 * number}(%rip)\n{rest}"
    return counted, first + len(labels)


def _backends(records: Sequence[LoopRecord]) -> dict[str, int]:
    """Count who proposed the accepted rewrites."""
    decisions = [record.decision for record in records]
    return dict(Counter(one.backend for one in decisions if one.outcome is Outcome.ACCEPTED))


def _is_passed(run: Run, ending: Ending) -> bool:
    if run.wanted is None:
        return ending.status == 0
    return ending.status is not None and ending.output.split() == run.wanted.split()


def _build_difference(by_gcc: Built, by_llmcc: Built) -> str:
    if by_gcc.status != by_llmcc.status:
        return f"gcc ends with {by_gcc.status}, llmcc with {by_llmcc.status}: {by_llmcc.messages}"
    if _steady(by_gcc.messages) != _steady(by_llmcc.messages):
        return f"llmcc says {by_llmcc.messages!r}"
    return ""


def _steady(messages: str) -> str:
    return _PASSING_NAMES.sub("", messages)


def _splice_difference(program: Path, accepted: int) -> str:
    is_used = b"llmcc_cpu" in program.read_bytes()
    if is_used is (accepted > 0):
        return ""
    return f"{accepted} fast paths were accepted; {'some are' if is_used else 'none is'} there"
