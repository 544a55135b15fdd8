"""Identical code is not accepted, faster code is, and blobs that fail are refused by name."""

from __future__ import annotations

import json

import numpy as np
import pytest

from llmcc.decide import decide
from llmcc.measure import machine as machine_module
from llmcc.measure.eprocess import Verdict
from llmcc.measure.machine import Machine, TimingBusy, known_machine, timing_lock
from llmcc.measure.model import Measured
from llmcc.measure.paired import pair, ratio_interval
from llmcc.measure.rounds import measure
from llmcc.outcome import Outcome, Refusal
from llmcc.sandbox.model import TimedRuns

SUM = """
    .LH: addl (%rdi), %eax
        addq $4, %rdi
        decq %rcx
        jnz .LH
"""
# two chains instead of one, two elements an iteration; gcc's loop does an odd rest
FASTER_SUM = f"""
        xorl %r8d, %r8d
    .LR0: cmpq $8, %rcx
        jb .LR1
        addl (%rdi), %eax
        addl 4(%rdi), %r8d
        addl 8(%rdi), %eax
        addl 12(%rdi), %r8d
        addl 16(%rdi), %eax
        addl 20(%rdi), %r8d
        addq $24, %rdi
        subq $6, %rcx
        jmp .LR0
    .LR1: addl %r8d, %eax
    {SUM}
"""


@pytest.fixture
def buckets(make_bucket):
    return [
        make_bucket("tiny", 1, 1),
        make_bucket("small", 1, 16),
        make_bucket("medium", 64, 512),
        make_bucket("large", 1000, 2000),
    ]


@pytest.mark.parametrize("seed", range(5))
def test_identical_code_is_not_accepted(sandbox, machine, make_blob, buckets, seed):
    blob = make_blob(SUM)
    measured = measure(blob, blob, buckets, sandbox=sandbox, seed=seed, machine=machine)
    assert isinstance(measured, Measured)
    assert decide(measured).outcome is Outcome.NOT_FASTER


def test_a_loop_twice_as_fast_is_accepted(sandbox, machine, make_blob, buckets):
    measured = measure(
        make_blob(SUM), make_blob(FASTER_SUM), buckets, sandbox=sandbox, seed=1, machine=machine
    )
    assert isinstance(measured, Measured)
    assert measured.verdict is Verdict.ACCEPT
    assert measured.e_value >= 200
    assert [bucket.name for bucket in measured.buckets] == ["tiny", "small", "medium", "large"]
    large = measured.buckets[-1]
    assert large.low_ratio <= large.speedup_ratio <= large.high_ratio
    assert large.low_ratio > 1.3
    assert large.loss_ns < 0
    assert not large.is_near_trampoline
    assert measured.buckets[0].is_near_trampoline
    assert measured.low_ratio > 1.2


def test_a_slower_rewrite_is_screened_out_at_once(sandbox, machine, make_blob, buckets):
    measured = measure(
        make_blob(FASTER_SUM), make_blob(SUM), buckets, sandbox=sandbox, seed=1, machine=machine
    )
    assert isinstance(measured, Measured)
    assert measured.e_value == 0.0
    assert [bucket.name for bucket in measured.buckets] == ["medium", "large"]
    assert decide(measured).outcome is Outcome.NOT_FASTER


def test_a_slow_start_is_slower_when_short(sandbox, machine, make_blob, buckets):
    slow_start = "movl $40, %edx\n.LR9: decl %edx\njnz .LR9\n" + FASTER_SUM
    measured = measure(
        make_blob(SUM), make_blob(slow_start), buckets, sandbox=sandbox, seed=1, machine=machine
    )
    assert isinstance(measured, Measured)
    assert decide(measured).outcome is Outcome.SLOWER_WHEN_SHORT


@pytest.mark.parametrize(
    ("text", "outcome"),
    [("ud2", Outcome.CRASHED), (".LR0: jmp .LR0", Outcome.TIMED_OUT)],
)
def test_a_rewrite_that_fails_while_timed_is_refused(
    sandbox, machine, make_blob, buckets, text, outcome
):
    refusal = measure(
        make_blob(SUM), make_blob(text), buckets, sandbox=sandbox, seed=1, machine=machine
    )
    assert isinstance(refusal, Refusal)
    assert refusal.outcome is outcome


def test_ticks_become_medians_of_each_placement():
    ticks = np.array([[[200.0, 100.0], [200.0, 100.0], [9000.0, 100.0]]])
    paired = pair(TimedRuns(ticks, runs_per_block=10, ticks_per_ns=2.0))
    assert paired.log_ratios[0] == pytest.approx(np.log(2.0))
    assert paired.baseline_ns[0] == 10.0
    assert paired.rewrite_ns[0] == 5.0
    assert paired.loss_ns[0] == -5.0


def test_an_interval_of_equal_placements_is_a_point():
    low, high = ratio_interval(np.full(10, np.log(1.5)), statistic="median", seed=1)
    assert low == pytest.approx(1.5)
    assert high == pytest.approx(1.5)


def test_only_one_process_times_at_once(tmp_path):
    with (
        timing_lock(tmp_path / "lock"),
        pytest.raises(TimingBusy),
        timing_lock(tmp_path / "lock", timeout_s=0.0),
    ):
        pass


def test_a_calibration_is_stored_and_found_again(sandbox, monkeypatch):
    made = Machine(theta=0.04, bias=0.001, accepts=0)
    monkeypatch.setattr(machine_module, "calibrate", lambda sandbox, *, seed: made)
    assert known_machine(sandbox) == made
    monkeypatch.setattr(machine_module, "calibrate", None)
    assert known_machine(sandbox) == made
    (path,) = (sandbox.cache / "timing").iterdir()
    assert json.loads(path.read_text())["cpu"].keys() >= {"model name", "microcode"}


def test_calibration_ends_with_a_machine_or_says_too_noisy(sandbox):
    found = machine_module.calibrate(sandbox, seed=1)
    if isinstance(found, Refusal):
        assert found.outcome is Outcome.MACHINE_TOO_NOISY
    else:
        assert found.theta in (0.02, 0.04)
        assert found.accepts == 0


def test_a_biased_machine_is_too_noisy(sandbox, monkeypatch):
    biased = np.random.default_rng(1).normal(0.01, 0.001, 48)
    monkeypatch.setattr(machine_module, "_same_code", lambda *_: biased)
    found = machine_module.calibrate(sandbox, seed=1)
    assert isinstance(found, Refusal)
    assert found.outcome is Outcome.MACHINE_TOO_NOISY


def test_a_lock_that_cannot_be_opened_stops_timing(tmp_path):
    with pytest.raises(TimingBusy, match="cannot be taken"), timing_lock(tmp_path):
        pass


def test_the_lock_is_everybodys(tmp_path):
    with timing_lock(tmp_path / "lock"):
        assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o666
