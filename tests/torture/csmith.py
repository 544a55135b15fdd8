"""`make csmith`: random programs by csmith do the same, whoever compiled them.

csmith's loops seldom fit llmcc's regions, so this checks interception and splicing on programs
nobody thought of; tests/torture/loops.py checks the rewrites. A difference keeps its program.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.torture.programs import (
    BuildError,
    CountedCompiler,
    Counts,
    Ending,
    compile_with,
    outcome_lines,
    run_program,
    told,
)

HOW_TO_INSTALL = "csmith is not installed. On Debian or Ubuntu: apt install csmith libcsmith-dev"
_INCLUDE_FOLDERS = ("/usr/include/csmith", "/usr/include/csmith-2.3.0", "/usr/include")
# volatile code may not be touched at all: every other program does without.
_WITHOUT_VOLATILE = ("--no-volatiles", "--no-volatile-pointers")
_FLAGS = ("-O3", "-w")
# About one program in ten runs for ever; another is drawn for it.
NO_END = "no end"


@dataclass(frozen=True, slots=True)
class Row:
    """One program: what llmcc did and whether it ends the same."""

    seed: int
    lines: int
    counts: Counts
    verdict: str  # "same", "DIFFERENT …" or NO_END

    @property
    def is_different(self) -> bool:
        """Whether llmcc's program does something else, or was not made."""
        return self.verdict.startswith("DIFFERENT")


def main(argv: Sequence[str] | None = None) -> int:
    """Compare gcc -O3 with llmcc -O3 on random programs."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture.csmith", description=__doc__)
    parser.add_argument("--count", type=int, default=50, help="programs that come to an end")
    parser.add_argument("--seed", type=int, default=1, help="csmith's seed for the first program")
    parser.add_argument("--budget", type=float, default=10, help="LLMCC_BUDGET, seconds a program")
    parser.add_argument("--timeout", type=float, default=5, help="seconds a program may run")
    options = parser.parse_args(argv)
    if (include := csmith_headers()) is None:
        print(HOW_TO_INSTALL)
        return 2
    print(
        f"{'seed':>6} {'lines':>6} {'found':>6} {'tried':>6} {'accepted':>8} {'failed':>6}  result"
    )
    with tempfile.TemporaryDirectory(prefix="llmcc-csmith-") as name:
        folder = Path(name)
        llmcc = CountedCompiler(folder / "cache", budget_s=options.budget)
        rows: list[Row] = []
        seed = options.seed
        while sum(row.verdict != NO_END for row in rows) < options.count:
            row = try_seed(seed, llmcc, include=include, folder=folder, timeout_s=options.timeout)
            rows.append(row)
            print(_line(str(seed), row.lines, row.counts, row.verdict), flush=True)
            if row.is_different:
                kept = shutil.copy(folder / f"p{seed}.c", tempfile.gettempdir())
                print(f"       kept: {kept}")
            seed += 1
    total = sum((row.counts for row in rows), Counts())
    different = sum(row.is_different for row in rows)
    endless = sum(row.verdict == NO_END for row in rows)
    verdict = (
        f"{len(rows) - different - endless} same, {different} different, {endless} without end"
    )
    print(_line("total", sum(row.lines for row in rows), total, verdict))
    print("\n".join(outcome_lines(llmcc.outcomes)))
    return 1 if different else 0


def csmith_headers() -> Path | None:
    """Find the folder of csmith.h; None when csmith or its headers are missing."""
    if shutil.which("csmith") is None:
        return None
    folders = [Path(folder) for folder in _INCLUDE_FOLDERS]
    return next((folder for folder in folders if (folder / "csmith.h").exists()), None)


def try_seed(
    seed: int, llmcc: CountedCompiler, *, include: Path, folder: Path, timeout_s: float
) -> Row:
    """Make the program of a seed, build it twice, run both."""
    source = folder / f"p{seed}.c"
    extra = _WITHOUT_VOLATILE if seed % 2 else ()
    made = subprocess.run(
        ["csmith", "--seed", str(seed), *extra],
        cwd=folder,  # csmith leaves a file there
        capture_output=True,
        text=True,
        check=True,
    )
    source.write_text(made.stdout)
    arguments = [*_FLAGS, "-isystem", str(include), source.name, "-o"]
    compile_with("gcc", [*arguments, f"gcc{seed}"], folder=folder)
    lines = made.stdout.count("\n")
    wanted = run_program(folder / f"gcc{seed}", timeout_s=timeout_s)
    if wanted.status is None:
        return Row(seed, lines, Counts(), NO_END)
    try:
        counts = llmcc.compile([*arguments, f"llmcc{seed}"], folder=folder)
    except BuildError as error:
        return Row(seed, lines, Counts(), f"DIFFERENT: {error}")
    got = run_program(folder / f"llmcc{seed}", timeout_s=2 * timeout_s)
    return Row(seed, lines, counts, compare(wanted, got))


def compare(wanted: Ending, got: Ending) -> str:
    """Say whether two programs ended the same."""
    if wanted != got:
        return f"DIFFERENT: gcc {told(wanted)}, llmcc {told(got)}"
    return "same"


def _line(seed: str, lines: int, counts: Counts, verdict: str) -> str:
    return (
        f"{seed:>6} {lines:6d} {counts.found:6d} {counts.tried:6d} {counts.accepted:8d}"
        f" {counts.failed:6d}  {verdict}"
    )


if __name__ == "__main__":
    sys.exit(main())
