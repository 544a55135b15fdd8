"""Programs whose store holds right fast paths and planted wrong ones.

The wrong ones do no harm but to the result: they add 1 when the array begins with 77.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from llmcc.outcome import Outcome
from llmcc.regions.model import Region
from llmcc.store.records import LoopRecord, RegionDecision
from llmcc.training.experts import is_packed
from llmcc.training.widen import widen
from tests.interception.conftest import Compiler
from tests.torture.untimed import fill_store, plain_config

MAIN = """\
#include <stdio.h>
#define F(name) unsigned name(const int *, int);
LIST
#undef F
#define F(name) printf("%u\\n", name(a, n));
static int a[1000];
int main(void) { int n = 0; while (n < 1000 && scanf("%d", a + n) == 1) n++; LIST return 0; }
"""
GOOD_INPUT = "5 77 3 2 1 9 8 7 6 5 4 3 2 1 0 1 2 3\n"
BAD_INPUT = "77 5 3 2 1 9 8 7 6 5 4 3 2 1 0 1 2 3\n"


def function(name: str) -> str:
    """Return the C text of a function; each name has another loop, right_… ones are vectorised."""
    number = 2 * sum(map(ord, name)) + 1  # odd: products forget nothing
    step = f"s += a[i] ^ {number}" if name.startswith("right") else f"s = (s ^ a[i]) * {number}"
    return (
        f"unsigned {name}(const int *a, int n)\n"
        f"{{ unsigned s = 1; for (int i = 0; i < n; i++) {step}; return s; }}\n"
    )


def main_of(names: Sequence[str]) -> str:
    """Return the C text of a main that prints what each function makes of its input."""
    return MAIN.replace("LIST", " ".join(f"F({name})" for name in names))


@dataclass(frozen=True)
class Planter:
    """Accepts the right or the planted rewrite, by the function's name."""

    def rewrite(self, region: Region, function_text: str) -> RegionDecision:
        return RegionDecision(
            Outcome.ACCEPTED, isa="avx2", rewrite=_rewrite(region), backend="planter"
        )


def _rewrite(region: Region) -> str:
    if "right" in region.function:
        return widen(region, "avx2") if is_packed(region) else "\tnop\n\tjmp\t.LH\n"
    if "endless" in region.function:
        return ".LR0:\n\tjmp\t.LR0\n"
    (accumulator,) = region.contract.accumulators
    narrow = accumulator.replace("r", "e", 1)
    pointer = region.contract.inductions[0].register
    return f"\tcmpl\t$77, (%{pointer})\n\tjne\t.LH\n\taddl\t$1, %{narrow}\n\tjmp\t.LH\n"


def plant(compiler: Compiler, source: str, *flags: str) -> tuple[LoopRecord, ...]:
    """Fill the store for one source file of the compiler's folder."""
    arguments = ["-O3", *flags, "-c", source]
    config = plain_config(compiler.cache)
    return fill_store(Planter(), arguments, folder=compiler.folder, config=config).records


def write_program(compiler: Compiler, names: Sequence[str], *flags: str) -> None:
    """Write `main.c` and `loops.c` with these functions, plant rewrites, write two tests."""
    (compiler.folder / "main.c").write_text(main_of(names))
    (compiler.folder / "loops.c").write_text("".join(map(function, names)))
    records = [*plant(compiler, "loops.c", *flags), *plant(compiler, "main.c", *flags)]
    accepted = [r.function for r in records if r.decision.outcome is Outcome.ACCEPTED]
    assert set(accepted) == set(names)
    write_tests(compiler, names)


def write_tests(compiler: Compiler, names: Sequence[str]) -> Path:
    """Make the folder `tests`; what is expected comes from a program without fast paths."""
    folder = compiler.folder / "tests"
    folder.mkdir()
    compiler.gcc(["-O1", "-x", "c", "-", "-o", "tests/reference"], stdin=_whole(names))
    for name, given in (("1", GOOD_INPUT), ("2", BAD_INPUT)):
        (folder / f"{name}.in").write_text(given)
        (folder / f"{name}.out").write_bytes(run(folder / "reference", given))
    (folder / "reference").unlink()
    return folder


def _whole(names: Sequence[str]) -> bytes:
    return ("".join(map(function, names)) + main_of(names)).encode()


def run(program: Path, given: str) -> bytes:
    """Return what a program prints."""
    return subprocess.run([program], input=given.encode(), capture_output=True, check=True).stdout
