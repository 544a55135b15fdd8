"""`llmcc-ctl overhead`: what a compile costs more than gcc's when llmcc has nothing left to do.

Two cases, each compiled by gcc, by gcc again (A/A) and by llmcc in turns of random order: a file in
which nothing can be rewritten, and a whole-unit hit in the store with fast paths to put in. The
second one's fast paths only jump to gcc's loop, so no model is needed to make them.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from llmcc.asm.parse import parse
from llmcc.ctl.bench_build import find_llmcc
from llmcc.eligibility import describe_source
from llmcc.errors import LlmccError
from llmcc.native.build import build
from llmcc.native.identity import generation
from llmcc.regions.find import find_regions
from llmcc.regions.model import Region
from llmcc.splice import FastPath, splice
from llmcc.store.keys import unit_key
from llmcc.store.units import UnitEntry, UnitStore
from llmcc.toolchain import find_gcc, run_gcc

TARGET_MS = 2.0
# Width of the interval of two gccs, above which the machine says nothing about the target.
_NOISE_MOST_MS = 1.0
_TIMEOUT_S = 120
_RESAMPLES = 2000
_SILENT = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in range(3)]
_NOTHING = "int twice(int x) { return 2 * x; }\n"
_LOOPS = """\
int sum(const int *a, int n) { int s = 0; for (int i = 0; i < n; i++) s += a[i]; return s; }
long find(const int *a, long n, int k)
{ for (long i = 0; i < n; i++) if (a[i] == k) return i; return -1; }
void flip(unsigned char *a, long n) { for (long i = 0; i < n; i++) a[i] ^= 0x20; }
"""


class NotServed(LlmccError):
    """The compile to be timed was not the one that was meant; times would say nothing."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How much longer than gcc a variant takes: median of paired differences, 95 % interval."""

    median_ms: float
    low_ms: float
    high_ms: float


@dataclass(frozen=True, slots=True)
class Case:
    """One file's compile times."""

    name: str
    median_ms: tuple[float, ...]  # of gcc, gcc again, llmcc
    again: Difference  # of the second gcc: what the differences are worth
    llmcc: Difference
    again_cpu: Difference  # the same in CPU time, which other load disturbs less
    llmcc_cpu: Difference


@click.command()
@click.option("--rounds", default=150, show_default=True, help="Compiles by each of the three.")
@click.option("--seed", default=1, show_default=True, help="Seed of the order of turns.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def overhead(rounds: int, seed: int, *, is_json: bool) -> None:
    """Time `gcc -O3 -c` against `llmcc -O3 -c` where llmcc has nothing left to do.

    The target is at most 2 ms more. Times are of starting a compile and waiting for its end.
    """
    llmcc = find_llmcc()
    if llmcc is None:
        raise click.ClickException("llmcc is not installed beside this python, nor in PATH")
    with tempfile.TemporaryDirectory(prefix="llmcc-overhead-") as name, contextlib.chdir(name):
        cases = measure_overhead(llmcc, Path(name), rounds=rounds, seed=seed)
    if is_json:
        click.echo(json.dumps([asdict(case) for case in cases], indent=1))
        return
    for case in cases:
        click.echo("\n".join(_lines(case)))
    click.echo(f"target: at most {TARGET_MS:g} ms more: {_verdict(cases)}; {rounds} rounds")


def measure_overhead(llmcc: Path, folder: Path, *, rounds: int, seed: int) -> tuple[Case, ...]:
    """Time both cases with a store of their own in `folder`, the working folder.

    Raises:
        NotServed: llmcc did not do what the case is about.
    """
    cache = folder / "cache"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("LLMCC_")}
    environ |= {"LLMCC_DIR": str(cache), "XDG_CONFIG_HOME": str(folder / "no-settings")}
    build(cache, entries=[llmcc])
    store = UnitStore(cache)
    rng = random.Random(seed)
    cases = []
    for name, source in (("nothing eligible", _NOTHING), ("hit with fast paths", _LOOPS)):
        case = _Compile(llmcc, folder, environ, source_name=f"{name.partition(' ')[0]}.c")
        (folder / case.source_name).write_text(source)
        text = case.unit()
        key = unit_key(
            text.encode("latin-1"),
            generation=generation(),
            command=[os.fsencode(word) for word in case.command(find_gcc())],
            folder=os.fsencode(folder),
        )
        if source is _LOOPS:
            sources = (describe_source(folder / case.source_name),)
            store.put(key, UnitEntry(_with_idle_fast_paths(text), sources))
        case.check(store, key, has_fast_paths=source is _LOOPS)
        cases.append(_summary(name, case.times_ms(rounds, rng), seed=seed))
    return tuple(cases)


