"""The checker finds what is wrong, and nothing in what is right."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from llmcc.ctl.bench_check import check_kernels
from llmcc.ctl.bench_driver import Driver, Verdict
from llmcc.ctl.bench_kernels import Kernel

SUM = Kernel("sum", "reduction", "u32", "a", "0..99", k=0, hit="", edges="yes")
COPY = Kernel("copy", "map", "u16", "a>out", "0..99", k=0, hit="", edges="yes")
FIND = Kernel("find", "search", "u8", "a", "1..99", k=0, hit="0", edges="end")
HEAD = """
#include <stddef.h>
#include <stdint.h>
uint64_t k_{name}(const void *a, const void *b, void *out, size_t n, int64_t k)
"""
SUM_RIGHT = (
    "{ const uint32_t *p = a; uint32_t s = 0; for (size_t i = 0; i < n; i++) s += p[i]; return s; }"
)
COPY_RIGHT = """{ const uint16_t *p = a; uint16_t *q = out;
for (size_t i = 0; i < n; i++) q[i] = p[i] + 1; return 0; }"""
FIND_RIGHT = "{ const char *p = a; while (*p) p++; return p - (const char *)a; }"


def _library(name: str, body: str, file: Path, *flags: str) -> Path:
    source = file.with_suffix(".c")
    source.write_text(HEAD.format(name=name) + body)
    subprocess.run(["gcc", "-O1", *flags, "-shared", "-fPIC", source, "-o", file], check=True)
    return file


def _verdicts(kernel: Kernel, right: str, wrong: str, driver: Driver, folder: Path) -> set[Verdict]:
    libraries = [
        ("reference", _library(kernel.name, right, folder / "right.so")),
        ("same", _library(kernel.name, right, folder / "same.so", "-O3")),
        ("wrong", _library(kernel.name, wrong, folder / "wrong.so")),
    ]
    report = check_kernels([kernel], driver, libraries, cases_per_n=2, seed=5)
    assert report.case_count > 600
    assert {result.variant for result in report.wrong} <= {"wrong"}
    return {result.verdict for result in report.wrong}


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        pytest.param(
            SUM_RIGHT.replace("i < n", "i + 1 < n"), Verdict.WRONG_ANSWER, id="misses-the-last"
        ),
        pytest.param(
            SUM_RIGHT.replace("return s", "return n == 257 ? s + 1 : s"),
            Verdict.WRONG_ANSWER,
            id="wrong-at-one-length",
        ),
        pytest.param(
            SUM_RIGHT.replace("return s", "volatile uint32_t x = p[n]; return s + 0 * x"),
            Verdict.CRASHED,
            id="reads-one-beyond",
        ),
        pytest.param(
            SUM_RIGHT.replace("return s", "((volatile char *)a)[0] = 0; return s"),
            Verdict.CRASHED,
            id="writes-what-it-may-only-read",
        ),
        pytest.param("{ __builtin_trap(); }", Verdict.CRASHED, id="traps"),
    ],
)
def test_finds_a_wrong_reduction(
    body: str, verdict: Verdict, driver: Driver, tmp_path: Path
) -> None:
    assert _verdicts(SUM, SUM_RIGHT, body, driver, tmp_path) == {verdict}


def test_finds_a_write_beyond_the_end(driver: Driver, tmp_path: Path) -> None:
    beyond = COPY_RIGHT.replace("return 0", "q[n] ^= 1; return 0")
    assert _verdicts(COPY, COPY_RIGHT, beyond, driver, tmp_path) & {
        Verdict.WRONG_MEMORY,
        Verdict.CRASHED,
    }


def test_finds_a_map_that_is_wrong_only_for_overlapping_arrays(
    driver: Driver, tmp_path: Path
) -> None:
    wide = """{ const uint16_t *restrict p = a; uint16_t *restrict q = out; size_t i = 0;
    for (; i + 8 <= n; i += 8) { uint16_t t[8]; for (int j = 0; j < 8; j++) t[j] = p[i + j];
    for (int j = 0; j < 8; j++) q[i + j] = t[j] + 1; }
    for (; i < n; i++) q[i] = p[i] + 1; return 0; }"""
    assert _verdicts(COPY, COPY_RIGHT, wide, driver, tmp_path) == {Verdict.WRONG_MEMORY}


def test_finds_a_search_that_reads_a_block_beyond_its_end(driver: Driver, tmp_path: Path) -> None:
    eager = """{ const char *p = a; volatile char last = 0;
    for (;;) { last = p[7]; for (int i = 0; i < 8; i++) if (!p[i]) return p + i - (const char *)a;
    p += 8; } }"""
    assert _verdicts(FIND, FIND_RIGHT, eager, driver, tmp_path) == {Verdict.CRASHED}


def test_a_case_names_what_replays_it(driver: Driver, tmp_path: Path) -> None:
    libraries = [
        ("reference", _library("sum", SUM_RIGHT, tmp_path / "right.so")),
        ("wrong", _library("sum", "{ return 1; }", tmp_path / "wrong.so")),
    ]
    first, again = (
        check_kernels([SUM], driver, libraries, cases_per_n=1, seed=9).wrong for _ in range(2)
    )
    assert first == again
    assert first[0].seed == 9
