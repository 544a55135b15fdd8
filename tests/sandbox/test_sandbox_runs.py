"""What goes in comes out, to the bit, and every way a run can end is told apart."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import numpy as np
import pytest

from llmcc.sandbox.model import (
    ARENA_BASE,
    ARENA_STRIDE,
    CONTROL_EXIT_ID,
    CONTROL_RETURN,
    COVERAGE_OFFSET,
    FAULT,
    NOT_RUN,
    STUCK,
    TRAP,
    Blob,
)

STATUS_FLAGS = np.uint64(0x8D5)


def test_a_blob_that_only_leaves_changes_no_register_flag_or_byte(sandbox, make_blob, make_states):
    states = make_states(50)
    ends = sandbox.run(make_blob("jmp .LX1"), states)
    assert (ends.exit_id == 1).all()
    assert ends.killed == 0
    np.testing.assert_array_equal(ends.gpr, states.gpr)
    np.testing.assert_array_equal(ends.rflags & STATUS_FLAGS, states.rflags)
    np.testing.assert_array_equal(ends.mxcsr, states.mxcsr)
    np.testing.assert_array_equal(ends.memory, states.memory)
    assert not ends.fault_address.any()
    features = sandbox.features()
    width = 64 if "avx512" in features else 32 if "avx2" in features else 16
    count = 32 if width == 64 else 16
    np.testing.assert_array_equal(ends.vector[:, :count, :width], states.vector[:, :count, :width])
    if width == 64:
        np.testing.assert_array_equal(ends.mask, states.mask)


@pytest.mark.parametrize("register", range(16))
def test_a_write_to_a_register_shows_in_that_register_only(
    sandbox, make_blob, make_states, register
):
    names = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split()
    states = make_states(2)
    ends = sandbox.run(make_blob(f"movabsq $0x1122334455667788, %{names[register]}"), states)
    expected = states.gpr.copy()
    expected[:, register] = 0x1122334455667788
    np.testing.assert_array_equal(ends.gpr, expected)
    np.testing.assert_array_equal(ends.rflags & STATUS_FLAGS, states.rflags)


def test_vector_mask_and_mxcsr_writes_come_back(sandbox, make_blob, make_states):
    if "avx512" not in sandbox.features():
        pytest.skip("no AVX-512 here")
    states = make_states(3)
    blob = make_blob("vmovdqu64 %zmm31, %zmm5\nkmovq %k7, %k1\nvaddpd %zmm0, %zmm1, %zmm2")
    ends = sandbox.run(blob, states)
    np.testing.assert_array_equal(ends.vector[:, 5], states.vector[:, 31])
    np.testing.assert_array_equal(ends.mask[:, 1], states.mask[:, 7])
    assert (ends.mxcsr & 0x20).all()  # random doubles do not add exactly


def test_sticky_flags_and_memory_do_not_pass_from_one_state_to_the_next(
    sandbox, make_blob, make_states
):
    states = make_states(4)
    states.gpr[:, 1] = ARENA_BASE
    blob = make_blob("movq (%rcx), %rax\nincq (%rcx)")
    first = sandbox.run(blob, states)
    second = sandbox.run(blob, states)
    words = states.memory.reshape(4, -1)[:, :8].copy().view(np.uint64)[:, 0]
    np.testing.assert_array_equal(first.gpr[:, 0], words)
    np.testing.assert_array_equal(second.gpr[:, 0], words)
    np.testing.assert_array_equal(first.memory, second.memory)


def test_a_set_direction_flag_is_reported_and_does_not_outlive_the_run(
    sandbox, make_blob, make_states
):
    ends = sandbox.run(make_blob("std"), make_states(3))
    assert (ends.rflags & 0x400).all()
    ends = sandbox.run(make_blob(""), make_states(3))
    assert not (ends.rflags & 0x400).any()


@pytest.mark.parametrize(
    ("offset", "is_inside"), [(-1, False), (0, True), (4095, True), (4096, False)]
)
@pytest.mark.parametrize("arena", [0, 1])
def test_arenas_have_unreadable_memory_on_both_sides(
    sandbox, make_blob, make_states, arena, offset, is_inside
):
    states = make_states(2)
    address = ARENA_BASE + arena * ARENA_STRIDE + offset
    states.gpr[:, 6] = address
    ends = sandbox.run(make_blob("movzbl (%rsi), %eax"), states)
    if is_inside:
        assert (ends.exit_id == 0).all()
        np.testing.assert_array_equal(ends.gpr[:, 0], states.memory[:, arena, offset])
    else:
        assert (ends.exit_id == FAULT).all()
        assert (ends.fault_address == address).all()


def test_arenas_beyond_the_batch_are_unreadable(sandbox, make_blob, make_states):
    states = make_states(1, arenas=1)
    states.gpr[:, 6] = ARENA_BASE + ARENA_STRIDE
    assert sandbox.run(make_blob("movb $1, (%rsi)"), states).exit_id[0] == FAULT


@pytest.mark.parametrize("stack", [0, 8, ARENA_BASE + 64, 0xDEAD_BEEF_0000_0000])
def test_faults_are_caught_whatever_the_stack_pointer_holds(sandbox, make_blob, make_states, stack):
    states = make_states(3)
    states.gpr[:, 4] = stack
    states.gpr[:, 6] = 0x1000
    ends = sandbox.run(make_blob("movl (%rsi), %eax"), states)
    assert (ends.exit_id == FAULT).all()
    assert (ends.fault_address == 0x1000).all()
    np.testing.assert_array_equal(ends.gpr, states.gpr)


@pytest.mark.parametrize("text", ["ud2", "int3", "xorl %ecx, %ecx\ndivl %ecx"])
def test_traps_are_told_from_faults(sandbox, make_blob, make_states, text):
    assert (sandbox.run(make_blob(text), make_states(3)).exit_id == TRAP).all()


def test_running_off_the_end_of_a_blob_traps(sandbox, make_states):
    assert (sandbox.run(Blob(b"\x90", 0), make_states(2)).exit_id == TRAP).all()


def test_code_cannot_be_written(sandbox, make_blob, make_states):
    ends = sandbox.run(make_blob("leaq .LX0(%rip), %rax\nmovb $0, (%rax)"), make_states(1))
    assert ends.exit_id[0] == FAULT


def test_data_cannot_be_executed(sandbox, make_blob, make_states):
    states = make_states(1)
    states.gpr[:, 6] = ARENA_BASE
    assert sandbox.run(make_blob("jmp *%rsi"), states).exit_id[0] == FAULT


def test_code_stands_at_another_address_each_time(sandbox, make_blob, make_states):
    states = make_states(1)
    blob = make_blob("leaq .LX0(%rip), %rax")
    assert len({int(sandbox.run(blob, states).gpr[0, 0]) for _ in range(4)}) == 4


def test_the_batch_goes_on_after_a_fault_and_a_stuck_run(sandbox, make_blob, make_states):
    states = make_states(4)
    states.gpr[:, 6] = (0, 1, 2, 0)
    text = """
        cmpl $1, %esi
        je .Lloop
        cmpl $2, %esi
        jne .LX0
        ud2
    .Lloop: jmp .Lloop
    """
    assert list(sandbox.run(make_blob(text), states).exit_id) == [0, STUCK, TRAP, 0]


def test_many_stuck_runs_end_the_batch_early(sandbox, make_blob, make_states):
    ends = sandbox.run(make_blob(".Lloop: jmp .Lloop"), make_states(30))
    assert list(ends.exit_id) == [STUCK] * 8 + [NOT_RUN] * 22


def test_a_batch_is_killed_at_the_wall_limit(sandbox, make_blob, make_states):
    ends = sandbox.run(make_blob(".Lloop: jmp .Lloop"), make_states(30), timeout_s=0.03)
    assert ends.killed == signal.SIGKILL
    assert ends.exit_id[-1] == NOT_RUN


def test_leaving_without_an_exit_stub_is_a_trap(sandbox, make_blob, make_states):
    assert sandbox.run(make_blob(f"jmp *%gs:{CONTROL_RETURN}"), make_states(1)).exit_id[0] == TRAP


def test_exit_group_leaves_nothing_that_looks_like_a_result(sandbox, make_blob, make_states):
    states = make_states(5)
    sandbox.run(make_blob(""), states)  # leaves right answers behind, were they not poisoned
    forged = make_blob(f"movl $0, %gs:{CONTROL_EXIT_ID}\nmovl $231, %eax\nxorl %edi, %edi\nsyscall")
    ends = sandbox.run(forged, states)
    assert (ends.exit_id == NOT_RUN).all()
    assert not (ends.memory == states.memory).all(axis=(1, 2)).any()


def test_coverage_is_the_union_over_the_batch(sandbox, make_blob, make_states):
    states = make_states(3)
    states.gpr[:, 1] = (0, 1, 0)
    text = f"""
        jrcxz .Lzero
        movb $1, %gs:{COVERAGE_OFFSET + 4000}
        jmp .LX0
    .Lzero: movb $1, %gs:{COVERAGE_OFFSET}
    """
    coverage = sandbox.run(make_blob(text), states).coverage
    assert list(np.flatnonzero(coverage)) == [0, 4000]
    assert not sandbox.run(make_blob(""), states).coverage.any()


def test_a_batch_larger_than_one_child_takes_is_whole(sandbox, make_blob, make_states):
    states = make_states(60, arenas=1, arena_bytes=1 << 20)
    states.gpr[:, 6] = ARENA_BASE
    ends = sandbox.run(make_blob("notb 77(%rsi)"), states)
    expected = states.memory.copy()
    expected[:, 0, 77] ^= 0xFF
    assert (ends.exit_id == 0).all()
    np.testing.assert_array_equal(ends.memory, expected)


def test_states_without_arenas_run(sandbox, make_blob, make_states):
    assert (sandbox.run(make_blob(""), make_states(3, arenas=0)).exit_id == 0).all()


def test_states_that_were_run_cannot_be_changed_unseen(sandbox, make_blob, make_states):
    states = make_states(1)
    sandbox.run(make_blob(""), states)
    with pytest.raises(ValueError, match="read-only"):
        states.gpr[0, 0] = 1


def test_a_zygote_that_was_killed_is_replaced(sandbox, make_blob, make_states):
    states = make_states(2)
    blob = make_blob("")
    sandbox.run(blob, states)
    os.kill(sandbox._zygote._process.pid, signal.SIGKILL)
    assert (sandbox.run(blob, states).exit_id == 0).all()


@pytest.mark.parametrize("entry", [-1, 1])
def test_a_blob_with_its_entry_outside_is_a_callers_mistake(sandbox, make_states, entry):
    with pytest.raises(ValueError, match="entered"):
        sandbox.run(Blob(b"\x90", entry), make_states(1))


@pytest.mark.parametrize(
    "arenas",
    [
        (0x2000_0000, 0x7000_0000),
        (
            0x2_FFFF_F000,
            0x9_FFFF_E000,
        ),  # the first ends, the second lies across, a multiple of 4 GB
        (0x6F12_3456_7000, 0x10_0000_0000),
    ],
)
def test_arenas_lie_where_the_batch_wants_them(sandbox, make_blob, make_states, arenas):
    states = replace(make_states(3, arena_bytes=8192), arenas=arenas)
    states.gpr[:, 6] = arenas[0]
    states.gpr[:, 7] = arenas[1] + 8191
    ends = sandbox.run(make_blob("movb $7, (%rsi)\nmovb $9, (%rdi)"), states)
    assert (ends.exit_id == 0).all()
    assert (ends.memory[:, 0, 0] == 7).all()
    assert (ends.memory[:, 1, -1] == 9).all()


@pytest.mark.parametrize("offset", [-1, 8192, -(1 << 20), 8192 + (1 << 20)])
def test_memory_near_an_arena_is_unreadable(sandbox, make_blob, make_states, offset):
    states = replace(make_states(1, arenas=1, arena_bytes=8192), arenas=(0x2_FFFF_F000,))
    states.gpr[:, 6] = states.arenas[0] + offset
    ends = sandbox.run(make_blob("movb (%rsi), %al"), states)
    assert ends.exit_id[0] == FAULT
    assert ends.fault_address[0] == states.arenas[0] + offset


def test_the_control_page_is_at_another_address_in_each_child(sandbox, make_blob, make_states):
    """Found by its return address, which is the only pointer in it; old fixed pages are gone."""
    states = make_states(1)
    states.gpr[:, 6] = 0x1000_0000
    assert sandbox.run(make_blob("movq (%rsi), %rax"), states).exit_id[0] == FAULT
    # The code lies elsewhere in each child too.
    places = {int(sandbox.run(make_blob("leaq (%rip), %rax"), states).gpr[0, 0]) for _ in range(4)}
    assert len(places) == 4