@dataclass(frozen=True, slots=True)
class _Compile:
    """One file to compile."""

    llmcc: Path
    folder: Path
    environ: dict[str, str]
    source_name: str

    def command(self, compiler: Path) -> list[str]:
        return [str(compiler), "-O3", "-c", self.source_name, "-o", "out.o"]

    def unit(self) -> str:
        command = [str(find_gcc()), "-O3", self.source_name, "-S", "-o", "-"]
        return run_gcc(command, cwd=self.folder, timeout_s=_TIMEOUT_S).stdout.decode("latin-1")

    def run_ms(self, compiler: Path) -> tuple[float, float]:
        """Compile once; milliseconds from start to end, and of CPU time of all it started."""
        # Not by subprocess: its pipes and selectors take longer than what is measured.
        before_s = time.perf_counter()
        child = os.posix_spawnp(
            compiler, self.command(compiler), self.environ, file_actions=_SILENT
        )
        _, status, usage = os.wait4(child, 0)
        elapsed_ms = (time.perf_counter() - before_s) * 1000
        if status:
            raise NotServed(f"{compiler} failed: run it in {self.folder} to see why")
        return elapsed_ms, (usage.ru_utime + usage.ru_stime) * 1000

    def check(self, store: UnitStore, key: str, *, has_fast_paths: bool) -> None:
        """Compile with llmcc once, so that all is remembered, and see that it is."""
        self.run_ms(self.llmcc)
        entry = store.get(key)
        if entry is None or (entry.rewritten is None) is has_fast_paths:
            raise NotServed(f"llmcc did not remember {self.source_name}")
        if (b"llmcc_cpu" in (self.folder / "out.o").read_bytes()) is not has_fast_paths:
            raise NotServed(f"llmcc did not use what it remembers of {self.source_name}")

    def times_ms(self, rounds: int, rng: random.Random) -> NDArray[np.float64]:
        """Return milliseconds by the clock and of CPU time, (rounds, variants, 2)."""
        gcc = find_gcc()
        compilers = (gcc, gcc, self.llmcc)
        times = np.zeros((rounds, len(compilers), 2))
        for row in times:
            for at in rng.sample(range(len(compilers)), len(compilers)):
                row[at] = self.run_ms(compilers[at])
        return times


def _with_idle_fast_paths(text: str) -> str:
    unit = parse(text)
    regions = [region for region in find_regions(unit) if isinstance(region, Region)]
    if not regions:
        raise NotServed("no loop of the example was found in gcc's text")
    return splice(unit, [FastPath(region, "0" * 64, "\tjmp\t.LH\n", "avx2") for region in regions])


def _summary(name: str, times_ms: NDArray[np.float64], *, seed: int) -> Case:
    rng = np.random.default_rng(seed)
    medians = tuple(np.median(times_ms[:, :, 0], axis=0).tolist())
    more_ms = times_ms[:, 1:] - times_ms[:, :1]
    again, llmcc, again_cpu, llmcc_cpu = (
        _difference(more_ms[:, at, kind], rng) for kind in (0, 1) for at in (0, 1)
    )
    return Case(name, medians, again, llmcc, again_cpu, llmcc_cpu)


def _difference(paired_ms: NDArray[np.float64], rng: np.random.Generator) -> Difference:
    draws = rng.integers(len(paired_ms), size=(_RESAMPLES, len(paired_ms)))
    low, high = np.quantile(np.median(paired_ms[draws], axis=1), (0.025, 0.975))
    return Difference(float(np.median(paired_ms)), float(low), float(high))


def _lines(case: Case) -> Sequence[str]:
    gcc_ms, again_ms, llmcc_ms = case.median_ms
    return [
        f"{case.name}:",
        f"  gcc        {gcc_ms:8.2f} ms",
        f"  gcc again  {again_ms:8.2f} ms  {_more(case.again)}; CPU {_more(case.again_cpu)}",
        f"  llmcc      {llmcc_ms:8.2f} ms  {_more(case.llmcc)}; CPU {_more(case.llmcc_cpu)}",
    ]


def _verdict(cases: Sequence[Case]) -> str:
    if any(case.again.high_ms - case.again.low_ms > _NOISE_MOST_MS for case in cases):
        return "this machine is too busy to tell (see gcc again)"
    worst_ms = max(case.llmcc.median_ms for case in cases)
    return "met" if worst_ms <= TARGET_MS else "missed"


def _more(difference: Difference) -> str:
    return (
        f"{difference.median_ms:+.2f} ms "
        f"(between {difference.low_ms:+.2f} and {difference.high_ms:+.2f})"
    )
