"""Work the spool off with a crew, until it is done, the time is over or the user has had enough.

Each decision is in the store as soon as it is made, so whatever ends a run, the next goes on there.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from llmcc.config import Config
from llmcc.optimize.agenda import Agenda
from llmcc.optimize.crew import Crew
from llmcc.optimize.tasks import Reply, Task
from llmcc.optimize.worker import RewriterMaker, Worker
from llmcc.outcome import Outcome
from llmcc.store.generation import bump_generation
from llmcc.store.spool import Spool

_TICK_S = 0.5


@dataclass(frozen=True, slots=True)
class Orders:
    """How a run is wanted."""

    jobs: int
    budget_s: float  # no region is begun later
    weights: Mapping[str, float]  # see `Agenda`
    folder: Path | None = None  # only units compiled in it or below


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended."""

    agenda: Agenda
    is_interrupted: bool
    seconds: float


def optimise_spool(
    config: Config,
    orders: Orders,
    *,
    show: Callable[[Agenda, Sequence[Task]], None],
    make_rewriter: RewriterMaker | None = None,
) -> Ending:
    """Optimise what is in the spool; `show` is called with the agenda and the tasks at work.

    `make_rewriter` makes what tries regions, the real thing unless given.
    Ctrl-C or SIGTERM ends the run early, not this function; a second one does.
    """

    def new_worker() -> Callable[[Task], Reply]:
        return Worker(config, make_rewriter=make_rewriter).do

    started_s = time.monotonic()
    agenda = Agenda(orders.weights)
    agenda.add(_wanted(Spool(config.cache), orders.folder))
    is_interrupted = False
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Crew[Task, Reply](orders.jobs, new_worker) as crew:
            _work(agenda, crew, show, deadline_s=started_s + orders.budget_s)
    except KeyboardInterrupt:
        is_interrupted = True
    do = new_worker()
    for task in agenda.unfinished():
        agenda.take(task, do(task))
    if any(Outcome.ACCEPTED in unit.outcomes for unit in agenda.finished):
        bump_generation(config.cache)
    return Ending(agenda, is_interrupted, time.monotonic() - started_s)


def _wanted(spool: Spool, folder: Path | None) -> list[str]:
    keys = spool.waiting()
    if folder is None:
        return keys
    units = (spool.get(key) for key in keys)
    return [unit.key for unit in units if unit and unit.folder.is_relative_to(folder)]


def _work(
    agenda: Agenda,
    crew: Crew[Task, Reply],
    show: Callable[[Agenda, Sequence[Task]], None],
    *,
    deadline_s: float,
) -> None:
    while True:
        is_late = time.monotonic() >= deadline_s
        while crew.has_idle and (task := _next(agenda, is_late=is_late)) is not None:
            crew.begin(task)
        if not crew.at_work:
            return
        for done, reply in crew.wait(_TICK_S):
            agenda.take(done, reply)
        show(agenda, crew.at_work)


def _next(agenda: Agenda, *, is_late: bool) -> Task | None:
    """Take a task; after the deadline only those that store what was found."""
    return agenda.next_finish() if is_late else agenda.next()
