"""Many compiles on one store at once, of one or of two versions of llmcc: all come out right."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from llmcc.outcome import Outcome
from tests.interception.conftest import SEARCH, Compiler, make_compiler
from tests.interception.planted import function, main_of, plant, run

NAMES = [f"right_{chr(ord('a') + i)}" for i in range(20)]
MAKEFILE = "program: $(patsubst %.c,%.o,$(wildcard right_*.c)) main.o\n\t$(CC) -o $@ $^\n"
NO_LOOP = "int twice(int x) { return 2 * x; }\n"


def _make(compiler: Compiler, jobs: int, cc: str, **environ: str) -> dict[str, bytes]:
    done = subprocess.run(
        ["make", f"-j{jobs}", "-s", f"CC={cc}", "CFLAGS=-O3"],
        cwd=compiler.folder,
        env=compiler.environment(**environ),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    objects = {path.name: path.read_bytes() for path in compiler.folder.glob("*.o")}
    objects["output"] = run(compiler.folder / "program", "3 1 4 1 5 9 2 6 " * 40)
    for path in [*compiler.folder.glob("*.o"), compiler.folder / "program"]:
        path.unlink()
    return objects


@pytest.mark.timeout(120)
def test_make_with_eight_jobs_gives_every_unit_its_fast_path(compiler: Compiler) -> None:
    (compiler.folder / "main.c").write_text(main_of(NAMES))
    (compiler.folder / "Makefile").write_text(MAKEFILE)
    for name in NAMES:
        (compiler.folder / f"{name}.c").write_text(function(name))
        (record,) = plant(compiler, f"{name}.c")
        assert record.decision.outcome is Outcome.ACCEPTED
    plain = _make(compiler, 2, "gcc")
    # Nothing is timed: main's loop has no decision, and no time to get one.
    at_once = _make(compiler, 8, str(compiler.launcher), LLMCC_MODE="sync", LLMCC_BUDGET="0.001")
    one_by_one = _make(compiler, 1, str(compiler.launcher), LLMCC_MODE="apply")

    assert at_once == one_by_one
    assert at_once["output"] == plain["output"]
    assert [n for n in NAMES if b".debug.llmcc_paths" not in at_once[f"{n}.o"]] == []
    assert at_once["main.o"] == plain["main.o"]
    assert not list(compiler.cache.rglob(".new-*"))


@pytest.fixture(scope="module")
def native_of_another_version(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an llmcc that differs in one line of code."""
    root = tmp_path_factory.mktemp("version")
    ignored = shutil.ignore_patterns("__pycache__", "training")
    shutil.copytree(checkout / "llmcc", root / "llmcc", ignore=ignored)
    with (root / "llmcc" / "decide.py").open("a") as file:
        file.write("# another version\n")
    cache = tmp_path_factory.mktemp("version-cache")
    command = [sys.executable, "-B", "-m", "llmcc.native.build", "--cache", str(cache)]
    subprocess.run(command, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, check=True)
    (native,) = (cache / "llmcc-native").iterdir()
    return native


def test_two_versions_share_a_cache_and_nothing_in_it(
    compiler: Compiler, native_of_another_version: Path
) -> None:
    other = make_compiler(native_of_another_version, compiler.cache, compiler.folder)
    sources = [f"none{i}.c" for i in range(4)]
    for name in sources:
        (compiler.folder / name).write_text(NO_LOOP)
    (compiler.folder / "a.c").write_text(SEARCH)
    (compiler.folder / "right.c").write_text(function("right"))
    plant(compiler, "right.c")
    environ = {"LLMCC_MODE": "sync", "LLMCC_BUDGET": "0.001"}

    running = [
        subprocess.Popen(
            [str(each.launcher), "-O3", "-c", source, "-o", f"{version}-{source}.o"],
            cwd=compiler.folder,
            env=compiler.environment(**environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for source in [*sources, "a.c", "right.c"]
        for version, each in (("this", compiler), ("other", other))
    ]
    ended = [(process.communicate()[0], process.returncode) for process in running]

    assert ended == [(b"", 0)] * len(running)
    made = {path.name: path.read_bytes() for path in compiler.folder.glob("*.o")}
    for source in [*sources, "a.c", "right.c"]:
        compiler.gcc(["-O3", "-c", source, "-o", "gcc.o"])
        expected = (compiler.folder / "gcc.o").read_bytes()
        assert made[f"other-{source}.o"] == expected
        # What this version had decided is not for the other one.
        assert (made[f"this-{source}.o"] == expected) == (source != "right.c")
    # Each wrote entries of its own for the units without loops; this version one for `right.c` too.
    entries = [path for path in compiler.cache.glob("units/*/*") if len(path.name) == 62]
    assert len(entries) == 2 * len(sources) + 1
