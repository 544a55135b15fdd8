"""Every attempt to get out is contained, and a sandbox that does not hold is seen."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

from llmcc.outcome import Outcome, Refusal
from llmcc.sandbox.model import ARENA_BASE, FAULT, NOT_RUN, STUCK, TRAP, Ends
from llmcc.sandbox.runner import Sandbox
from llmcc.sandbox.selftest import (
    PROBES,
    check_sandbox,
    is_contained,
    open_checked_sandbox,
    probe_sandbox,
    run_probe,
)


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_the_probe_is_contained(sandbox, probe):
    ends = run_probe(sandbox, probe)
    assert is_contained(probe, ends)
    assert ends.exit_id[0] in (NOT_RUN, FAULT)


@pytest.mark.parametrize(
    "number", [0, 1, 3, 10, 15 + 1, 25, 56, 57, 101, 231 + 1, 317, 435, 1 << 31]
)
def test_system_calls_end_the_child_by_seccomp(sandbox, make_blob, make_states, number):
    ends = sandbox.run(make_blob(f"movl ${number}, %eax\nsyscall"), make_states(3))
    assert ends.killed == signal.SIGSYS
    assert (ends.exit_id == NOT_RUN).all()


def test_what_ran_before_the_kill_is_kept(sandbox, make_blob, make_states):
    states = make_states(4)
    states.gpr[:, 1] = (0, 0, 1, 0)
    ends = sandbox.run(make_blob("jrcxz .LX0\nmovl $39, %eax\nsyscall"), states)
    assert list(ends.exit_id) == [0, 0, NOT_RUN, NOT_RUN]
    assert ends.killed == signal.SIGSYS


@pytest.mark.parametrize(
    "text", ["rdtsc", ".byte 0x0f, 0x01, 0xf9 # rdtscp", "hlt", "cli", "inb %dx, %al", "rdpmc"]
)
def test_clock_and_privileged_instructions_fault(sandbox, make_blob, make_states, text):
    ends = sandbox.run(make_blob(text), make_states(2))
    assert (ends.exit_id == FAULT).all()


@pytest.mark.parametrize(
    ("text", "end"),
    [
        (".Lloop: pushq %rax\njmp .Lloop", FAULT),  # below the arena's first page
        (".Lloop: call .Lloop", FAULT),
        (".Lloop: jmp .Lloop", STUCK),
        ("movq %rsp, %rdi\nmovl $-1, %ecx\nrep stosb", FAULT),
        ("ud2", TRAP),
        ("xorl %ecx, %ecx\ndivl %ecx", TRAP),
    ],
)
def test_code_that_never_ends_or_runs_over_its_stack_is_stopped(
    sandbox, make_blob, make_states, text, end
):
    states = make_states(3)
    states.gpr[:, 4] = ARENA_BASE + 4096
    ends = sandbox.run(make_blob(text), states)
    assert (ends.exit_id == end).all()
    assert not ends.killed


def test_the_sandbox_holds_for_an_unprivileged_user(sandbox, tmp_path):
    """As root this changes to the user nobody; any other user has no more rights than that."""
    assert probe_sandbox(sandbox) is None  # all modules are loaded by now
    tmp_path.chmod(0o777)
    for folder in (tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    pid = os.fork()
    if pid == 0:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        os._exit(_holds(tmp_path / "cache"))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def _holds(cache):
    with Sandbox(cache) as own:
        return 0 if os.geteuid() != 0 and probe_sandbox(own) is None else 1


def test_a_forged_signal_frame_does_not_get_out(sandbox, make_blob, make_states):
    """Sigreturn with rubbish on the stack may kill the child, nothing else."""
    states = make_states(2)
    ends = sandbox.run(make_blob("movl $15, %eax\nsyscall"), states)
    assert not (ends.exit_id >= 0).any()


def test_a_passed_self_test_is_believed_and_a_fresh_cache_is_tested(sandbox, sandbox_cache):
    assert check_sandbox(sandbox, sandbox_cache) is None
    assert list((sandbox_cache / "selftest").iterdir())
    checked = open_checked_sandbox(sandbox_cache)
    assert isinstance(checked, Sandbox)
    checked.close()


def _ends(exit_id: int, killed: int) -> Ends:
    empty = np.zeros(1, np.uint64)
    return Ends(
        exit_id=np.array([exit_id], np.int32),
        gpr=empty,
        vector=empty,
        mask=empty,
        rflags=empty,
        mxcsr=empty,
        memory=empty,
        fault_address=empty,
        coverage=empty,
        killed=killed,
    )


class OpenSandbox:
    """A sandbox that lets everything through, or nothing."""

    def __init__(self, exit_id: int, killed: int) -> None:
        self._answer = _ends(exit_id, killed)

    def run(self, blob, states):
        return self._answer


def test_a_sandbox_that_lets_a_probe_through_is_refused():
    refusal = probe_sandbox(OpenSandbox(1, 0))
    assert isinstance(refusal, Refusal)
    assert refusal.outcome is Outcome.SANDBOX_UNSAFE
    assert "open" in refusal.detail


def test_a_sandbox_that_kills_harmless_code_proves_nothing():
    assert probe_sandbox(OpenSandbox(NOT_RUN, signal.SIGSYS)) is not None


def test_no_gcc_means_a_refusal(tmp_path, monkeypatch):
    monkeypatch.setenv("LLMCC_CC", "/nowhere/gcc")
    refusal = open_checked_sandbox(tmp_path)
    assert isinstance(refusal, Refusal)
    assert refusal.outcome is Outcome.SANDBOX_UNSAFE
