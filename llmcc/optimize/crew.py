"""Worker processes that do one task at a time and never outlive the process that started them.

Forked, so that nothing is imported twice; the starting process must have no other threads.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import Generic, TypeVar

_Task = TypeVar("_Task")
_Reply = TypeVar("_Reply")

_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>
_PATIENCE_S = 3.0
_HANDLED = (signal.SIGINT, signal.SIGTERM)  # a worker has handlers of its own for these


@dataclass(slots=True)
class _Member(Generic[_Task]):
    process: ForkProcess
    connection: Connection
    task: _Task | None = None


class Crew(Generic[_Task, _Reply]):
    """Some workers, each in a process group of its own; a context manager."""

    def __init__(self, count: int, make: Callable[[], Callable[[_Task], _Reply]]) -> None:
        """Start `count` processes; in each, what `make` returns does the tasks."""
        self._make = make
        self._members: list[_Member[_Task]] = [self._start() for _ in range(count)]

    def __enter__(self) -> Crew[_Task, _Reply]:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def at_work(self) -> list[_Task]:
        """The tasks that are being done."""
        return [member.task for member in self._members if member.task is not None]

    @property
    def has_idle(self) -> bool:
        """Whether a task would be begun at once."""
        return any(member.task is None for member in self._members)

    def begin(self, task: _Task) -> None:
        """Give a task to an idle worker."""
        member = next(member for member in self._members if member.task is None)
        member.task = task
        # A worker that has just died is noticed when its reply is waited for.
        with suppress(BrokenPipeError):
            member.connection.send(task)

    def wait(self, timeout_s: float) -> list[tuple[_Task, _Reply | None]]:
        """Return what was done meanwhile; the reply of a worker that died is None."""
        busy = {member.connection: member for member in self._members if member.task is not None}
        done: list[tuple[_Task, _Reply | None]] = []
        for connection in wait(list(busy), timeout_s):
            assert isinstance(connection, Connection)
            member = busy[connection]
            task, member.task = member.task, None
            assert task is not None
            try:
                done.append((task, connection.recv()))
            except (EOFError, ConnectionResetError):
                self._end([member])
                self._members[self._members.index(member)] = self._start()
                done.append((task, None))
        return done

    def stop(self) -> None:
        """End all workers, whatever they are doing, and what they have started."""
        members, self._members = self._members, []
        self._end(members)

    def _start(self) -> _Member[_Task]:
        ours, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("fork")
        process = context.Process(
            target=_serve, args=(theirs, self._make, os.getpid()), daemon=True
        )
        # A signal that comes before the worker has its handlers waits for them.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
        process.start()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        return _Member(process, ours)

    def _end(self, members: list[_Member[_Task]]) -> None:
        # Asked first, a worker takes its temporary files away.
        for member in members:
            _signal_group(member.process, signal.SIGTERM)
        deadline_s = time.monotonic() + _PATIENCE_S
        for member in members:
            member.process.join(max(0.0, deadline_s - time.monotonic()))
            _signal_group(member.process, signal.SIGKILL)
            member.process.join()
            member.connection.close()


def _signal_group(process: ForkProcess, number: int) -> None:
    """Signal a worker and all it started; before it has its group, only itself."""
    assert process.pid is not None
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
        return
    with suppress(ProcessLookupError):
        if process.is_alive():
            os.kill(process.pid, number)


def _serve(
    connection: Connection, make: Callable[[], Callable[[_Task], _Reply]], parent: int
) -> None:
    os.setpgid(0, 0)
    # Ctrl-C reaches all of the terminal's group; who started us decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # As an exception it lets temporary files be removed and ends what was started.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        return
    # The threads of several numpys would spin against each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    do = make()
    with suppress(EOFError):
        while True:
            connection.send(do(connection.recv()))
