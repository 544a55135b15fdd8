"""The `ld` shim is there only when tests are named, and never changes what a link does."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from llmcc.native.build import build as build_native
from llmcc.toolchain import find_gcc
from tests.interception.conftest import SEARCH, Compiler, make_compiler
from tests.interception.planted import write_program

TESTS = {"LLMCC_TEST_CMD": "echo tested >> tested"}


@pytest.fixture
def recorder(compiler: Compiler) -> Path:
    """A gcc that first writes down the COMPILER_PATH it was started with."""
    script = compiler.folder / "recording-gcc"
    script.write_text(
        f'#!/bin/sh\necho "${{COMPILER_PATH-unset}}" > seen\nexec {find_gcc()} "$@"\n'
    )
    script.chmod(0o755)
    compiler.environ["LLMCC_CC"] = str(script)
    (compiler.folder / "a.c").write_text(SEARCH + "int main(void) { return 0; }\n")
    return compiler.folder / "seen"


def test_without_tests_gcc_is_not_told_of_the_linker(compiler: Compiler, recorder: Path) -> None:
    home = compiler.launcher.parent / "g0"
    assert compiler.run(["-O3", "a.c", "-o", "p"]).returncode == 0
    assert recorder.read_text() == f"{home}/libexec\n"
    compiler.run(["-O3", "-c", "a.c"])
    assert compiler.run(["a.o", "-o", "p"]).returncode == 0
    assert recorder.read_text() == "unset\n"
    # Empty means the same as unset.
    compiler.run(["a.o", "-o", "p"], LLMCC_TESTS="", LLMCC_TEST_CMD="")
    assert recorder.read_text() == "unset\n"


@pytest.mark.parametrize("name", ["LLMCC_TESTS", "LLMCC_TEST_CMD"])
def test_with_tests_the_linker_comes_first(compiler: Compiler, recorder: Path, name: str) -> None:
    home = compiler.launcher.parent / "g0"
    compiler.run(["-O3", "-c", "a.c"])
    assert compiler.run(["a.o", "-o", "p"], **{name: "x"}).returncode == 0
    assert recorder.read_text() == f"{home}/libexec-tests:{home}/libexec\n"
    compiler.run(["a.o", "-o", "p"], **{name: "x"}, COMPILER_PATH="/mine")
    assert recorder.read_text() == f"{home}/libexec-tests:{home}/libexec:/mine\n"


@pytest.mark.parametrize("off", ["LLMCC_DISABLE", "LLMCC_MODE"])
def test_switched_off_nothing_is_tested(compiler: Compiler, recorder: Path, off: str) -> None:
    value = "1" if off == "LLMCC_DISABLE" else "off"
    compiler.run(["-O3", "a.c", "-o", "p"], **TESTS, **{off: value})
    assert recorder.read_text() == "unset\n"


def test_a_program_without_fast_paths_is_not_tested(compiler: Compiler) -> None:
    (compiler.folder / "a.c").write_text(SEARCH + "int main(void) { return 0; }\n")
    done = compiler.run(["-O3", "a.c", "-o", "p"], **TESTS)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    made = (compiler.folder / "p").read_bytes()
    compiler.gcc(["-O3", "a.c", "-o", "p"])
    assert made == (compiler.folder / "p").read_bytes()
    assert not (compiler.folder / "tested").exists()


BROKEN = [
    ["a.o", "-o", "p"],  # no main
    ["gone.o", "-o", "p"],
    ["a.o", "-shared", "-Wl,--no-such-option", "-o", "p"],
    ["a.o", "-o", "gone/p"],
]


@pytest.mark.parametrize("command", BROKEN, ids=str)
def test_a_failing_link_fails_like_gccs(compiler: Compiler, command: list[str]) -> None:
    (compiler.folder / "a.c").write_text(SEARCH)
    compiler.gcc(["-c", "a.c"])
    expected = compiler.gcc(command)
    got = compiler.run(command, **TESTS)
    assert (got.returncode, got.stdout, got.stderr) == (
        expected.returncode,
        expected.stdout,
        expected.stderr,
    )
    assert expected.returncode != 0


@pytest.mark.parametrize("linker", ["bfd", "gold", "lld", "mold"])
def test_the_linker_asked_for_is_the_one_that_links(compiler: Compiler, linker: str) -> None:
    (compiler.folder / "a.c").write_text("int main(void) { return 0; }\n")
    command = ["a.c", f"-fuse-ld={linker}", "-Wl,--version", "-o", "p"]
    expected, got = compiler.gcc(command), compiler.run(command, **TESTS)
    assert (got.returncode != 0) is (expected.returncode != 0)
    assert got.stdout == expected.stdout


@pytest.mark.parametrize(
    "body",
    [
        "exit 1\n",
        "echo out; echo err >&2\n",
        "kill -SEGV $$\n",
        "kill -TERM $PPID; while :; do :; done\n",
        None,
    ],
)
def test_a_failing_python_leaves_the_link_as_it_is(
    compiler: Compiler, tmp_path_factory: pytest.TempPathFactory, body: str | None
) -> None:
    write_program(compiler, ("right_a",))
    compiler.run(["-O3", "-c", "loops.c"], LLMCC_MODE="sync")
    compiler.gcc(["main.c", "loops.o", "-o", "expected"])
    python = tmp_path_factory.mktemp("python") / "python"
    python.write_text(f"#!/bin/sh\ntouch started\n{body}")
    python.chmod(0o755)
    native = build_native(tmp_path_factory.mktemp("native"), entries=(), python=str(python))
    broken = make_compiler(native, compiler.cache, compiler.folder)
    if body is None:
        python.unlink()
    got = broken.run(["main.c", "loops.o", "-o", "p"], **TESTS)
    if body is None or "PPID" not in body:
        assert (got.returncode, got.stdout, got.stderr) == (0, b"", b"")
    assert (compiler.folder / "started").exists() is (body is not None)
    made, expected = (compiler.folder / name for name in ("p", "expected"))
    assert made.read_bytes() == expected.read_bytes()


def test_a_cache_others_can_write_to_starts_nothing(compiler: Compiler) -> None:
    write_program(compiler, ("right_a",))
    compiler.run(["-O3", "-c", "loops.c"], LLMCC_MODE="sync")
    compiler.cache.chmod(0o777)
    assert compiler.run(["main.c", "loops.o", "-o", "p"], **TESTS).returncode == 0
    assert not (compiler.folder / "tested").exists()
    compiler.cache.chmod(0o700)
    assert compiler.run(["main.c", "loops.o", "-o", "p"], **TESTS).returncode == 0
    assert (compiler.folder / "tested").read_text() == "tested\n"


def test_an_output_that_is_no_file_is_left_alone(compiler: Compiler) -> None:
    write_program(compiler, ("right_a",))
    compiler.run(["-O3", "-c", "loops.c"], LLMCC_MODE="sync")
    got = compiler.run(["main.c", "loops.o", "-o", "/dev/null"], **TESTS)
    assert (got.returncode, got.stdout, got.stderr) == (0, b"", b"")
    assert not (compiler.folder / "tested").exists()


def test_without_an_output_named_a_out_is_tested(compiler: Compiler) -> None:
    write_program(compiler, ("right_a",))
    done = compiler.run(["-O3", "main.c", "loops.c"], **TESTS, LLMCC_MODE="sync")
    assert done.returncode == 0
    assert (compiler.folder / "tested").read_text() == "tested\n"
    name = "a name 'with' quotes"
    done = compiler.run(["-O3", "main.c", "loops.c", f"-o{name}"], **TESTS)
    assert done.returncode == 0
    assert (compiler.folder / "tested").read_text() == "tested\ntested\n"
    assert subprocess.run([compiler.folder / name], input=b"", check=False).returncode == 0
