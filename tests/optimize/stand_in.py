"""A run of optimize with a stand-in for the stages that try a region.

Started as a program, ``<descriptor>``, one worker does all: it writes the function's name and a
newline there for each region it tries, and hangs in those of functions called `endless…`. Whoever
holds the other end sees the end of the pipe when this process and its worker are gone.
"""

from __future__ import annotations

import math
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from llmcc.config import read_config
from llmcc.optimize.agenda import Agenda
from llmcc.optimize.run import Ending, Orders, optimise_spool
from llmcc.optimize.tasks import Task
from llmcc.outcome import Outcome
from llmcc.regions.model import Region
from llmcc.store.records import RegionDecision

# It goes on to gcc's loop.
IDLE = "\tnop\n\tjmp\t.LH\n"


@dataclass(frozen=True)
class StandIn:
    """Decides by the function's name; `endless…` hangs only where it can be told of."""

    told: int | None = None  # descriptor

    def rewrite(self, region: Region, function_text: str) -> RegionDecision:
        assert function_text.startswith(f"{region.function}:")
        if self.told is not None:
            os.write(self.told, f"{region.function}\n".encode())
        if region.function.startswith("fatal"):
            os.kill(os.getpid(), signal.SIGKILL)
        while self.told is not None and region.function.startswith("endless"):
            signal.pause()
        if region.function.startswith("no"):
            return RegionDecision(Outcome.NOT_FASTER)
        return RegionDecision(Outcome.ACCEPTED, isa="avx2", rewrite=IDLE)


def run(
    *,
    jobs: int = 1,
    budget_s: float = math.inf,
    told: int | None = None,
    only: Orders | None = None,
) -> Ending:
    """Work the spool of this environment's cache off."""
    orders = only or Orders(jobs, budget_s, {})
    return optimise_spool(
        read_config(), orders, show=_show_nothing, make_rewriter=lambda config: StandIn(told)
    )


def _show_nothing(agenda: Agenda, at_work: Sequence[Task]) -> None:
    pass


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    ending = run(told=int(sys.argv[1]))
    sys.exit(130 if ending.is_interrupted else 0)
