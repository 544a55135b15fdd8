"""With an empty store every file g++ makes is the same byte for byte, and what it says too."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.interception.conftest import Compiler

# Templates, exceptions with landing pads, static initialisers, thread-local and inline variables,
# lambdas, a virtual table, and loops that llmcc would look at.
SOURCE = """\
#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>
struct Shape { virtual ~Shape() = default; virtual int area() const = 0; };
struct Square : Shape {
    int side;
    explicit Square(int s) : side(s) { if (s < 0) throw std::invalid_argument("side"); }
    int area() const override { return side * side; }
};
template <class T> T sum(const std::vector<T> &all) { T s{}; for (T x : all) s += x; return s; }
template <int N> struct Power { static constexpr long value = 3 * Power<N - 1>::value; };
template <> struct Power<0> { static constexpr long value = 1; };
static std::vector<int> table = [] { std::vector<int> t; for (int i = 0; i < 64; i++)
    t.push_back(i * 7 % 64); return t; }();
inline thread_local int depth = 0;
static std::string name = "static";
extern "C" int find(const int *a, int n)
{ for (int i = 0; i < n; i++) if (a[i] == 7) return i; return -1; }
int guarded(int side) { try { return Square(side).area(); }
    catch (const std::invalid_argument &error) { return -(int)std::string(error.what()).size(); } }
long total(const double *a, int n) { double s = 0; for (int i = 0; i < n; i++) s += a[i];
    return (long)s; }
"""
MAIN = """\
#include "a.h"
int main() { const int a[] = {1, 7}; std::printf("%d %d %d\\n", find(a, 2), guarded(3),
    guarded(-1)); return 0; }
