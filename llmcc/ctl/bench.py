"""`llmcc-ctl bench`: the example kernels, built by gcc, clang and llmcc, timed and checked."""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from llmcc import __version__
from llmcc.ctl.bench_build import (
    COMPILERS,
    Built,
    Roster,
    build,
    build_driver,
    reference,
    roster,
)
from llmcc.ctl.bench_check import CheckReport, check_kernels
from llmcc.ctl.bench_driver import Driver
from llmcc.ctl.bench_kernels import Kernel, read_table
from llmcc.ctl.bench_report import Summary, print_check, print_summary, summarize, to_json
from llmcc.ctl.bench_time import time_kernels

_HERE = Path(__file__).parent
_EXAMPLES = Path("examples/kernels")


@dataclass(frozen=True, slots=True)
class BenchSettings:
    """What a run of the bench is asked to do."""

    kernels: Path  # folder with kernels.csv and the C files
    n: int  # elements per call
    rounds: int  # measurements of each variant at each placement
    placements: int
    compilers: tuple[str, ...]
    cases_per_n: int
    only: str  # substring of the kernels' names; "" means all
    seed: int


@dataclass(frozen=True, slots=True)
class BenchRun:
    """What a run of the bench found."""

    roster: Roster
    check: CheckReport | None
    summary: Summary | None


@click.command("bench")
@click.option(
    "--kernels",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=None,
    help="Folder with kernels.csv and the C files.  [default: examples/kernels]",
)
@click.option("--n", default=3000, show_default=True, help="Elements per call.")
@click.option("--rounds", default=12, show_default=True, help="Measurements at each placement.")
@click.option("--placements", default=16, show_default=True, help="Places the code is linked at.")
@click.option(
    "--compilers",
    default=",".join(COMPILERS),
    show_default=True,
    help="Columns, separated by commas.",
)
@click.option("--only", default="", help="Only kernels whose name holds this text.")
@click.option("--check", "is_check_only", is_flag=True, help="Compare results, do not time.")
@click.option("--no-check", "is_time_only", is_flag=True, help="Time, do not compare results.")
@click.option("--cases", default=3, show_default=True, help="Checked states for each n up to 300.")
@click.option("--seed", default=1, show_default=True, help="Seed of every random choice.")
@click.option(
    "--json",
    "json_path",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="Write all figures to this file.",
)
def bench(
    kernels: Path | None,
    n: int,
    rounds: int,
    placements: int,
    compilers: str,
    only: str,
    is_check_only: bool,
    is_time_only: bool,
    cases: int,
    seed: int,
    json_path: Path | None,
) -> None:
    """Time and check the example kernels, compiler by compiler.

    Exits with 1 when any variant gave a wrong result.
    """
    settings = BenchSettings(
        kernels=_kernels_folder(kernels),
        n=n,
        rounds=rounds,
        placements=placements,
        compilers=_columns(compilers),
        cases_per_n=cases,
        only=only,
        seed=seed,
    )
    console = Console(width=None if sys.stdout.isatty() else 120)
    run = run_bench(settings, is_checked=not is_time_only, is_timed=not is_check_only)
    for note in run.roster.notes:
        console.print(f"note: {note}")
    if run.summary is not None:
        print_summary(run.summary, console)
    if run.check is not None:
        print_check(run.check, console)
    if json_path is not None:
        _write_json(json_path, run, settings)
    if run.check is not None and run.check.wrong:
        raise SystemExit(1)


def run_bench(settings: BenchSettings, *, is_checked: bool, is_timed: bool) -> BenchRun:
    """Build every variant, then check and time them.

    Raises:
        BuildFailed: a compiler that is there could not build the kernels.
    """
    sources = sorted([*settings.kernels.glob("*.c"), *settings.kernels.glob("*.h")])
    kernels = [k for k in read_table(settings.kernels) if settings.only in k.name]
    if not kernels:
        raise click.UsageError(f"no kernel's name holds {settings.only!r}")
    columns = roster(settings.compilers)
    with tempfile.TemporaryDirectory(prefix="llmcc-bench-") as name:
        folder = Path(name)
        driver = Driver(build_driver(_HERE / "bench_driver.c", into=folder))
        places = settings.placements if is_timed else 1
        built = [
            build(variant, sources, into=folder, placements=places, seed=settings.seed)
            for variant in columns.variants
        ]
        check = _check(kernels, driver, built, settings, folder) if is_checked else None
        summary = _time(kernels, driver, built, settings) if is_timed else None
    return BenchRun(columns, check, summary)


def _check(
    kernels: list[Kernel],
    driver: Driver,
    built: list[Built],
    settings: BenchSettings,
    folder: Path,
) -> CheckReport:
    sources = sorted([*settings.kernels.glob("*.c"), *settings.kernels.glob("*.h")])
    oracle = build(reference(), sources, into=folder, placements=1, seed=settings.seed)
    libraries = [(b.variant.name, b.libraries[0]) for b in (oracle, *built)]
    libraries += [(f"{b.variant.name} masked", b.masked) for b in built if b.masked is not None]
    return check_kernels(
        kernels, driver, libraries, cases_per_n=settings.cases_per_n, seed=settings.seed
    )


def _time(
    kernels: list[Kernel], driver: Driver, built: list[Built], settings: BenchSettings
) -> Summary:
    places = [[b.libraries[i] for b in built] for i in range(settings.placements)]
    times = time_kernels(
        kernels, driver, places, n=settings.n, rounds=settings.rounds, seed=settings.seed
    )
    return summarize(times, [b.variant.name for b in built], seed=settings.seed)


def _kernels_folder(given: Path | None) -> Path:
    """The folder asked for, or examples/kernels here or in llmcc's own checkout."""
    checkout = _HERE.parents[1] / _EXAMPLES
    for folder in [given] if given else [_EXAMPLES, checkout]:
        if folder and (folder / "kernels.csv").exists():
            return folder
    raise click.UsageError("there is no kernels.csv. Name its folder with --kernels")


def _columns(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if unknown := set(names) - set(COMPILERS):
        raise click.UsageError(
            f"unknown compilers: {', '.join(sorted(unknown))}. Known: {', '.join(COMPILERS)}"
        )
    return names


def _write_json(path: Path, run: BenchRun, settings: BenchSettings) -> None:
    record = to_json(
        run.summary,
        run.check,
        run.roster.variants,
        settings={
            "n": settings.n,
            "rounds_per_placement": settings.rounds,
            "placements": settings.placements,
            "cases_per_n": settings.cases_per_n,
            "seed": settings.seed,
            "only": settings.only,
        },
        machine=_machine(),
    )
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(record, indent=1) + "\n")
    partial.replace(path)


def _machine() -> dict[str, Any]:
    cpu = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "cpu": cpu[0] if cpu else "unknown",
        "cpu_count": str(os.cpu_count()),
        "system": platform.platform(),
        "load_average": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "command": shlex.join(sys.argv),
        "llmcc": __version__,
    }


if __name__ == "__main__":
    bench()
