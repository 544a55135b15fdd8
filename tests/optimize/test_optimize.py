"""Recorded units become fast paths in the next compile, however often a run is cut short."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from llmcc.optimize.run import Orders
from llmcc.outcome import Outcome
from llmcc.store.generation import read_generation
from llmcc.store.spool import Spool
from llmcc.store.unit_records import UnitRecords, count_outcomes
from tests.interception.conftest import Compiler
from tests.optimize.stand_in import run


def _record(compiler: Compiler, *names: str) -> None:
    """Record a unit for each name, with one loop in a function of that name."""
    for name in names:
        number = 2 * sum(map(ord, name)) + 1
        (compiler.folder / f"{name}.c").write_text(
            f"unsigned {name}(const int *a, int n)\n{{ unsigned s = 1;"
            f" for (int i = 0; i < n; i++) s = (s ^ a[i]) * {number}; return s; }}\n"
        )
        assert compiler.run(["-O3", "-c", f"{name}.c"]).returncode == 0


def _has_fast_path(compiler: Compiler, name: str) -> bool:
    compiler.run(["-O3", "-c", f"{name}.c"], LLMCC_MODE="apply")
    return b"llmcc_cpu" in (compiler.folder / f"{name}.o").read_bytes()


def _spooled(compiler: Compiler) -> list[str]:
    spool = Spool(compiler.cache)
    units = [spool.get(key) for key in spool.waiting()]
    return sorted(unit.argv[-1] for unit in units if unit is not None)


def test_the_next_compile_has_what_was_accepted_and_the_spool_is_empty(recorder: Compiler) -> None:
    _record(recorder, "one", "two", "no_luck")
    ending = run(jobs=2)
    assert ending.agenda.tried == 3
    assert [unit.is_kept for unit in ending.agenda.finished] == [False] * 3
    assert _spooled(recorder) == []
    made = [_has_fast_path(recorder, name) for name in ("one", "two", "no_luck")]
    assert made == [True, True, False]
    counts = count_outcomes(UnitRecords(recorder.cache).all())
    assert counts == {Outcome.ACCEPTED: 2, Outcome.NOT_FASTER: 1}


def test_the_store_is_of_another_generation_when_a_loop_was_accepted(recorder: Compiler) -> None:
    _record(recorder, "no_luck")
    run()
    before = read_generation(recorder.cache)
    _record(recorder, "one")
    run()
    assert read_generation(recorder.cache) == before + 1


def test_a_compile_in_mode_record_has_nothing_more_to_record(recorder: Compiler) -> None:
    _record(recorder, "one", "no_luck")
    run()
    _record(recorder, "one", "no_luck")
    assert _spooled(recorder) == []


def test_what_a_unit_was_compiled_with_counts_not_what_optimize_runs_with(
    recorder: Compiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = recorder.folder / "headers"
    headers.mkdir()
    (headers / "n.h").write_text("#define N 7\n")
    (recorder.folder / "a.c").write_text(
        '#include "n.h"\n'
        "int f(const int *a, int n) { for (int i = 0; i < n; i++) if (a[i] == N) return i;"
        " return -1; }\n"
    )
    environ = {"CPATH": str(headers), "LLMCC_SEED": "5"}
    assert recorder.run(["-O3", "-c", "a.c"], **environ).returncode == 0
    monkeypatch.setenv("LLMCC_SEED", "9")
    monkeypatch.chdir("/")
    run()
    recorder.run(["-O3", "-c", "a.c"], LLMCC_MODE="apply", **environ)
    assert b"llmcc_cpu" in (recorder.folder / "a.o").read_bytes()


def test_a_unit_whose_source_has_changed_is_left_out_and_says_so(recorder: Compiler) -> None:
    _record(recorder, "one")
    source = recorder.folder / "one.c"
    source.write_text(source.read_text().replace("s = 1", "s = 2"))
    ending = run()
    assert ending.agenda.tried == 0
    assert _spooled(recorder) == []
    (record,) = UnitRecords(recorder.cache).all()
    (loop,) = record.loops
    assert loop.decision.outcome is Outcome.MAY_BE_VOLATILE
    assert loop.decision.detail.endswith("a source has changed")


def test_a_source_that_has_become_volatile_gets_no_fast_path(recorder: Compiler) -> None:
    """The text stays the same: only gcc knows."""
    (recorder.folder / "a.c").write_text(
        "#define V\nint f(V const int *a, int n)"
        "{ for (int i = 0; i < n; i++) if (a[i] == 7) return i; return -1; }\n"
    )
    recorder.run(["-O3", "-c", "a.c"])
    source = recorder.folder / "a.c"
    source.write_text(source.read_text().replace("#define V\n", "#define V volatile\n"))
    assert run().agenda.tried == 0
    recorder.run(["-O3", "-c", "a.c"], LLMCC_MODE="apply")
    assert b"llmcc_cpu" not in (recorder.folder / "a.o").read_bytes()


def test_only_what_was_compiled_below_a_folder_is_optimised_if_told(
    recorder: Compiler, tmp_path: Path
) -> None:
    _record(recorder, "one")
    other = replace(recorder, folder=tmp_path / "other")
    other.folder.mkdir()
    _record(other, "two")
    ending = run(only=Orders(1, 60.0, {}, other.folder))
    assert ending.agenda.units == 1
    assert _spooled(recorder) == ["one.c"]


def test_without_time_nothing_is_tried_and_all_is_left(recorder: Compiler) -> None:
    _record(recorder, "one", "two")
    ending = run(budget_s=0.0)
    assert ending.agenda.tried == 0
    assert _spooled(recorder) == ["one.c", "two.c"]


def test_a_worker_that_dies_costs_its_loop_only(recorder: Compiler) -> None:
    _record(recorder, "fatal", "one")
    ending = run()
    assert ending.agenda.tried == 2
    assert _has_fast_path(recorder, "one")
    assert not _has_fast_path(recorder, "fatal")
    assert _spooled(recorder) == ["fatal.c"]


@contextmanager
def _started(compiler: Compiler) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run optimize in a process of its own; give it and what it tells."""
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.optimize.stand_in", str(writing)],
        cwd=Path(__file__).parents[2],
        env=compiler.environment(),
        pass_fds=(writing,),
        start_new_session=True,
    )
    os.close(writing)
    try:
        yield process, reading
    finally:
        process.kill()
        process.wait()
        os.close(reading)