"""
# The same without the library: parsed in a tenth of the time.
SMALL = """\
template <class T> struct Box { T x; Box(T y) : x(y) { if (y < T()) throw y; } virtual ~Box() {} };
struct Late { Late(); ~Late(); int x; };
Late late, *other = new Late;
inline thread_local int depth = 0;
extern "C" int find(const int *a, int n)
{ for (int i = 0; i < n; i++) if (a[i] == 7) return i; return -1; }
template <class T, class F> T fold(const T *a, int n, F f)
{ T s{}; for (int i = 0; i < n; i++) s = f(s, a[i]); return s; }
int guarded(int y) { try { Box<int> box(y); return box.x + depth; } catch (int e) { return -e; } }
long total(const int *a, int n) { return fold(a, n, [](int x, int y) { return x ^ (y * 3); }); }
double mean(const double *a, int n) { return fold(a, n, [](auto x, auto y) { return x + y; }) / n; }
"""
HEADER = '#include <cstdio>\nextern "C" int find(const int *, int);\nint guarded(int);\n'

CODE = [
    "-O0", "-O1", "-O2", "-O3", "-Os", "-Og", "-Ofast -std=c++20",
    "-O2 -std=c++17 -Wno-error",
    "-O3 -g", "-O2 -g3 -gdwarf-4", "-O2 -pipe -g",
    "-O2 -fPIC -fvisibility=hidden -fvisibility-inlines-hidden",
    "-O3 -fno-rtti -fno-threadsafe-statics",
    "-O2 -fno-plt -fcf-protection -fstack-protector-strong",
    "-O2 -D_GLIBCXX_ASSERTIONS -D_FORTIFY_SOURCE=2 -Wall -Wextra",
    "-O3 -march=native -fopenmp-simd", "-O3 -mavx2 -ffast-math -funroll-loops",
    "-O2 -MD -MP -MF out/a.d", "-O2 -save-temps", "-O3 -fstack-usage -ffunction-sections",
    "-O2 --coverage -frandom-seed=1 -o out/a.o", "-O2 -fprofile-generate -frandom-seed=1",
    "-O3 -fsanitize=address,undefined", "-O2 -fsanitize=thread",
    "-O3 -flto -frandom-seed=1 -ffat-lto-objects", "-O2 -fsyntax-only -Wall",
    "-O2 -frecord-gcc-switches -fno-ident -Wa,--noexecstack", "-O2 -S", "-O2 -E -P", "-O2 -MM",
]  # fmt: skip
# Options that end before an object.
ENDS = frozenset({"-S", "-E", "-MM", "-fsyntax-only"})
# (-fno-profile-values: a profile of pointers is another in each run.)
STEPS = [
    ("-O3 a.cc main.cc -o program", "./program"),
    ("-O2 -g -pipe a.cc main.cc -o program -static", "./program"),
    ("-O3 -fsanitize=address,undefined a.cc main.cc -o program", "./program"),
    ("-O2 -flto -frandom-seed=1 -c a.cc", "-O2 -flto -frandom-seed=2 -c main.cc",
     "-O2 -flto a.o main.o -o program", "./program"),
    ("-O2 -fprofile-generate -fno-profile-values -frandom-seed=1 a.cc main.cc -o program",
     "./program",
     "-O2 -fprofile-use -fno-profile-values -frandom-seed=1 a.cc main.cc -o program", "./program"),
    ("-O2 --coverage -frandom-seed=1 a.cc main.cc -o program", "./program"),
    ("-O3 -shared -fPIC a.cc -o liba.so", "-O3 main.cc ./liba.so -o program", "./program"),
]  # fmt: skip
MESSAGES = [
    "-O3 -c broken.cc", "-O3 -pipe -c broken.cc", "-O2 -c small.cc -Weffc++ -Wpadded",

    "-O2 -c no_such.cc", "-O2 -save-temps main.cc", "-std=c++99 -c a.cc", "--version",
    "-O2 -c -Werror warns.cc",
]  # fmt: skip


@pytest.fixture
def project(compiler: Compiler) -> Path:
    """The sources that the cases name."""
    folder = compiler.folder
    (folder / "out").mkdir()
    (folder / "a.cc").write_text(SOURCE)
    (folder / "a.h").write_text(HEADER)
    (folder / "main.cc").write_text(MAIN)
    (folder / "broken.cc").write_text(HEADER + "template <class T> T f(T x) { return y; }\n")
    (folder / "warns.cc").write_text("int f() { int x; }\n#warning hm\n")
    (folder / "small.cc").write_text(SMALL)
    return folder


@pytest.mark.parametrize("part", range(3))
def test_compiles_to_gccs_object(compiler: Compiler, project: Path, part: int) -> None:
    commands = [
        f"{code} {'' if set(code.split()) & ENDS else '-c'} small.cc" for code in CODE[part::3]
    ]
    compiler.compare_all(*commands, program="g++")


@pytest.mark.parametrize("steps", STEPS, ids=lambda steps: steps[0][:30])
def test_builds_a_program_with_the_standard_library(
    compiler: Compiler, project: Path, steps: tuple[str, ...]
) -> None:
    result = compiler.compare(*steps, program="g++")
    assert [ending.returncode for ending in result.endings] == [0] * len(steps)
    assert result.endings[-1].stdout == b"1 9 -4\n"


def test_says_what_gxx_says(compiler: Compiler, project: Path) -> None:
    for command in MESSAGES:
        (ending,) = compiler.compare(command, program="g++").endings
        assert ending.returncode or ending.stdout or ending.stderr, command


def test_compiles_standard_input_as_gxx_does(compiler: Compiler) -> None:
    result = compiler.compare("-O3 -x c++ -c - -o a.o", program="g++", stdin=SMALL.encode())
    assert set(result.files) == {"a.o"}


def test_makes_gccs_split_debug_file(compiler: Compiler, project: Path) -> None:
    # The file's own number depends on addresses in cc1plus.
    fixed = ["setarch", "-R"]
    if subprocess.run([*fixed, "true"], check=False).returncode:
        pytest.skip("addresses cannot be fixed here: setarch -R fails")
    command = "-O3 -g -gsplit-dwarf -c small.cc -o out/a.o"
    result = compiler.compare(command, program="g++", before=fixed)
    assert set(result.files) == {"out/a.o", "out/a.dwo"}
