"""What a figure was measured on and by: every page of evidence says it."""

from __future__ import annotations

import datetime
import os
import platform
import shlex
import sys
from dataclasses import dataclass

from llmcc.native.identity import generation
from llmcc.store.keys import cpu_name
from llmcc.toolchain import find_gcc, gcc_version


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """Where, how and when a command ran."""

    cpu: str  # model, signature of cpuid leaf 1, vector features
    cores: int
    system: str
    gcc: str
    llmcc: str  # digest of the code and weights that verdicts depend on
    load_average: str  # over 1, 5 and 15 minutes, when it was asked
    command: str
    date: str  # UTC

    def sentence(self) -> str:
        """Say it for people, in Markdown."""
        return (
            f"Machine: {self.cpu}; {self.cores} cores; {self.system}; gcc {self.gcc}; "
            f"llmcc {self.llmcc}; load average {self.load_average}. "
            f"Command: `{self.command}`. Date: {self.date}."
        )


def machine_facts(module: str) -> MachineFacts:
    """Look at this machine; `module` is what was started with `python -m`."""
    return MachineFacts(
        cpu=cpu_name(),
        cores=os.cpu_count() or 0,
        system=platform.platform(),
        gcc=gcc_version(find_gcc()),
        llmcc=generation()[:16],
        load_average=" ".join(f"{load:.2f}" for load in os.getloadavg()),
        command=shlex.join(["python", "-m", module, *sys.argv[1:]]),
        date=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M"),
    )
