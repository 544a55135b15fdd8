"""`llmcc-ctl` in this process, and stores that hold something to tell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from llmcc.ctl.main import main
from llmcc.outcome import Outcome
from llmcc.pipeline import store_result, unit_record
from llmcc.store.records import LoopRecord, RegionDecision, SpeedupInterval
from llmcc.store.unit_records import UnitRecord, UnitRecords
from llmcc.store.units import UnitStore
from llmcc.toolchain import find_gcc, run_gcc
from tests.interception.planted import Planter, function
from tests.torture.untimed import fill_store, plain_config

EVIDENCE = {
    "states": 10864,
    "mutation_score": 0.97,
    "tiny_speedup_ratio": 0.95,
    "tiny_baseline_ns": 8.0,
    "large_speedup_ratio": 3.0,
    "large_low_ratio": 2.9,
    "large_high_ratio": 3.1,
    "large_baseline_ns": 1200.0,
    "seconds": 2.5,
}
LOOP = ".LH:\n\taddl\t(%rdi), %eax\n\taddq\t$4, %rdi\n\tcmpq\t%rsi, %rdi\n\tjne\t.LH\n\tjmp\t.LX0\n"
REWRITE = ".LR0:\n\tvpaddd\t(%rdi), %ymm0, %ymm0\n\tjb\t.LR0\n\tjmp\t.LH\n"
ACCEPTED = RegionDecision(
    Outcome.ACCEPTED,
    isa="avx2",
    rewrite=REWRITE,
    speedup=SpeedupInterval(2.0, 1.5, 2.5),
    evidence=EVIDENCE,
    level="bounded(24)",
    level_detail="why it holds",
)


def run(*arguments: str) -> str:
    """Return what a command prints; it must succeed."""
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def failing(*arguments: str) -> str:
    """Return what a command prints that must end with an error message."""
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code in (1, 2), result.output
    return result.output


def loop(outcome: Outcome, *, name: str = "f", detail: str = "") -> LoopRecord:
    return LoopRecord(name, ".L2", LOOP, RegionDecision(outcome, detail=detail))


def unit(*loops: LoopRecord, name: str = "a.c", folder: Path, finished_s: float) -> UnitRecord:
    """A record of a unit whose key is made from its name and time."""
    return UnitRecord(
        key=f"{abs(hash((name, folder, finished_s))):064x}",
        name=name,
        folder=str(folder),
        command=("gcc", "-O3", "-c", name),
        finished_s=finished_s,
        seconds=2.0,
        loops=loops,
    )


@pytest.fixture
def build(own_cache: Path, tmp_path: Path) -> Path:
    """A store that knows an old build of one unit and a later one of two; their folder."""
    records = UnitRecords(own_cache)
    records.put(unit(loop(Outcome.TOO_LONG), name="old.c", folder=tmp_path, finished_s=100.0))
    loops = (
        LoopRecord("sum", ".L3", LOOP, ACCEPTED),
        LoopRecord("top", ".L5", LOOP, replace(ACCEPTED, speedup=SpeedupInterval(8.0, 6.0, 10.0))),
        loop(Outcome.NOT_FASTER, name="slow", detail="1.00 to 1.01"),
    )
    records.put(unit(*loops, name="a.c", folder=tmp_path, finished_s=1000.0))
    records.put(unit(loop(Outcome.HAS_CALL), name="b.c", folder=tmp_path, finished_s=1050.0))
    return tmp_path


@pytest.fixture
def planted(own_cache: Path, tmp_path: Path) -> UnitRecord:
    """A source that gcc compiled, with right fast paths in the store, as llmcc leaves it."""
    source = tmp_path / "loops.c"
    source.write_text(function("right_one") + function("right_two") + function("other"))
    arguments = ["-O3", "-c", "loops.c"]
    result = fill_store(Planter(), arguments, folder=tmp_path, config=plain_config(own_cache))
    gcc = str(find_gcc())
    text = run_gcc([gcc, *arguments, "-S", "-o", "-"], cwd=tmp_path, timeout_s=20).stdout
    blank = unit_record("ab" * 32, text.decode("latin-1"), None, result, seconds=1.0)
    record = replace(blank, folder=str(tmp_path), command=(gcc, *arguments))
    store_result(record.key, result, UnitStore(own_cache))
    UnitRecords(own_cache).put(record)
    return record
