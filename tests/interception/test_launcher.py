"""What stands in front of gcc: the way our `as` gets in, names, settings files, the generation."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from llmcc.eligibility import describe_source
from llmcc.store.generation import bump_generation, read_generation
from llmcc.store.units import UnitEntry
from llmcc.toolchain import find_gcc
from tests.interception.conftest import SEARCH, Compiler

COMMAND = ["-O3", "-c", "a.c"]


@pytest.fixture(autouse=True)
def source(tmp_path: Path) -> Path:
    path = tmp_path / "a.c"
    path.write_text(SEARCH)
    return path


def _program(path: Path, body: str) -> Path:
    path.write_text("#!/bin/sh\n" + body)
    path.chmod(0o755)
    return path


def _ways(compiler: Compiler) -> set[str]:
    """Return the letters of the ways that are remembered."""
    kept = (compiler.launcher.parent / "gcc").iterdir()
    return {path.read_text()[0] for path in kept if not path.suffix}


def _assert_same_object(compiler: Compiler, **environ: str) -> None:
    done = compiler.run(COMMAND, **environ)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    made = (compiler.folder / "a.o").read_bytes()
    compiler.gcc(COMMAND)
    assert made == (compiler.folder / "a.o").read_bytes()


def _shim_ran(compiler: Compiler, **environ: str) -> bool:
    """Put a rewrite with one more `nop` in the store, and see whether the object has it."""
    compiler.gcc(COMMAND)
    plain = (compiler.folder / "a.o").read_bytes()
    compiler.run(COMMAND, **environ)
    return plain != (compiler.folder / "a.o").read_bytes()


def _plant(compiler: Compiler, words: list[str]) -> None:
    text = compiler.unit(COMMAND)
    entry = UnitEntry(
        text.replace("\tret\n", "\tnop\n\tret\n"), (describe_source(compiler.folder / "a.c"),)
    )
    compiler.store.put(compiler.key(text, words), entry)


def test_a_gcc_that_searches_compiler_path_gets_our_as_by_it(compiler: Compiler) -> None:
    _assert_same_object(compiler)
    assert _ways(compiler) == {"A"}
    _plant(compiler, COMMAND)
    assert _shim_ran(compiler)


def test_a_gcc_that_ignores_compiler_path_gets_our_as_by_specs(
    compiler: Compiler, tmp_path: Path
) -> None:
    gcc = _program(tmp_path / "gcc", f'unset COMPILER_PATH\nexec {find_gcc()} "$@"\n')
    _assert_same_object(compiler, LLMCC_CC=str(gcc))
    assert _ways(compiler) == {"B"}
    specs = next((compiler.launcher.parent / "gcc").glob("*.specs"))
    _plant(compiler, [f"-specs={specs}", *COMMAND])
    assert _shim_ran(compiler, LLMCC_CC=str(gcc))


def test_a_gcc_that_takes_no_other_assembler_is_left_alone(
    compiler: Compiler, tmp_path: Path
) -> None:
    gcc = _program(
        tmp_path / "gcc",
        "unset COMPILER_PATH\ncase $1 in -specs=*) shift ;; esac\n"
        f'echo "$1 ${{LLMCC_AS-none}}" >> {tmp_path}/calls\nexec {find_gcc()} "$@"\n',
    )
    _assert_same_object(compiler, LLMCC_CC=str(gcc))
    assert _ways(compiler) == {"D"}
    assert (tmp_path / "calls").read_text().splitlines()[-1] == "-O3 none"


def test_which_way_works_is_tried_once_for_each_gcc(compiler: Compiler, tmp_path: Path) -> None:
    gcc = _program(tmp_path / "gcc", f'echo >> {tmp_path}/calls\nexec {find_gcc()} "$@"\n')
    compiler.run(COMMAND, LLMCC_CC=str(gcc))
    before = (tmp_path / "calls").read_text().count("\n")
    compiler.run(COMMAND, LLMCC_CC=str(gcc))
    assert (before, (tmp_path / "calls").read_text().count("\n")) == (4, 5)
    _program(gcc, f'echo >> {tmp_path}/calls\nexec {find_gcc()} "$@" # another\n')
    compiler.run(COMMAND, LLMCC_CC=str(gcc))
    assert (tmp_path / "calls").read_text().count("\n") == 9


def test_a_failing_try_is_not_remembered(compiler: Compiler, tmp_path: Path) -> None:
    gcc = _program(
        tmp_path / "gcc",
        f'for word; do [ "$word" != -x ] || exit 1; done\nexec {find_gcc()} "$@"\n',
    )
    _assert_same_object(compiler, LLMCC_CC=str(gcc))
    assert _ways(compiler) == set()


def test_where_nothing_can_be_kept_nothing_is_tried(compiler: Compiler) -> None:
    shutil.rmtree(compiler.launcher.parent / "gcc")
    (compiler.launcher.parent / "gcc").write_text("")
    _assert_same_object(compiler)
    _plant(compiler, COMMAND)
    assert _shim_ran(compiler)


def test_another_machines_compiler_sees_no_llmcc(compiler: Compiler, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    _program(
        tmp_path / "bin/aarch64-linux-gnu-gcc",
        f'[ "$1" != -dumpmachine ] || exec echo aarch64-linux-gnu\n'
        f'[ "$1" != -print-prog-name=as ] || exec echo as\n'
        f'env > {tmp_path}/environment; echo "$@" > {tmp_path}/arguments\n',
    )
    path = f"{tmp_path}/bin:{os.environ['PATH']}"
    link = tmp_path / "bin/aarch64-linux-gnu-llmcc-gcc"
    link.symlink_to(compiler.launcher)
    (tmp_path / "llmcc.toml").write_text("seed = 1\n")
    for command in ([str(link)], [str(compiler.launcher), "aarch64-linux-gnu-gcc"]):
        environ = compiler.environment(PATH=path)
        subprocess.run([*command, *COMMAND], cwd=tmp_path, env=environ, check=True)
        seen = (tmp_path / "environment").read_text().splitlines()
        names = {line.partition("=")[0] for line in seen}
        assert names - set(environ) <= {"LLMCC_DEPTH", "_", "PWD", "OLDPWD", "SHLVL"}
        assert (tmp_path / "arguments").read_text() == " ".join(COMMAND) + "\n"


def test_a_triple_that_has_no_compiler_is_not_the_native_one(
    compiler: Compiler, tmp_path: Path
) -> None:
    link = tmp_path / "riscv64-linux-gnu-llmcc-gcc"
    link.symlink_to(compiler.launcher)
    done = subprocess.run([link, *COMMAND], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 127
    assert b"riscv64-linux-gnu-gcc: not found" in done.stderr


@pytest.mark.parametrize("name", ["llmcc++", "llmcc-g++", "x86_64-linux-gnu-llmcc-g++"])
def test_names_with_two_plusses_are_gxx(compiler: Compiler, tmp_path: Path, name: str) -> None:
    (tmp_path / name).symlink_to(compiler.launcher)
    done = subprocess.run(
        [tmp_path / name, "--version"], capture_output=True, check=True, env=compiler.environment()
    )
    assert b"g++" in done.stdout.splitlines()[0]


def test_a_compiler_of_several_words_is_started_with_all(
    compiler: Compiler, tmp_path: Path
) -> None:
    before = _program(tmp_path / "before", f'echo "$1" >> {tmp_path}/calls\nexec "$@"\n')
    done = compiler.run([*COMMAND, "-v"], LLMCC_CC=f"{before} gcc")
    assert done.returncode == 0
    assert b"/libexec/as" in done.stderr
    assert set((tmp_path / "calls").read_text().split()) == {"gcc"}


def test_a_path_with_spaces_is_one_program(compiler: Compiler, tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    gcc = _program(tmp_path / "a b/gcc", f'touch {tmp_path}/called\nexec {find_gcc()} "$@"\n')
    assert compiler.run(COMMAND, LLMCC_CC=str(gcc)).returncode == 0
    assert (tmp_path / "called").exists()


def test_files_set_what_the_shim_and_python_see(compiler: Compiler, tmp_path: Path) -> None:
    _plant(compiler, COMMAND)
    assert _shim_ran(compiler)
    (tmp_path / "llmcc.toml").write_text('mode = "apply"\nskip = "find"\n')
    # LLMCC_SKIP is part of the unit's key: the entry made without it is not found.
    assert not _shim_ran(compiler)
    assert _shim_ran(compiler, LLMCC_SKIP="")
    (tmp_path / "llmcc.toml").write_text('mode = "off"\n')
    environ = compiler.environment()
    del environ["LLMCC_MODE"]
    done = subprocess.run(
        [compiler.launcher, *COMMAND, "-v"],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        check=True,
    )
    assert b"/libexec/as" not in done.stderr


def test_the_store_generation_is_in_compiler_path(compiler: Compiler) -> None:
    assert read_generation(compiler.cache) == 0
    assert b"/g0/libexec/as" in compiler.run([*COMMAND, "-v"]).stderr
    assert bump_generation(compiler.cache) == 1
    assert bump_generation(compiler.cache) == 2
    assert b"/g2/libexec/as" in compiler.run([*COMMAND, "-v"]).stderr
    _plant(compiler, COMMAND)
    assert _shim_ran(compiler)
    (compiler.cache / "generation").write_text("damaged")
    assert read_generation(compiler.cache) == 0


def test_the_fingerprint_changes_with_what_changes_objects(
    compiler: Compiler, tmp_path: Path
) -> None:
    def fingerprint(**environ: str) -> bytes:
        done = compiler.run(["--llmcc-fingerprint"], **environ)
        assert (done.returncode, done.stderr, done.stdout.count(b"\n")) == (0, b"", 1)
        return done.stdout

    gcc = _program(tmp_path / "gcc", f'exec {find_gcc()} "$@"\n')
    first = fingerprint()
    assert fingerprint() == first
    others = {
        fingerprint(LLMCC_SKIP="f"),
        fingerprint(LLMCC_REQUIRE="proved"),
        fingerprint(LLMCC_MODE="off"),
        fingerprint(LLMCC_CC=str(gcc)),
    }
    bump_generation(compiler.cache)
    others.add(fingerprint())
    assert len(others | {first}) == 6
