"""With an empty store every file gcc makes of C is the same byte for byte, and so is what it says.

Random parts of gcc's own output (names in LTO and coverage files) are fixed by -frandom-seed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interception.conftest import SEARCH, Compiler

MAIN = "int find(const int *, int);\nint main(void) { int a[] = {1, 7}; return find(a, 2) - 1; }\n"
OPENMP = """\
void scale(float *a, int n)
{
#pragma omp parallel for simd
    for (int i = 0; i < n; i++) a[i] *= 2.0f;
}
"""

# Each line ends well: a case that fails in both compilers would say little.
LEVELS = ["-O0", "-O1", "-O2", "-O3", "-Os", "-Oz", "-Og", "-Ofast", "-O", "-O2 -O3 -O2"]
CODE = [
    "-fPIC",
    "-fpic -fvisibility=hidden",
    "-fpie",
    "-fno-pic -mcmodel=large",
    "-march=native",
    "-mavx2 -mtune=skylake",
    "-m32",
    "-mx32",
    "-masm=intel",
    "-std=c99 -pedantic",
    "-std=gnu2x",
    "-std=gnu17",
    "-x c++",
    "-fcf-protection",
    "-fcf-protection=none",
    "-fstack-protector-strong",
    "-fstack-clash-protection",
    "-D_FORTIFY_SOURCE=2 -DX='a b'",
    "-ffunction-sections -fdata-sections",
    "-fno-ident",
    "-fno-asynchronous-unwind-tables",
    "-fexceptions -fnon-call-exceptions",
    "-frecord-gcc-switches -grecord-gcc-switches",
    "-funroll-loops -fno-tree-vectorize -fno-inline",
    "-ffast-math -fno-math-errno",
    "-fopenmp openmp.c",
    "-fopenacc -foffload=disable",
    "-finstrument-functions",
    "-fpatchable-function-entry=2",
    "-pg",
    "-mindirect-branch=thunk-extern -mfunction-return=thunk-extern",
    "-fsanitize=address",
    "-fsanitize=undefined -fno-sanitize-recover",
    "-fsanitize=thread",
    "-fanalyzer",
    "-Wa,--noexecstack",
    "-Wa,-mrelax-relocations=no",
    "-Wa,-adhln=a.lst",
    "-Wa,--fatal-warnings,-L",
    "-Wa,--defsym,X=1",
    "-Xassembler --keep-locals",
    "-no-integrated-cpp",
    "-frandom-seed=2",
]
KERNEL = (
    "-nostdinc -ffreestanding -fno-strict-aliasing -fno-common -fshort-wchar -std=gnu11 -mno-sse "
    "-mno-mmx -mno-sse2 -mno-3dnow -mno-avx -m64 -falign-jumps=1 -falign-loops=1 -mno-80387 "
    "-mno-fp-ret-in-387 -mpreferred-stack-boundary=3 -mskip-rax-setup -mtune=generic -mno-red-zone "
    "-mcmodel=kernel -fno-pie -fno-pic "
    "-fno-asynchronous-unwind-tables -mindirect-branch=thunk-extern "
    "-mindirect-branch-register -fno-jump-tables -fno-delete-null-pointer-checks "
    "-fno-allow-store-data-races -fstack-protector-strong -fno-stack-clash-protection -pg "
    "-mrecord-mcount -mfentry -fno-strict-overflow -fconserve-stack -Wp,-MMD,deps/.a.o.d"
)
FILES = [
    "-c a.c",
    "-c a.c -o a.o",
    "-c a.c -o out/b.o",
    "-oout/b.o -c a.c",
    "-c -pipe a.c",
    "-g3 -pipe -c a.c",
    "-c @options",
    "-c a.c main.c",
    "-x c -c a.c -x assembler -c hand.s",
    "-c a.c hand.s upper.S",
    "-c a.i",
    "-S a.c",
    "-S a.c -o -",
    "-E a.c",
    "-E -dM a.c",
    "-M a.c",
    "-MM a.c -MF deps/a.d",
    "-fsyntax-only a.c",
    "-c a.c -MD -MF deps/a.d",
    "-MMD -c a.c -o out/a.o",
    "-MD -MP -MT 'x y' -MQ '$z' -c a.c",
    "-Wp,-MD,deps/.a.d -c a.c",
    "-Wp,-MMD,deps/.a.d,-MT,q -c a.c",
    "-g -c a.c",
    "-gdwarf-4 -gz -c a.c",
    "-ggdb3 -fdebug-prefix-map=/=/x -c a.c",
    "-g -gsplit-dwarf -c a.c",
    "-g -gsplit-dwarf -c a.c -o out/b.o",
    "-g -gsplit-dwarf a.c main.c -o program",
    "-g -gsplit-dwarf -pipe -c a.c -dumpbase other -dumpdir out/",
    "-c a.c -save-temps",
    "-c a.c -save-temps=obj -o out/b.o",
    "-c a.c -save-temps -dumpbase other",
    "-g -save-temps -pipe a.c main.c -o program",
    "-fstack-usage -c a.c -o out/a.o",
    "-fcallgraph-info -fdump-tree-optimized -fopt-info-all=out/info -c a.c",
    "-aux-info out/protos -c a.c",
    "--coverage -frandom-seed=1 -c a.c -o out/a.o",
    "-c 'with space.c'",
    "-c 'quo\"te'\"'\"'s.c' -o 'out/it'\"'\"'s \"here\".o'",
    "-c grüße.c -save-temps",
    "-c ./-dash.c -o ./-dash.o",
    "-c 'a$b;c&d.c'",
    "-g -c deeper/a.c -I deeper -Ideeper -iquote .",
]
LINKS = [
    "a.c main.c -o program",
    "-pipe a.c main.c",
    "-static a.c main.c -o program",
    "-static-pie -fPIE a.c main.c -o program",
    "-no-pie a.c main.c -o program",
    "-shared -fPIC a.c -o liba.so",
    "-r a.c main.c -o whole.o",
    "-fwhole-program whole.c -o program",
    "-fsanitize=address,undefined a.c main.c -o program",
    "-fopenmp -Wl,-O1,--as-needed,-z,now a.c main.c -o program -lm",
    "-flto -frandom-seed=1 a.c main.c -o program",
    "-flto=2 -ffat-lto-objects -frandom-seed=1 -g a.c main.c -o program",
    "-flto -fno-fat-lto-objects -flto-partition=none -frandom-seed=1 -shared -fPIC a.c -o a.so",
    "-flto -frandom-seed=1 -save-temps a.c main.c -o program",
]
# Two or more commands; the last runs what was built.
STEPS = [
    ("-O2 -flto -frandom-seed=1 -c a.c", "-O2 -flto -c main.c -frandom-seed=2",
     "-O2 -flto a.o main.o -o program", "./program"),
    ("-O3 -ffat-lto-objects -flto -frandom-seed=1 -c a.c main.c", "-fno-lto a.o main.o", "./a.out"),
    ("-O2 -fprofile-generate -frandom-seed=1 a.c main.c -o program", "./program",
     "-O2 -fprofile-use -frandom-seed=1 -Wno-missing-profile -c a.c main.c",
     "a.o main.o -o program", "./program"),
    ("-O2 --coverage -frandom-seed=1 -c a.c main.c -g", "--coverage a.o main.o", "./a.out"),
]  # fmt: skip
# These fail, or say something.
MESSAGES = [
    "-O3 -c broken.c",
    "-O3 -pipe -c broken.c",
    "-O3 -c broken.c a.c",
    "-O3 -c no_such_file.c",
    "-O3 -c a.c -o no/such/folder/a.o",
    "-O3 -c -Wall -Wextra warns.c",
    "-O3 -c -Wall -Werror warns.c",
    "-O3 -c -Wall warns.c -fdiagnostics-format=json",
    "-O3 -c -Wall warns.c -fdiagnostics-color=always",
    "-O3 -fno-such-option -c a.c",
    "-O3 -c a.c -Wa,--no-such-option",
    "-O3 -c -x assembler broken.c",
    "-O3 -c asm.c",
    "-O3 -c asm.c -pipe",
    "-O3 a.c -o program",
    "-O3 a.c main.c -lno_such_library",
    "-O3 -flto a.c -frandom-seed=1",
    "-c",
    "",
    "@no_such_options",
    "--version",
    "--help",
    "-v",
    "-O3 -### -S a.c",
    "-dumpversion",
    "-dumpmachine",
    "-dumpspecs",
    "-print-search-dirs",
    "-print-prog-name=as",
    "-print-prog-name=ld",
    "-print-prog-name=cc1",
    "-print-file-name=libc.a",
    "-print-multi-lib",
    "-O3 -Wa,--version -c a.c",
    "-Q --help=optimizers -O3",
    "-O3 -fsyntax-only broken.c",
]


@pytest.fixture
def project(compiler: Compiler) -> Path:
    """The sources that the cases name."""
    folder = compiler.folder
    for name in ("out", "deps", "deeper"):
        (folder / name).mkdir()
    for name in (
        "a.c", "a.i", "with space.c", "quo\"te's.c", "grüße.c", "-dash.c", "a$b;c&d.c",
    ):  # fmt: skip
        (folder / name).write_text(SEARCH)
    (folder / "a.h").write_text("int find(const int *, int);\n")
    (folder / "deeper" / "h.h").write_text("#define N 7\n")
    (folder / "deeper" / "a.c").write_text('#include "h.h"\n' + SEARCH)
    (folder / "main.c").write_text(MAIN)
    (folder / "whole.c").write_text(SEARCH + MAIN)
    (folder / "openmp.c").write_text(OPENMP)
    (folder / "broken.c").write_text(SEARCH + "int f(void) { return x; }\n")
    (folder / "warns.c").write_text(SEARCH + "int f(void) { int x; return x; }\n")
    (folder / "asm.c").write_text(SEARCH + 'void f(void) { __asm__("nonsense"); }\n')
    (folder / "options").write_text('-DX=\'a b\' -DY="c \\"d" a.c\n-g\n')
    (folder / "hand.s").write_text('\t.file\t"a.c"\n\t.text\nf:\tret\n')
    (folder / "upper.S").write_text("#define R ret\n\t.text\ng:\tR\n")
    return folder


@pytest.mark.parametrize("part", range(5))
def test_compiles_to_gccs_object_with_every_sort_of_code(
    compiler: Compiler, project: Path, part: int
) -> None:
    flag_sets = [*(f"{level} -c a.c" for level in LEVELS), *(f"-O3 {code} -c a.c" for code in CODE)]
    flag_sets.append(f"-O2 {KERNEL} -c a.c")
    compiler.compare_all(*flag_sets[part::5])


@pytest.mark.parametrize("part", range(5))
def test_makes_gccs_files_under_gccs_names(compiler: Compiler, project: Path, part: int) -> None:
    compiler.compare_all(*(f"-O3 {files}" for files in FILES[part::5]))


@pytest.mark.parametrize("part", range(3))
def test_links_what_gcc_links(compiler: Compiler, project: Path, part: int) -> None:
    compiler.compare_all(*(f"-O3 {link}" for link in LINKS[part::3]))


@pytest.mark.parametrize("steps", STEPS, ids=lambda steps: steps[0].partition(" ")[2][:30])
def test_builds_in_steps_as_gcc_does(
    compiler: Compiler, project: Path, steps: tuple[str, ...]
) -> None:
    result = compiler.compare(*steps)
    assert [ending.returncode for ending in result.endings] == [0] * len(steps)


@pytest.mark.parametrize("part", range(3))
def test_says_what_gcc_says(compiler: Compiler, project: Path, part: int) -> None:
    for command in MESSAGES[part::3]:
        result = compiler.compare(command)
        (ending,) = result.endings
        # A case where neither says anything would show nothing.
        assert ending.returncode or ending.stdout or ending.stderr, command


@pytest.mark.parametrize(
    "command", ["-O3 -x c -c -o in.o -", "-O3 -pipe -g -x c -c -o in.o -", "-O3 -E -", "-xc - -o p"]
)
def test_compiles_standard_input_as_gcc_does(compiler: Compiler, command: str) -> None:
    result = compiler.compare(command, stdin=(SEARCH + MAIN).encode())
    assert result.files or result.endings[0].stdout


def test_the_shim_is_really_asked(compiler: Compiler, project: Path) -> None:
    told = compiler.run(["-O3", "-v", "-c", "a.c"]).stderr.decode()
    assert f"{compiler.launcher.parent}/libexec/as" in told


def test_launcher_form_takes_the_compiler_named(compiler: Compiler, project: Path) -> None:
    got = compiler.run(["g++", "-O3", "-x", "c++", "-v", "-c", "a.c"]).stderr.decode()
    assert "cc1plus" in got
    assert f"{compiler.launcher.parent}/libexec/as" in got


def test_a_source_file_called_gcc_is_not_taken_for_a_compiler(compiler: Compiler) -> None:
    (compiler.folder / "my-gcc.c").write_text(SEARCH)
    assert compiler.run(["my-gcc.c", "-O3", "-c"]).returncode == 0
    assert (compiler.folder / "my-gcc.o").exists()


@pytest.mark.parametrize("switch", ["LLMCC_DISABLE=1", "LLMCC_MODE=off"])
def test_switched_off_leaves_the_environment_alone(
    compiler: Compiler, project: Path, switch: str
) -> None:
    name, _, value = switch.partition("=")
    told = compiler.run(["-O3", "-v", "-c", "a.c"], **{name: value}).stderr.decode()
    assert "libexec/as" not in told


def test_says_its_own_version(compiler: Compiler) -> None:
    assert compiler.run(["--llmcc-version"]).stdout.startswith(b"llmcc ")
