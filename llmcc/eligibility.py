"""Ask gcc which functions of a unit have no volatile, atomic or inline-assembly code.

Assembly does not show this, so the gcc command that made the unit is run again, as far as assembly
text, with a dump of its last tree form. Whatever stands in the way refuses: a command that cannot
be repeated, a text that comes out different, a function the dump does not name.
Does not cover: accesses that only gcc's back end knows to be special; it makes none on x86-64.
"""

from __future__ import annotations

import os
import re
import shlex
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from llmcc.errors import LlmccError
from llmcc.native.identity import digest_bytes
from llmcc.outcome import Outcome, Refusal
from llmcc.toolchain import run_gcc

_COMPILER_NAME = re.compile(r"(?:[\w.]+-)*(?:gcc|g\+\+|cc|c\+\+)(?:-[\d.]+)?")
_SOURCE_NAME = re.compile(r".*\.(?:c|cc|cpp|cxx|C|c\+\+|cp)", re.DOTALL)
_FILE_DIRECTIVE = re.compile(r'\t\.file\t"([^"\\]+)"\n')
_DUMPED_FUNCTION = re.compile(r"^;; Function .*\(([^\s,()]+), funcdef_no=\d+", re.MULTILINE)
# The end of a local variable's life is printed as a volatile store of nothing.
_SPECIAL = re.compile(
    r"\{v\}(?! \{CLOBBER)|__atomic|\.ATOMIC|__sync_|__asm__|\bsetjmp\b|_setjmp\b|sigsetjmp"
    r"|__builtin_setjmp|ABNORMAL_DISPATCHER|\bvfork\b|\bgetcontext\b|_fence|fence\b|_pause\b"
)
# Options that are left out of the second run, with what follows them.
_DROPPED_WITH_NEXT = frozenset({"-o", "-MF", "-MT", "-MQ", "-aux-info", "-dumpbase", "-dumpdir"})
_DROPPED_WITH_NEXT |= {"-dumpbase-ext"}
_DROPPED = re.compile(
    r"-o.+|-M[A-Z]*|-M[FTQ].+|-c|-S|-v|-save-temps.*|--save-temps.*|-Wp,-M.*|-fdump-.*|-d[a-zA-Z]+"
    r"|-fopt-info.*|-fstack-usage|-fcallgraph-info.*|-fdiagnostics-format=.*|-fsave-.*|-pipe"
)
# Options that start other programs or make repeating pointless.
_NOT_REPEATABLE = re.compile(
    r"-|-wrapper|-specs.*|--specs.*|-fplugin.*|-flto.*|-E|-fcompare-debug.*"
)
# The driver's options whose argument is the next word and might look like a source file.
_TAKES_NEXT = frozenset(
    "-I -D -U -L -l -x -T -u -z -e -B -A -G -include -imacros -isystem -idirafter -iquote "
    "-isysroot -iprefix -iwithprefix -iwithprefixbefore -imultilib -imultiarch -Xlinker "
    "-Xassembler -Xpreprocessor --param --sysroot -Tbss -Tdata -Ttext".split()
)
_TIMEOUT_S = 120
_GRAIN_NS = 10_000_000


@dataclass(frozen=True, slots=True)
class Driver:
    """The gcc process that asked for a unit to be assembled."""

    executable: Path
    argv: tuple[str, ...]
    folder: Path
    # On the clock of file times; up to 10 ms early. None when what is found out is not for the
    # object of that process, but for later ones made from the sources as they are now.
    started_ns: int | None
    environ: Mapping[str, str] | None = None  # that its text depends on; None: as this process's


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file gcc read for a unit."""

    path: Path  # absolute
    size_bytes: int
    ctime_ns: int
    digest: str


@dataclass(frozen=True, slots=True)
class Eligibility:
    """What gcc says of a unit's functions."""

    plain_functions: frozenset[str]  # assembler names of those that may be touched
    reasons: Mapping[str, str]  # of those that may not, as far as there is more to say
    source_files: tuple[SourceFile, ...]  # everything gcc read; empty when it was not asked
    failure: str = ""  # why gcc could not be asked
    is_final: bool = True  # False when asking again may end otherwise

    def refusal(self, function: str) -> Refusal | None:
        """Say why a function may not be touched; None when it may."""
        if function in self.plain_functions:
            return None
        detail = self.failure or self.reasons.get(function, "gcc's dump does not name the function")
        return Refusal(Outcome.MAY_BE_VOLATILE, detail)


NOT_ASKED = Eligibility(frozenset(), {}, (), failure="gcc was not asked")


