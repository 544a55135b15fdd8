"""Single steps: the machine in front of every instruction, and no more than there is room for."""

from __future__ import annotations

import numpy as np
import pytest

from llmcc.sandbox.model import ARENA_BASE, FAULT, STUCK, TRAP


def test_every_instruction_of_every_run_is_a_step(sandbox, make_blob, make_states):
    states = make_states(3)
    states.gpr[:, 1] = (1, 2, 3)
    # 2 bytes, then the loop of 3 + 2 bytes, then the exit stub of two instructions
    blob = make_blob("movl %ecx, %eax\n.Lloop: decl %eax\njnz .Lloop")
    steps = sandbox.trace(blob, states, steps_most=100)
    assert list(steps.exit_id) == [0, 0, 0]
    assert list(np.diff(steps.ends, prepend=np.uint64(0))) == [5, 7, 9]
    assert list(steps.offset[:4]) == [0, 2, 4, 6]
    assert list(steps.gpr[5:12, 0] & np.uint64(0xFFFFFFFF))[1:] == [2, 1, 1, 0, 0, 0]


def test_a_step_shows_the_machine_before_its_instruction(sandbox, make_blob, make_states):
    states = make_states(2)
    steps = sandbox.trace(make_blob("xorl %ecx, %ecx"), states, steps_most=10)
    np.testing.assert_array_equal(steps.gpr[0], states.gpr[0])
    assert steps.gpr[1, 1] == 0
    if "avx2" in sandbox.features():
        np.testing.assert_array_equal(steps.vector[0], states.vector[0, :16, :32])
    if "avx512" in sandbox.features():
        np.testing.assert_array_equal(steps.mask[0], states.mask[0])


def test_a_run_without_room_for_its_steps_is_stuck(sandbox, make_blob, make_states):
    steps = sandbox.trace(make_blob(".Lloop: jmp .Lloop"), make_states(2), steps_most=50)
    assert list(steps.exit_id) == [STUCK, STUCK]
    assert len(steps.offset) == 50


@pytest.mark.parametrize(("text", "end"), [("movb (%rsi), %al", FAULT), ("ud2", TRAP)])
def test_a_traced_run_that_dies_does_not_end_the_others(sandbox, make_blob, make_states, text, end):
    states = make_states(2)
    states.gpr[:, 6] = (8, ARENA_BASE)
    steps = sandbox.trace(make_blob(text), states, steps_most=20)
    assert steps.exit_id[0] == end
    assert list(np.flatnonzero(steps.offset == 0)) == [0, 1]


def test_tracing_changes_nothing_of_what_is_computed(sandbox, make_blob, make_states):
    states = make_states(5)
    blob = make_blob("addq %rdx, %rax")
    ran = sandbox.run(blob, states)
    steps = sandbox.trace(blob, states, steps_most=50)
    assert (steps.exit_id == ran.exit_id).all()
    np.testing.assert_array_equal(
        steps.gpr[np.arange(5) * 3 + 1, 0], states.gpr[:, 0] + states.gpr[:, 2]
    )
