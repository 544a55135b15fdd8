"""Only functions that gcc itself shows to be plain may be touched."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from llmcc.eligibility import Driver, Eligibility, examine, read_driver
from llmcc.outcome import Outcome
from llmcc.toolchain import find_gcc

SOURCE = """\
#include <setjmp.h>
#include "counter.h"
volatile int flag; _Atomic int atomic; jmp_buf place;
int plain(const int *a, int n) { int s = 0; for (int i = 0; i < n; i++) s += a[i]; return s; }
int reads_volatile(volatile int *a, int n) {
  int s = 0; for (int i = 0; i < n; i++) s += a[i]; return s;
}
int field(struct counter *c, int *a, int n) { for (int i = 0; i < n; i++) a[i]++; return c->ticks; }
int loads_atomic(void) { return atomic; }
int syncs(int *p) { return __sync_fetch_and_add(p, 1); }
int has_asm(void) { __asm__ volatile("nop"); return 1; }
int jumps(int *a) { return setjmp(place) ? 1 : plain(a, 4); }
int inlines(volatile int *a, int *b, int n) { return plain(b, n) + reads_volatile(a, n); }
int escapes(void) { char local[64]; plain((int *)local, 16); return local[3]; }
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "a.c").write_text(SOURCE)
    (tmp_path / "counter.h").write_text("struct counter { volatile int ticks; };\n")
    return tmp_path


def _driver(folder: Path, arguments: list[str]) -> Driver:
    return Driver(find_gcc(), ("gcc", *arguments), folder, time.time_ns())


def _text(folder: Path, arguments: list[str]) -> str:
    command = [str(find_gcc()), *arguments, "-S", "-o", "-"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout.decode(
        "latin-1"
    )


def _examine(folder: Path, arguments: list[str]) -> Eligibility:
    return examine(_text(folder, arguments), _driver(folder, arguments))


def test_functions_with_special_accesses_are_refused(project: Path) -> None:
    eligibility = _examine(project, ["-O3", "a.c"])
    assert eligibility.failure == ""
    assert eligibility.plain_functions == {"plain", "escapes"}
    refusal = eligibility.refusal("reads_volatile")
    assert refusal is not None
    assert refusal.outcome is Outcome.MAY_BE_VOLATILE
    assert "{v}" in refusal.detail


def test_a_function_the_dump_does_not_name_is_refused(project: Path) -> None:
    assert _examine(project, ["-O3", "a.c"]).refusal("plain.cold") is not None


def test_headers_are_among_the_sources(project: Path) -> None:
    names = {source.path.name for source in _examine(project, ["-O3", "a.c"]).source_files}
    assert {"a.c", "counter.h", "setjmp.h"} <= names


@pytest.mark.parametrize(
    "arguments",
    [
        ["-O3", "-g", "-c", "a.c", "-o", "out/a.o"],
        ["-O3", "-MD", "-MF", "x.d", "-MT", "a.c", "-save-temps", "a.c"],
        ["-O2", "-DX=a.c", "-include", "counter.h", "a.c", "-lm", "-Wl,-z,now"],
        ["-O3", "a.c", "b.c"],
        ["-Wp,-MMD,x.d", "-O3", "-pipe", "-fdump-tree-all", "-fopt-info=x", "a.c"],
        ["@options"],
    ],
)
def test_commands_are_repeated_without_their_outputs(project: Path, arguments: list[str]) -> None:
    (project / "counter.h").write_text("#pragma once\nstruct counter { volatile int ticks; };\n")
    (project / "b.c").write_text("int b;\n")
    (project / "options").write_text('-O3 -D"Y=1 2" a.c\n-g')
    one = [word for word in arguments if word != "b.c"]
    outputs = {"out/a.o", "-o", "-save-temps", "-MD", "-fdump-tree-all", "-fopt-info=x"}
    plain = [word for word in one if word not in outputs | {"-MF", "x.d", "-MT", "-Wp,-MMD,x.d"}]
    if "-MT" in arguments:
        plain.pop(plain.index("a.c"))
    text = _text(project, plain)
    before = sorted(project.iterdir())

    eligibility = examine(text, _driver(project, arguments))

    assert eligibility.failure == ""
    assert "plain" in eligibility.plain_functions
    assert sorted(project.iterdir()) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["-O3", "-x", "c", "-"],
        ["-O3", "-flto", "a.c"],
        ["-O3", "-wrapper", "touch,evil", "a.c"],
        ["-O3", "-specs=evil.specs", "a.c"],
        ["-O3", "-fplugin=evil.so", "a.c"],
        ["-O3", "a.c", "sub/a.c"],
        ["-O3", "other.c"],
        ["-O3", "@missing"],
        ["-O2", "a.c"],
    ],
)
def test_what_cannot_be_repeated_is_refused(project: Path, arguments: list[str]) -> None:
    text = _text(project, ["-O3", "a.c"])
    eligibility = examine(text, _driver(project, arguments))
    assert eligibility.failure
    assert eligibility.refusal("plain") is not None
    assert not (project / "evil").exists()


def test_an_unknown_command_is_refused(project: Path) -> None:
    assert examine(_text(project, ["-O3", "a.c"]), None).refusal("plain") is not None


def test_a_source_that_changed_meanwhile_is_refused(project: Path) -> None:
    text = _text(project, ["-O3", "a.c"])
    driver = Driver(find_gcc(), ("gcc", "-O3", "a.c"), project, time.time_ns() - 60 * 10**9)
    assert "changed" in examine(text, driver).failure


def test_a_running_gcc_is_read_from_proc(project: Path) -> None:
    with subprocess.Popen(
        [str(find_gcc()), "-v", "-O3", "-x", "c", "-", "-S", "-o", "x y.s"],
        cwd=project,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr is not None
        process.stderr.readline()  # until exec is over, /proc shows no arguments
        driver = read_driver(process.pid)
        process.communicate(b"int x;\n")
    assert driver is not None
    assert driver.argv[1:] == ("-v", "-O3", "-x", "c", "-", "-S", "-o", "x y.s")
    assert driver.folder == project
    assert abs(time.time_ns() - driver.started_ns) < 60 * 10**9


def test_a_process_that_is_not_gcc_is_no_driver() -> None:
    with subprocess.Popen(["cat", "-"], stdin=subprocess.PIPE) as process:
        assert read_driver(process.pid) is None
        process.communicate(b"")
    assert read_driver(2**22 + 1) is None
