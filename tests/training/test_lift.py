"""Loops that are lifted and compiled anew pass llmcc's own gate and battery."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from llmcc.asm.parse import parse
from llmcc.gate.check import Gated, check
from llmcc.propose import Proposal
from llmcc.regions.find import find_regions
from llmcc.regions.model import Region
from llmcc.sandbox.runner import Sandbox
from llmcc.training.lift.recompile import lifted_rewrites
from llmcc.verify.verify import Verified, verify

_LOOPS = {
    "sum": "int f(const int *a, long n) { int s = 0; for (long i = 0; i < n; i++) s += a[i];"
    " return s; }",
    "bytes": "unsigned f(const unsigned char *a, long n) { unsigned s = 0;"
    " for (long i = 0; i < n; i++) s += a[i]; return s; }",
    "count": "int f(const int *a, long n, int t) { int s = 0;"
    " for (long i = 0; i < n; i++) s += a[i] < t; return s; }",
    "map": "void f(int *a, const int *b, long n) { for (long i = 0; i < n; i++) a[i] = b[i] * 3; }",
    "conditional": "void f(int *a, const int *b, long n) {"
    " for (long i = 0; i < n; i++) if (b[i] > 0) a[i] = b[i]; }",
}


def _region(folder: Path, source: str) -> Region:
    (folder / "unit.c").write_text(source)
    subprocess.run(["gcc", "-O2", "-fno-tree-vectorize", "-S", "unit.c"], check=True, cwd=folder)
    (region,) = find_regions(parse((folder / "unit.s").read_text()))
    assert isinstance(region, Region)
    return region


@pytest.mark.skipif(shutil.which("clang") is None, reason="clang is not installed")
@pytest.mark.parametrize("name", _LOOPS)
def test_a_recompiled_loop_passes_gate_and_battery(tmp_path: Path, name: str) -> None:
    region = _region(tmp_path, _LOOPS[name])
    texts = [text for _, text in lifted_rewrites(region, "avx2")]
    gated = [g for g in check(region, [Proposal(t, "avx2", 0.0, "") for t in texts])]
    with Sandbox() as sandbox:
        if "avx2" not in sandbox.features():
            pytest.skip("this CPU has no avx2")
        answers = [
            verify(region, g, sandbox=sandbox, seed=3, quick=True)
            for g in gated
            if isinstance(g, Gated)
        ]
    assert any(isinstance(answer, Verified) for answer in answers)


@pytest.mark.skipif(shutil.which("clang") is None, reason="clang is not installed")
def test_a_loop_with_two_ways_out_is_left_alone(tmp_path: Path) -> None:
    source = "long f(const int *a, long n) { long i = 0; for (; i < n; i++) if (!a[i]) break;"
    region = _region(tmp_path, source + " return i; }")
    assert list(lifted_rewrites(region, "avx2")) == []