def _read_until(reading: int, word: bytes) -> bytes:
    told = b""
    while word not in told:
        part = os.read(reading, 4096)
        assert part, told
        told += part
    return told


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_cut_short_leaves_no_process_and_the_next_goes_on(
    recorder: Compiler, number: signal.Signals
) -> None:
    # The longer loop is tried first; the other never ends.
    (recorder.folder / "half.c").write_text(
        "int half(const int *a, int n)"
        "{ for (int i = 0; i < n; i++) if (a[i] == 8 || a[i] == 99) return i; return -1; }\n"
        "int endless(const int *a, int n)"
        "{ for (int i = 0; i < n; i++) if (a[i] == 7) return i; return -1; }\n"
    )
    recorder.run(["-O3", "-c", "half.c"])
    with _started(recorder) as (process, reading):
        assert _read_until(reading, b"endless").split() == [b"half", b"endless"]
        process.send_signal(number)
        # The end of the pipe: no worker is left.
        while os.read(reading, 4096):
            pass
        assert process.wait() == (-number if number == signal.SIGKILL else 130)
    assert list(recorder.cache.rglob(".new-*")) == []
    # Ctrl-C leaves time to store what was accepted.
    assert _has_fast_path(recorder, "half") == (number != signal.SIGKILL)
    assert _spooled(recorder) == ["half.c"]
    assert run().agenda.tried == 1
    assert _spooled(recorder) == []
    outcomes = [
        loop.decision.outcome for r in UnitRecords(recorder.cache).all() for loop in r.loops
    ]
    assert outcomes == [Outcome.ACCEPTED, Outcome.ACCEPTED]


def test_the_command_sums_up_what_it_did(recorder: Compiler) -> None:
    (recorder.folder / "a.c").write_text("void g(int);\nvoid f(int n) { while (n--) g(n); }\n")
    recorder.run(["-O3", "-c", "a.c"])
    done = _command(recorder, "--json")
    assert json.loads(done.stdout)["outcomes"] == {"HAS_CALL": 1}
    again = _command(recorder)
    assert (again.returncode, again.stderr) == (0, b"")
    assert again.stdout.startswith(b"the spool is empty")


def _command(compiler: Compiler, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "llmcc.ctl.main", "optimize", "--jobs", "1", *arguments],
        env=compiler.environment(),
        capture_output=True,
        check=False,
    )