def read_driver(pid: int) -> Driver | None:
    """Read a running gcc's command from /proc; None when it is not a gcc, or is gone."""
    process = Path("/proc") / str(pid)
    try:
        executable = (process / "exe").readlink()
        words = (process / "cmdline").read_bytes().split(b"\0")
        folder = (process / "cwd").readlink()
        started_ticks = int((process / "stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        return None
    if not _COMPILER_NAME.fullmatch(executable.name) or len(words) < 3:
        return None
    argv = tuple(os.fsdecode(word) for word in words[:-1])
    ticks_per_s = os.sysconf("SC_CLK_TCK")
    return Driver(executable, argv, folder, _wall_clock_ns(started_ticks * 10**9 // ticks_per_s))


def examine(text: str, driver: Driver | None) -> Eligibility:
    """Ask gcc about the functions of a unit.

    Args:
        text: the unit; the second run must give exactly this.
        driver: the gcc that made it; None when it is not known.
    """
    if driver is None:
        return _refuse_all("the gcc command is not known")
    command = _repeated_command(text, driver)
    if isinstance(command, str):
        return _refuse_all(command)
    with tempfile.TemporaryDirectory(prefix="llmcc-gcc-") as name:
        return _ask_gcc(command, text, driver, Path(name))


def _ask_gcc(command: Sequence[str], text: str, driver: Driver, folder: Path) -> Eligibility:
    made, dump, dependencies = (folder / part for part in ("x.s", "dump", "dependencies"))
    outputs = ["-S", "-o", str(made), f"-fdump-tree-optimized={dump}"]
    outputs += ["-MD", "-MF", str(dependencies)]
    # The grain is that of a process's start time, and above that of file times.
    started_ns = driver.started_ns
    latest_ns = time.time_ns() - _GRAIN_NS if started_ns is None else started_ns + _GRAIN_NS
    try:
        run = run_gcc(
            [*command, *outputs],
            cwd=driver.folder,
            timeout_s=_TIMEOUT_S,
            environ=_environment(driver),
        )
        if run.returncode != 0:
            return _refuse_for_now("gcc fails when run again")
        if made.read_bytes().decode("latin-1") != text:
            return _refuse_for_now("gcc gives another text when run again: a source has changed")
        functions = _dumped_functions(dump.read_text("latin-1"))
        read = _dependencies(dependencies.read_text("utf-8", "surrogateescape"))
        read += [Path(word[1:]) for word in driver.argv if word.startswith("@")]
        files = tuple(describe_source(driver.folder / path) for path in read)
    except (OSError, LlmccError) as error:
        return _refuse_for_now(f"gcc could not be run again: {error}")
    # Else gcc may have read what is no longer there.
    if any(file.ctime_ns > latest_ns for file in files):
        return _refuse_for_now("a source file changed while gcc ran")
    if any("\n" in str(file.path) for file in files):
        return _refuse_all("a source file's name holds a line break")
    return Eligibility(
        plain_functions=frozenset(name for name, reason in functions.items() if not reason),
        reasons={name: reason for name, reason in functions.items() if reason},
        source_files=files,
    )


def _environment(driver: Driver) -> Mapping[str, str] | None:
    """Return what the driver had; what its text does not depend on comes from this process."""
    if driver.environ is None:
        return None
    own = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**own, **driver.environ}


def describe_source(path: Path) -> SourceFile:
    """Note a source file as it is now.

    Raises:
        OSError: it cannot be read.
    """
    # The time is read first: a change in between makes the entry stale, never wrong.
    status = path.stat()
    data = path.read_bytes()
    return SourceFile(path.absolute(), status.st_size, status.st_ctime_ns, digest_bytes(data))


def _refuse_all(why: str) -> Eligibility:
    return Eligibility(frozenset(), {}, (), failure=why)


def _refuse_for_now(why: str) -> Eligibility:
    return replace(_refuse_all(why), is_final=False)


def _repeated_command(text: str, driver: Driver) -> list[str] | str:
    """Return the driver's command for this unit alone, without outputs, or why there is none."""
    named = _FILE_DIRECTIVE.match(text)
    if named is None:
        return "the unit does not name its source"
    try:
        words = _expanded(driver)
    except (OSError, ValueError) as error:
        return f"a file of options cannot be read: {error}"
    kept = _kept_words(words, source_name=named[1])
    for word in kept:
        if _NOT_REPEATABLE.fullmatch(word):
            return f"a command with {word} cannot be repeated"
    source_count = sum(os.path.basename(word) == named[1] for word in kept)
    if source_count != 1:
        return f"{source_count} of gcc's inputs are called {named[1]}"
    return [str(driver.executable), *kept]


def _kept_words(words: Sequence[str], *, source_name: str) -> list[str]:
    """Leave out outputs and the sources of other units."""
    kept: list[str] = []
    remaining = iter(words)
    for word in remaining:
        if word in _DROPPED_WITH_NEXT:
            next(remaining, None)
        elif word in _TAKES_NEXT:
            kept += [word, next(remaining, "")]
        elif _DROPPED.fullmatch(word):
            continue
        elif os.path.basename(word) == source_name or not _SOURCE_NAME.fullmatch(word):
            kept.append(word)
    return kept


def _expanded(driver: Driver) -> list[str]:
    """Return the driver's arguments with files of options (`@file`) read in."""
    words: list[str] = []
    for word in driver.argv[1:]:
        if word.startswith("@"):
            words += shlex.split((driver.folder / word[1:]).read_text())
        else:
            words.append(word)
    return words


def _dumped_functions(dump: str) -> dict[str, str]:
    """Map the assembler name of each dumped function to what is special about it, or ""."""
    functions: dict[str, str] = {}
    heads = list(_DUMPED_FUNCTION.finditer(dump))
    ends = [head.start() for head in heads[1:]] + [len(dump)]
    for head, end in zip(heads, ends, strict=True):
        special = _SPECIAL.search(dump, head.end(), end)
        line = ""
        if special is not None:
            first = dump.rfind("\n", 0, special.start()) + 1
            line = f"gcc shows: {dump[first:].partition(chr(10))[0].strip()}"
        # A name that comes twice is plain only when both are.
        functions[head[1]] = functions.get(head[1]) or line
    return functions


def _dependencies(rule: str) -> list[Path]:
    """Read the files of a make rule as `gcc -MD` writes it."""
    _, _, files = rule.replace("\\\n", " ").partition(": ")
    words = re.findall(r"(?:\\[ #]|\$\$|\S)+", files.partition("\n")[0])
    return [Path(re.sub(r"\\([ #])", r"\1", word).replace("$$", "$")) for word in words]


def _wall_clock_ns(since_boot_ns: int) -> int:
    return time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME) + since_boot_ns
