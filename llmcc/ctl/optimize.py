"""`llmcc-ctl optimize`: try the loops that compiles in mode record have left, hottest first."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from llmcc.config import read_config
from llmcc.optimize.agenda import Agenda
from llmcc.optimize.profile import read_profile
from llmcc.optimize.run import Ending, Orders, optimise_spool
from llmcc.optimize.tasks import DecideTask, SurveyTask, Task
from llmcc.outcome import Outcome

_LINE_EVERY_S = 30.0
_INTERRUPTED = 130


@click.command()
@click.option("--jobs", type=click.IntRange(min=1), default=None, help="Worker processes.")
@click.option("--budget", type=float, default=math.inf, help="Seconds; no loop is begun later.")
@click.option(
    "--profile",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Lines PERCENT SYMBOL, as `perf report --stdio -F overhead,symbol` prints them.",
)
@click.option(
    "--path",
    type=click.Path(path_type=Path),
    help="Only what was compiled in this folder or below.",
)
@click.option("--json", "is_json", is_flag=True, help="Print the summary as JSON, nothing else.")
def optimize(
    *, jobs: int | None, budget: float, profile: Path | None, path: Path | None, is_json: bool
) -> None:
    """Try the loops that compiles with LLMCC_MODE=record left in the spool.

    The next compile in mode record, apply or sync finds what was accepted. Hottest loops come
    first: by --profile, then by how deep they are nested, then by length. Whatever ends a run, what
    it decided is kept, and the next run goes on there.
    """
    orders = Orders(
        jobs=jobs or len(os.sched_getaffinity(0)),
        budget_s=budget,
        weights=read_profile(profile.read_text("utf-8", "replace")) if profile else {},
        folder=path.absolute() if path else None,
    )
    display = _Display(Console(stderr=True, quiet=is_json))
    with display.bar:
        ending = optimise_spool(read_config(), orders, show=display.show)
    if is_json:
        click.echo(json.dumps(_summary(ending), indent=1))
    else:
        _print_summary(Console(highlight=False), ending)
    if ending.is_interrupted:
        sys.exit(_INTERRUPTED)


@dataclass
class _Display:
    """A bar on a terminal, else a line every half minute."""

    console: Console
    bar: Progress = field(init=False)
    started_s: float = field(default_factory=time.monotonic)
    _printed_s: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        # No thread may run beside the crew, which is forked.
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[facts]}"),
            console=self.console,
            auto_refresh=False,
            disable=not self.console.is_terminal,
            transient=True,
        )
        self._line = self.bar.add_task("", total=None, facts="")

    def show(self, agenda: Agenda, at_work: Sequence[Task]) -> None:
        """Show how far it is."""
        facts = ", ".join(self._facts(agenda))
        if self.console.is_terminal:
            trying = sum(isinstance(task, DecideTask) for task in at_work)
            is_searching = agenda.surveyed < agenda.units
            self.bar.update(
                self._line,
                description="looking for loops" if is_searching else _at_work(at_work),
                completed=agenda.surveyed if is_searching else agenda.tried,
                total=agenda.units if is_searching else agenda.tried + agenda.to_try + trying,
                facts=facts,
            )
            self.bar.refresh()
        elif time.monotonic() - self._printed_s >= _LINE_EVERY_S:
            self._printed_s = time.monotonic()
            self.console.print(f"{facts}; {_at_work(at_work)}", highlight=False, soft_wrap=True)

    def _facts(self, agenda: Agenda) -> list[str]:
        ratios = _accepted(agenda)
        left = agenda.to_try
        facts = [
            f"units {len(agenda.finished)}/{agenda.units}",
            f"loops {agenda.tried}/{agenda.tried + left}",
            f"accepted {len(ratios)}",
        ]
        if ratios:
            facts.append(f"geomean {_geomean(ratios):.2f}x")
        if agenda.tried:
            seconds = (time.monotonic() - self.started_s) / agenda.tried * left
            facts.append(f"{_duration(seconds)} left")
        return facts


def _at_work(tasks: Sequence[Task]) -> str:
    names = [
        f"{task.source}:{task.region.function}" if isinstance(task, DecideTask) else "a unit"
        for task in tasks
        if isinstance(task, DecideTask | SurveyTask)
    ]
    return " ".join(names[:2])[:60] or "storing"


def _accepted(agenda: Agenda) -> list[float]:
    return [
        decision.speedup.ratio
        for decision in agenda.decided.values()
        if decision.outcome is Outcome.ACCEPTED and decision.speedup is not None
    ]


def _geomean(ratios: Sequence[float]) -> float:
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def _summary(ending: Ending) -> dict[str, object]:
    agenda = ending.agenda
    counts = Counter(outcome for unit in agenda.finished for outcome in unit.outcomes)
    ratios = _accepted(agenda)
    return {
        "units": agenda.units,
        "finished": sum(not unit.is_kept for unit in agenda.finished),
        "unfinished": _unfinished(agenda),
        "dropped": dict(Counter(agenda.dropped)),
        "tried": agenda.tried,
        "accepted": len(ratios),
        "geomean": _geomean(ratios) if ratios else None,
        "outcomes": {outcome.name: count for outcome, count in counts.most_common()},
        "seconds": round(ending.seconds, 1),
        "is_interrupted": ending.is_interrupted,
    }


def _unfinished(agenda: Agenda) -> int:
    done = sum(not unit.is_kept for unit in agenda.finished)
    return agenda.units - done - len(agenda.dropped)


def _print_summary(console: Console, ending: Ending) -> None:
    agenda = ending.agenda
    if not agenda.units:
        console.print("the spool is empty. Compile something with LLMCC_MODE=record.")
        return
    counts = Counter(outcome for unit in agenda.finished for outcome in unit.outcomes)
    if counts:
        table = Table("loops", "outcome", "meaning", box=None, pad_edge=False)
        for outcome, count in counts.most_common():
            table.add_row(str(count), outcome.name, outcome.sentence)
        console.print(table)
    for why, count in Counter(agenda.dropped).items():
        console.print(f"{count} units left out: {why}", soft_wrap=True)
    ratios = _accepted(agenda)
    speed = f", {_geomean(ratios):.2f} times gcc's speed in the geometric mean" if ratios else ""
    console.print(
        f"{agenda.units} units, {agenda.tried} different loops tried in "
        f"{_duration(ending.seconds)}, {len(ratios)} accepted{speed}",
        soft_wrap=True,
    )
    if left := _unfinished(agenda):
        console.print(f"{left} units are not done: run `llmcc-ctl optimize` again to go on there.")
