"""Fast paths stand on entry edges, gcc's loop stays, and the program still does the same."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from llmcc.asm.parse import parse
from llmcc.regions.find import find_regions
from llmcc.regions.model import Region
from llmcc.splice import FastPath, splice
from llmcc.training.experts import is_packed
from llmcc.training.widen import widen

KEY = "5e" * 32
LOOPS = """
int sum(const int *a, int n) { int s = 0; for (int i = 0; i < n; i++) s += a[i]; return s; }
int top(const int *a, int n)
{ int m = a[0]; for (int i = 1; i < n; i++) if (a[i] > m) m = a[i]; return m; }
void flip(unsigned char *a, long n) { for (long i = 0; i < n; i++) a[i] ^= 0x20; }
"""
MAIN = """
#include <stdio.h>
int sum(const int *, int); int top(const int *, int); void flip(unsigned char *, long);
extern char __start_llmcc_cpu[] __attribute__((weak)), __stop_llmcc_cpu[] __attribute__((weak));
static int a[3000];
int main(int argc, char **argv) {
    if (argc > 1) for (char *p = __start_llmcc_cpu; p < __stop_llmcc_cpu; p++) *p = 0;
    if (argc > 2) { printf("%d\\n", __start_llmcc_cpu ? *__start_llmcc_cpu : -1); return 0; }
    unsigned x = 1; long h = 0;
    for (int n = 1; n < 3000; n += 7) {
        for (int i = 0; i < n; i++) a[i] = (int)(x = x * 1664525u + 1013904223u);
        flip((unsigned char *)a + n % 5, n);
        h = h * 31 + sum(a, n) + top(a, n);
    }
    printf("%ld\\n", h); return 0;
}
"""


def regions_of(text: str) -> list[Region]:
    """The SSE loops of a unit."""
    return [r for r in find_regions(parse(text)) if isinstance(r, Region) and is_packed(r)]


def compiled(tmp_path: Path, *flags: str) -> str:
    """gcc's text of LOOPS."""
    (tmp_path / "loops.c").write_text(LOOPS)
    (tmp_path / "main.c").write_text(MAIN)
    subprocess.run(["gcc", "-O3", *flags, "-S", "loops.c"], check=True, cwd=tmp_path)
    return (tmp_path / "loops.s").read_text()


def run(tmp_path: Path, text: str, *arguments: str, link: tuple[str, ...] = ()) -> str:
    """Link `text` with main.c and run it."""
    (tmp_path / "unit.s").write_text(text)
    subprocess.run(["gcc", "main.c", "unit.s", *link, "-o", "program"], check=True, cwd=tmp_path)
    done = subprocess.run(
        [tmp_path / "program", *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout


def test_without_fast_paths_the_text_is_gccs(tmp_path: Path) -> None:
    text = compiled(tmp_path)
    assert splice(parse(text), ()) == text


@pytest.mark.parametrize("isa", ["avx2", "avx512"])
@pytest.mark.parametrize(
    "link", [(), ("-static",), ("-no-pie",), ("-static-pie",), ("-Wl,-z,now",)], ids=str
)
def test_program_with_fast_paths_prints_the_same(
    tmp_path: Path, isa: str, link: tuple[str, ...]
) -> None:
    text = compiled(tmp_path, "-fPIC")
    paths = tuple(FastPath(region, KEY, widen(region, isa), isa) for region in regions_of(text))
    assert len(paths) == 3
    assert run(tmp_path, splice(parse(text), paths), link=link) == run(tmp_path, text, link=link)


def test_program_prints_the_same_with_the_cpu_byte_masked(tmp_path: Path) -> None:
    text = compiled(tmp_path)
    paths = tuple(
        FastPath(region, KEY, widen(region, "avx512"), "avx512") for region in regions_of(text)
    )
    spliced = splice(parse(text), paths)
    assert run(tmp_path, spliced, "masked") == run(tmp_path, text)
    assert run(tmp_path, spliced, "masked", "print") == "0\n"


def test_every_line_of_gcc_is_still_there_in_order(tmp_path: Path) -> None:
    text = compiled(tmp_path, "-g")
    (region, *_) = regions_of(text)
    spliced = splice(parse(text), (FastPath(region, KEY, widen(region, "avx2"), "avx2"),))
    rest = iter(spliced.split("\n"))
    missing = [line for line in text.rstrip("\n").split("\n") if line not in rest]
    assert missing == []
    subprocess.run(["as", "-o", "/dev/null", "-"], input=spliced.encode(), check=True)


def test_back_edges_do_not_enter_the_fast_path(tmp_path: Path) -> None:
    text = compiled(tmp_path)
    for region in regions_of(text):
        spliced = splice(parse(text), (FastPath(region, KEY, "\tjmp\t.LH\n", "avx2"),))
        head = region.placement.head_label
        assert spliced.count(f"\t{head}\n") == text.count(f"\t{head}\n") + 1  # the guard's jump
