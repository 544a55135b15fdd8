"""What has to be known about a project of others to build it, test it and time it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One way to time a built project."""

    name: str
    command: str  # for sh, in the tree, like all commands
    rates: str = ""
    """Pattern; its named groups are speeds in the command's output, more is faster. "": the
    command's own CPU time is taken, and its output must be the same whoever compiled it."""
    rounds: int = 9


@dataclass(frozen=True, slots=True)
class Project:
    """A Debian source package and what to do with it.

    Commands are for sh and start in the unpacked tree. Their environment has CC (`gcc` or
    `llmcc`), WORK (a folder of input files, see `work.py`) and SOURCES (unpacked `extra_sources`).
    """

    name: str
    source: str  # Debian source package
    level: str  # how the project is compiled: its own default unless the note tells
    build: str
    clean: str  # of all that `build` makes
    test: str
    counted: str
    """Pattern of the tests in what `test` prints. Its groups `passed`, `failed` and `all` are
    numbers that are added up, one of them may be missing; without groups each match is a test
    that passed."""
    programs: tuple[str, ...]  # whose sizes are compared
    benchmarks: tuple[Benchmark, ...]
    hot: tuple[str, ...]  # functions that the benchmarks spend their time in
    configure: str = ""
    configured: tuple[str, ...] = ()  # files that must come out the same whoever compiles
    optimise_s: float = 75.0  # most that `llmcc-ctl optimize` may take
    sync_budget_s: float | None = None  # LLMCC_BUDGET of a build in `sync`; None: no such build
    build_rounds: int = 3  # timed builds of each compiler
    is_patched: bool = True  # with Debian's patches
    extra_sources: tuple[str, ...] = ()  # more source packages, unpacked unpatched
    needs: tuple[str, ...] = ()  # Debian packages that must be installed
    note: str = ""  # what a reader of the table must know
