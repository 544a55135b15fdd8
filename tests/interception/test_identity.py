"""With an empty store, every file gcc makes is the same byte for byte, and so is what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interception.conftest import SEARCH, Compiler

MAIN = "int find(const int *, int);\nint main(void) { int a[] = {1, 7}; return find(a, 2); }\n"
FLAG_SETS = [
    "-O3 -c a.c",
    "-O2 -c a.c -o a.o",
    "-Ofast -c -pipe a.c",
    "-O3 -g -c a.c",
    "-O3 -g3 -pipe -c a.c",
    "-O3 -fPIC -c a.c",
    "-O3 -c a.c -save-temps",
    "-O3 -c a.c -MD -MF deps/a.d",
    "-O3 -MMD -c a.c -o out/a.o",
    "-O3 a.c main.c -o program",
    "-O3 -march=native -c a.c",
    "-O3 -c @options",
    "-O3 -flto -frandom-seed=1 -c a.c",
    "-O3 -flto -frandom-seed=1 a.c main.c -o program",
    "-O3 --coverage -frandom-seed=1 -c a.c",
    "-O3 -fsanitize=address -c a.c",
    "-O3 -fstack-usage -c a.c",
    "-O3 -c a.c -Wa,-adhln=a.lst",
    "-O3 -c hand.s",
    "-O0 -c a.c",
    "-O3 -m32 -S a.c",
    "-O3 -E a.c",
    "-O3 -c broken.c",
    "-O3 -pipe -c broken.c",
    "-O3 -c no_such_file.c",
    "-O3 -c -Wall warns.c",
    "-O3 -x c++ -c a.c",
    "-print-prog-name=as",
    "-print-search-dirs",
    "--version",
    "-O3 -Wa,--version -c a.c",
]


def _write_project(folder: Path) -> None:
    (folder / "out").mkdir(parents=True)
    (folder / "deps").mkdir()
    (folder / "a.c").write_text(SEARCH)
    (folder / "main.c").write_text(MAIN)
    (folder / "broken.c").write_text(SEARCH + "int f(void) { return x; }\n")
    (folder / "warns.c").write_text(SEARCH + "int f(void) { int x; return x; }\n")
    (folder / "options").write_text("-DX='a b' a.c\n-g\n")
    (folder / "hand.s").write_text('\t.file\t"a.c"\n\t.text\nf:\tret\n')


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("flags", FLAG_SETS)
def test_makes_exactly_what_gcc_makes(compiler: Compiler, flags: str) -> None:
    _write_project(compiler.folder)
    before = _files(compiler.folder)
    expected = compiler.gcc(flags.split())
    expected_files = _files(compiler.folder)
    for name in expected_files.keys() - before.keys():
        (compiler.folder / name).unlink()

    got = compiler.run(flags.split())

    assert (got.returncode, got.stdout, got.stderr) == (
        expected.returncode,
        expected.stdout,
        expected.stderr,
    )
    assert _files(compiler.folder) == expected_files


def test_compiles_standard_input_as_gcc_does(compiler: Compiler) -> None:
    arguments = ["-O3", "-x", "c", "-c", "-o", "in.o", "-"]
    compiler.gcc(arguments, stdin=SEARCH.encode())
    expected = (compiler.folder / "in.o").read_bytes()
    got = compiler.run(arguments, stdin=SEARCH.encode())
    assert got.stderr == b""
    assert (compiler.folder / "in.o").read_bytes() == expected


def test_the_shim_is_really_asked(compiler: Compiler) -> None:
    _write_project(compiler.folder)
    told = compiler.run(["-O3", "-v", "-c", "a.c"]).stderr.decode()
    assert f"{compiler.launcher.parent}/g0/libexec/as" in told


def test_launcher_form_takes_the_compiler_named(compiler: Compiler) -> None:
    _write_project(compiler.folder)
    got = compiler.run(["g++", "-O3", "-x", "c++", "-v", "-c", "a.c"]).stderr.decode()
    assert "cc1plus" in got
    assert f"{compiler.launcher.parent}/g0/libexec/as" in got


def test_a_source_file_called_gcc_is_not_taken_for_a_compiler(compiler: Compiler) -> None:
    (compiler.folder / "my-gcc.c").write_text(SEARCH)
    assert compiler.run(["my-gcc.c", "-O3", "-c"]).returncode == 0
    assert (compiler.folder / "my-gcc.o").exists()


@pytest.mark.parametrize("switch", ["LLMCC_DISABLE=1", "LLMCC_MODE=off"])
def test_switched_off_leaves_the_environment_alone(compiler: Compiler, switch: str) -> None:
    _write_project(compiler.folder)
    name, _, value = switch.partition("=")
    told = compiler.run(["-O3", "-v", "-c", "a.c"], **{name: value}).stderr.decode()
    assert "libexec/as" not in told


def test_says_its_own_version(compiler: Compiler) -> None:
    assert compiler.run(["--llmcc-version"]).stdout.startswith(b"llmcc ")
