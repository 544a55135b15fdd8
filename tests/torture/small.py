"""Small programs with their expected output: our own, tcc's tests2, and CodeNet's when given.

tcc's are fetched by `apt-get source tcc` (which needs a deb-src line); CodeNet's are a file of
JSON lines: `id`, `c`, `tests` with `input` and `output`. Neither is part of the project.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.torture.cases import Case, MissingSource, Run

OWN_FOLDER = Path(__file__).with_name("small")
_FLAGS = ("-w", "-std=gnu99")
_CODENET_FLAGS = ("-w", "-std=gnu17")
_ARGUMENTS = {
    "31_args": ("arg1", "arg2", "arg3", "arg4", "arg5"),
    "46_grep": (r"[^* ]*[:a:d: ]+\:\*-/: $", "46_grep.c"),
}
_MORE_SOURCES = {"104_inline": ("104+_inline.c",)}


def fetch_tests2(folder: Path) -> Path:
    """Fetch tcc's source into `folder`, once, and unpack its tests2.

    Raises:
        MissingSource: apt-get cannot.
    """
    tests2 = folder / "tests" / "tests2"
    if tests2.exists():
        return tests2
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["apt-get", "source", "--download-only", "tcc"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    tarballs = sorted(folder.glob("tcc_*.orig.tar.*"))
    if done.returncode or not tarballs:
        raise MissingSource(f"apt-get source tcc: {done.stderr.strip()}")
    subprocess.run(["tar", "-xf", tarballs[-1].name, "tests/tests2"], cwd=folder, check=True)
    return tests2


def cases_with_expected_output(folder: Path) -> Iterator[Case]:
    """Yield the programs of a folder of `name.c` and `name.expect`."""
    for expected in sorted(folder.glob("*.expect")):
        name = expected.stem
        run = Run(_ARGUMENTS.get(name, ()), wanted=expected.read_bytes())
        sources = (f"{name}.c", *_MORE_SOURCES.get(name, ()))
        yield Case(f"{folder.name}/{name}", folder, sources, _FLAGS, (run,))


def codenet_cases(file: Path, folder: Path) -> Iterator[Case]:
    """Yield the programs of a file of JSON lines; their sources are written into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, line in enumerate(file.read_text().splitlines()):
        program = json.loads(line)
        source = folder / f"{number:03d}_{program['id']}.c"
        source.write_text(program["c"])
        runs = tuple(
            Run(stdin=test["input"].encode(), wanted=test["output"].encode())
            for test in program["tests"]
        )
        yield Case(f"codenet/{source.stem}", folder, (source.name,), _CODENET_FLAGS, runs)
