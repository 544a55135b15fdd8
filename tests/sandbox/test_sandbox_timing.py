"""Timed runs: shape, order, and what happens to blobs that do not behave."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from llmcc.sandbox.model import ARENA_BASE, FAULT, NOT_RUN, STUCK, TRAP
from llmcc.sandbox.runner import TimedRunFailed

SIZES = {"placements": 3, "rounds": 4, "runs_per_block": 10, "seed": 5}


@pytest.fixture
def pool(make_states):
    states = make_states(256)
    return replace(states, memory=states.memory[:1])


def test_every_block_has_its_time_and_the_first_blob_comes_first(sandbox, make_blob, pool):
    long_loop = make_blob("movl $3000, %eax\n.Lloop: decl %eax\njnz .Lloop")
    timed = sandbox.time(long_loop, make_blob(""), pool, **SIZES)
    assert timed.ticks.shape == (3, 4, 2)
    assert timed.runs_per_block == 10
    assert 0.1 < timed.ticks_per_ns < 10
    assert (np.median(timed.ticks[..., 0], axis=1) > np.median(timed.ticks[..., 1], axis=1)).all()


def test_each_run_starts_from_the_next_input_of_the_pool(sandbox, make_blob, pool):
    # faults unless the registers and vectors are those of one input of the pool
    pool.gpr[:, 0] = np.arange(256)
    pool.vector[:, 15, :8] = np.arange(256, dtype=np.uint64).view(np.uint8).reshape(256, 8)
    pool.gpr[:, 7] = pool.gpr[:, 0] * np.uint64(3)
    checks = """
        movq %xmm15, %rcx
        cmpq %rcx, %rax
        jne .Lbad
        leaq (%rax,%rax,2), %rcx
        cmpq %rcx, %rdi
        je .LX0
    .Lbad: ud2
    """
    sandbox.time(make_blob(checks), make_blob(checks), pool, **(SIZES | {"runs_per_block": 700}))


def test_arenas_are_restored_before_each_block(sandbox, make_blob, pool):
    pool.memory[...] = 0
    pool.gpr[:, 6] = ARENA_BASE
    # the eleventh run in one block would trap
    counts = "incl (%rsi)\ncmpl $10, (%rsi)\njbe .LX0\nud2"
    sandbox.time(make_blob(counts), make_blob(counts), pool, **SIZES)
    with pytest.raises(TimedRunFailed):
        sandbox.time(make_blob(counts), make_blob(counts), pool, **(SIZES | {"runs_per_block": 11}))


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("movl 0, %eax", FAULT),
        ("ud2", TRAP),
        (".Lloop: jmp .Lloop", STUCK),
    ],
)
@pytest.mark.parametrize("version", [0, 1])
def test_a_blob_that_does_not_come_to_its_exit_is_named(
    sandbox, make_blob, pool, text, end, version
):
    blobs = [make_blob(""), make_blob("")]
    blobs[version] = make_blob(text)
    with pytest.raises(TimedRunFailed) as caught:
        sandbox.time(*blobs, pool, **SIZES)
    assert caught.value.end == end
    assert caught.value.version == version


@pytest.mark.parametrize("number", [39, 231])
def test_a_system_call_while_timed_gives_no_times(sandbox, make_blob, pool, number):
    leaves = make_blob(f"movl ${number}, %eax\nxorl %edi, %edi\nsyscall")
    with pytest.raises(TimedRunFailed) as caught:
        sandbox.time(make_blob(""), leaves, pool, **SIZES)
    assert caught.value.end == NOT_RUN
