"""Random programs by csmith: each must do the same, whoever compiled it.

csmith's loops seldom fit llmcc's regions, so this checks interception and splicing on programs
nobody thought of; tests/torture/loops.py checks the rewrites. About one program in ten runs for
ever; another is drawn for it.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path

from tests.torture.cases import Case

HOW_TO_INSTALL = "csmith is not installed. On Debian or Ubuntu: apt install csmith libcsmith-dev"
_INCLUDE_FOLDERS = ("/usr/include/csmith", "/usr/include/csmith-2.3.0", "/usr/include")
# volatile code may not be touched at all: every other program does without.
_WITHOUT_VOLATILE = ("--no-volatiles", "--no-volatile-pointers")


def csmith_headers() -> Path | None:
    """Find the folder of csmith.h; None when csmith or its headers are missing."""
    if shutil.which("csmith") is None:
        return None
    folders = [Path(folder) for folder in _INCLUDE_FOLDERS]
    return next((folder for folder in folders if (folder / "csmith.h").exists()), None)


def cases(include: Path, folder: Path, *, done: Collection[str] = ()) -> Iterator[Case]:
    """Yield the programs of the seeds 1, 2, …, without end, but for those already done."""
    for seed in itertools.count(1):
        if case_name(seed) not in done:
            yield case_of_seed(seed, include=include, folder=folder)


def case_name(seed: int) -> str:
    """Name the program of a seed."""
    return f"csmith/{seed}"


def case_of_seed(seed: int, *, include: Path, folder: Path) -> Case:
    """Write the program of a seed into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    extra = _WITHOUT_VOLATILE if seed % 2 else ()
    made = subprocess.run(
        ["csmith", "--seed", str(seed), *extra],
        cwd=folder,  # csmith leaves a file there
        capture_output=True,
        text=True,
        check=True,
    )
    source = folder / f"p{seed}.c"
    source.write_text(made.stdout)
    return Case(case_name(seed), folder, (source.name,), ("-w", "-isystem", str(include)))
