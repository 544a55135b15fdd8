"""Run the commands of a project in a tree, with one compiler or the other."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# What would change how a project is built, or what llmcc does.
_TAKEN_OUT = ("LLMCC_", "MAKE", "MFLAGS", "SOURCE_DATE_EPOCH")
_TAKEN_OUT_WHOLE = frozenset(
    "CC CXX CPP AR CFLAGS CXXFLAGS CPPFLAGS LDFLAGS LIBS V VERBOSE CCACHE_DISABLE".split()
)


class CommandFailed(Exception):
    """A command ended with another status than 0; the message holds the end of its output."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    status: int  # -1 when its time was over
    output: str
    errors: str
    wall_s: float
    cpu_s: float  # of all processes it waited for


@dataclass(frozen=True, slots=True)
class Tree:
    """A source tree and the environment its commands run in."""

    folder: Path
    environ: Mapping[str, str]

    def run(self, command: str, *, timeout_s: float = 1800) -> Done:
        """Run a command for sh; its end is told, whatever it is."""
        cpu_before_s, started_s = _cpu_of_children_s(), time.perf_counter()
        process = subprocess.Popen(
            ["sh", "-ec", command],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            output, errors = process.communicate(timeout=timeout_s)
            status = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, errors = process.communicate()
            status = -1
        wall_s = time.perf_counter() - started_s
        cpu_s = _cpu_of_children_s() - cpu_before_s
        return Done(status, _decoded(output), _decoded(errors), wall_s, cpu_s)

    def must(self, command: str, *, timeout_s: float = 1800) -> Done:
        """Run a command that has to succeed.

        Raises:
            CommandFailed: it did not.
        """
        done = self.run(command, timeout_s=timeout_s)
        if done.status:
            told = f"{done.output[-1500:]}\n{done.errors[-1500:]}"
            raise CommandFailed(f"{command!r} in {self.folder}: {done.status}: {told}")
        return done

    def with_environ(self, **more: str) -> Tree:
        """Return the same tree with more variables."""
        return Tree(self.folder, {**self.environ, **more})


def plain_environ(tools: Path) -> dict[str, str]:
    """Return this process's environment without what steers builds, with `tools` first in PATH."""
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_TAKEN_OUT) and name not in _TAKEN_OUT_WHOLE
    }
    environ["PATH"] = f"{tools}:{environ.get('PATH', '/usr/bin:/bin')}"
    environ["LC_ALL"] = "C.UTF-8"
    return environ


def _decoded(output: bytes) -> str:
    return output.decode(errors="replace")


def _cpu_of_children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
