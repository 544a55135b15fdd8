"""Judge responses to programs in worker processes, each behind the fence; nothing ever raises."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llmcc.optimize.crew import Crew
from llmcc.outcome import Outcome, OutcomeClass
from llmcc.training.judgement import Judgement
from llmcc.training.program.fence import refuse_network
from llmcc.training.program.judging import Protocol, judge
from llmcc.training.program.prompting import assembly_of
from llmcc.training.program.rows import Row
from llmcc.training.program.running import Limits

_WAIT_S = 60.0
_Task = tuple[Row, str]  # and the assembly of a response


class ProgramPool:
    """Some judges; a context manager. Make it before torch starts its threads: it forks."""

    def __init__(
        self, *, jobs: int, seed: int, protocol: Protocol, limits: Limits | None = None
    ) -> None:
        """Start `jobs` workers; `limits` is of one run of a program."""
        self._known: dict[tuple[str, str], Judgement] = {}
        self._crew: Crew[_Task, Judgement] = Crew(
            jobs, lambda: _worker(seed, protocol, limits or Limits())
        )

    def __enter__(self) -> ProgramPool:
        return self

    def __exit__(self, *_: object) -> None:
        self._crew.stop()

    def judge(self, cases: Sequence[tuple[Row, str]]) -> list[Judgement]:
        """Judge responses, in their order; equal ones, and those known from before, only once.

        What the machine stood in the way of (an ENVIRONMENT outcome) is not remembered.
        """
        tasks = [(row, assembly_of(response)) for row, response in cases]
        waiting = {
            (row.id, assembly): (row, assembly)
            for row, assembly in tasks
            if (row.id, assembly) not in self._known
        }
        lost: dict[tuple[str, str], Judgement] = {}
        while waiting or self._crew.at_work:
            while waiting and self._crew.has_idle:
                self._crew.begin(waiting.pop(next(iter(waiting))))
            for (row, assembly), reply in self._crew.wait(_WAIT_S):
                answer = reply or Judgement(Outcome.INTERNAL_ERROR, detail="worker died")
                is_machine = answer.outcome.kind is OutcomeClass.ENVIRONMENT
                (lost if is_machine else self._known)[row.id, assembly] = answer
        return [
            lost.get((row.id, assembly)) or self._known[row.id, assembly] for row, assembly in tasks
        ]


def _worker(seed: int, protocol: Protocol, limits: Limits) -> Callable[[_Task], Judgement]:
    refuse_network()

    def work(task: _Task) -> Judgement:
        row, assembly = task
        result = judge(row, assembly, protocols=(protocol,), seed=seed, limits=limits)
        return result.judgement(protocol)

    return work
