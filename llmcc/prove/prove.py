"""Find the level of a rewrite: prove trip count after trip count until the time is spent.

A counter-example is believed only after the sandbox has run it; see `level.Level` for exactly what
a level says. Costs at most about the budget, and twice as much where some instruction of the
rewrite was not reached by then: what was shown would not count. z3 takes 0.1 s to load.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from llmcc.outcome import Outcome, Refusal
from llmcc.prove.decode import NotModelled
from llmcc.prove.equivalence import Counterexample, Unknown, compare_ends
from llmcc.prove.execute import FAULT, Limits, Program, TooLong, run
from llmcc.prove.facts import Facts
from llmcc.prove.level import PROVED, Level, from_tests, from_trips
from llmcc.prove.solver import Answer, ask
from llmcc.prove.start import (
    Start,
    closest_rows,
    concrete,
    is_free_of_trips,
    make_start,
    make_states_for,
)
from llmcc.prove.terms import forget
from llmcc.regions.model import Region
from llmcc.sandbox.model import Blob, States
from llmcc.states.blob import Built, baseline_blob, build_many
from llmcc.states.layout import MIXED, TIGHT
from llmcc.states.model import Recipe
from llmcc.states.recipe import make_recipe
from llmcc.states.trips import largest_trip
from llmcc.verify.chunk import Runner
from llmcc.verify.compare import Comparison
from llmcc.verify.footprint import PAGE_BYTES, first_excess, footprints

BUDGET_S = 1.0
PATIENT_BUDGET_S = 4.0  # where LLMCC_REQUIRE asks for more than tests
_STEPS_MOST = 60_000
_PATHS_MOST = 600
_ASK_S = 2.0  # one question to the solver
_TIMEOUT_S = 1.0
_TRACED_STEPS_MOST = 20_000
_MOST_OVERLAPS = 4
_OVERLAP_SHARE = 0.05  # of the budget, kept for each overlapping placement


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What is proved about: a rewrite that passed the gate and all tests."""

    text: str
    isa: str  # a key of `toolchain.MARCH`
    tests: int
    mutation_score: float | None


def find_level(
    region: Region,
    rewrite: Rewrite,
    *,
    sandbox: Runner,
    seed: int,
    budget_s: float = BUDGET_S,
    clock: Callable[[], float] = time.monotonic,
) -> Level | Refusal:
    """Tell how much can be shown; DISPROVED when a counter-example was confirmed natively."""
    proof = _Proof(region, rewrite, sandbox, seed, clock() + budget_s, clock)
    try:
        return proof.level()
    except NotModelled as error:
        return proof.tested(str(error))
    except RecursionError:
        return proof.tested("terms too deep")
    finally:
        forget()


@dataclass(frozen=True, slots=True)
class _Place:
    """Which of the states made by `make_states_for` to start from."""

    mode: str
    row: int


class _Proof:
    """One attempt, with its deadline."""

    def __init__(
        self,
        region: Region,
        rewrite: Rewrite,
        sandbox: Runner,
        seed: int,
        deadline_s: float,
        clock: Callable[[], float],
    ) -> None:
        self._region = region
        self._rewrite = rewrite
        self._sandbox = sandbox
        self._seed = seed
        self._budget_s = deadline_s - clock()
        self._deadline_s = deadline_s
        self._clock = clock
        self._reached: set[int] = set()

    def tested(self, why: str) -> Level:
        """The level that stands when nothing more was shown."""
        return from_tests(self._rewrite.tests, self._rewrite.mutation_score, why)

    def level(self) -> Level | Refusal:
        """Prove as much as time allows.

        Raises:
            NotModelled: before anything was shown.
        """
        region = self._region
        recipe = make_recipe(region)
        if isinstance(recipe, Refusal):
            return self.tested(recipe.detail)
        if not region.contract.is_wide_free:
            return self.tested("the unit uses upper vector halves itself")
        built = build_many(region, [self._rewrite.text], isa=self._rewrite.isa)[0]
        if isinstance(built, Refusal):
            return self.tested(built.detail)
        exits = {offset: number for number, offset in enumerate(built.exits)}
        rewrite = Program(built.blob.code, built.blob.entry, exits)
        baseline = Program(built.blob.code, built.head, exits)
        if is_free_of_trips(recipe):
            return self._without_trips(recipe, baseline, rewrite, built)
        return self._trip_by_trip(recipe, baseline, rewrite, built)

    def _left_s(self) -> float:
        return self._deadline_s - self._clock()

    def _is_late(self) -> bool:
        """Whether even a rewrite that was not reached as a whole has had its time."""
        return self._left_s() <= -self._budget_s

    def _without_trips(
        self, recipe: Recipe, baseline: Program, rewrite: Program, built: Built
    ) -> Level | Refusal:
        states = make_states_for(recipe, 1, seed=self._seed)
        if states is None:
            return self.tested("no state to start from")
        start = make_start(self._region.contract, recipe, states, 0, built.blob.code, trip=0)
        try:
            found = self._compare(start, baseline, rewrite, None)
        except TooLong:
            # Perhaps only because of paths that no value takes.
            found = self._compare(start, baseline, rewrite, self._feasible)
        if isinstance(found, Counterexample):
            return self._replay(start, found) or self.tested(f"{found.what}: not confirmed")
        return self.tested(f"undecided: {found.what}") if found else PROVED

    def _trip_by_trip(
        self, recipe: Recipe, baseline: Program, rewrite: Program, built: Built
    ) -> Level | Refusal:
        most = min(recipe.small_trip, largest_trip(recipe.latches, recipe))
        overlaps = _MOST_OVERLAPS if _may_overlap(recipe) else 0
        apart = {
            mode: make_states_for(recipe, most, seed=self._seed + number, mode=mode)
            for number, mode in enumerate((TIGHT, MIXED))
        }
        own = {offset for offset in rewrite.instructions if offset < built.rewrite_bytes}
        shown, why = 0, ""
        for trip in range(1, most + 1):
            place = _placed(recipe, trip)
            states = apart[place.mode]
            if states is None:
                return self.tested("no state to start from")
            start = make_start(
                self._region.contract, recipe, states, place.row, built.blob.code, trip=trip
            )
            ending = self._ending(start, baseline, rewrite)
            if isinstance(ending, Refusal | Level):
                return ending
            if ending:
                why = ending
                break
            shown = trip
            is_whole = self._reached.issuperset(own)
            kept_s = overlaps * _OVERLAP_SHARE * self._budget_s if is_whole else -self._budget_s
            if self._left_s() <= kept_s:
                why = "out of time"
                break
        if not shown or not self._reached.issuperset(own):
            return self.tested(why or "not all of the rewrite was reached")
        agreed = 0
        for row, together in self._overlapping(recipe, shown) if overlaps else ():
            start = make_start(
                self._region.contract, recipe, together, row, built.blob.code, trip=row // 2 + 1
            )
            ending = self._ending(start, baseline, rewrite)
            if isinstance(ending, Refusal | Level):
                return ending
            agreed += not ending
        return from_trips(shown, overlaps=agreed, detail=why)

    def _overlapping(self, recipe: Recipe, trips: int) -> list[tuple[int, States]]:
        """Choose states whose blocks overlap; a row of a batch each."""
        states = make_states_for(recipe, trips, seed=self._seed, is_together=True)
        if states is None:
            return []
        rows = closest_rows(recipe, states, range(1 + trips // 2, trips + 1))
        return [(row, states) for row in rows[:_MOST_OVERLAPS]]

    def _ending(self, start: Start, baseline: Program, rewrite: Program) -> str | Level | Refusal:
        """Compare from one start: "" when alike, or why that is not known.

        A refusal when they are not, a level when the CPU does not see what makes them differ.
        """
        try:
            found = self._compare(start, baseline, rewrite, None)
        except NotModelled as error:
            return str(error)
        if isinstance(found, Counterexample):
            what = f"{found.what} with trip count {start.trip}: not confirmed"
            return self._replay(start, found) or self.tested(what)
        return f"undecided with trip count {start.trip}: {found.what}" if found else ""

    def _compare(
        self,
        start: Start,
        baseline: Program,
        rewrite: Program,
        feasible: Callable[[Facts], bool] | None,
    ) -> Counterexample | Unknown | None:
        # Without memory what ends the loop is in its registers: joined, they could not be followed.
        limits = Limits(_STEPS_MOST, _PATHS_MOST, self._is_late, is_joining=start.trip > 0)
        expected, _ = run(baseline, start.state, limits=limits, feasible=feasible)
        if all(end.exit_id == FAULT for end in expected):
            raise NotModelled("gcc's loop touches memory outside its arenas")
        actual, reached = run(rewrite, start.state, limits=limits, feasible=feasible)
        found = compare_ends(self._region.contract, expected, actual, left_s=self._ask_s)
        if found is None:
            self._reached |= reached
        return found

    def _ask_s(self) -> float:
        return min(_ASK_S, self._left_s() + self._budget_s)

    def _feasible(self, facts: Facts) -> bool:
        return ask(facts.path, timeout_s=self._ask_s()).answer is not Answer.NEVER

    def _replay(self, start: Start, found: Counterexample) -> Refusal | None:
        """Run a counter-example in the sandbox; None when both ends are alike there."""
        states = concrete(start, dict(found.values))
        built = build_many(self._region, [self._rewrite.text], isa=self._rewrite.isa)[0]
        assert not isinstance(built, Refusal)
        baseline = baseline_blob(self._region)
        expected = self._sandbox.run(baseline, states, timeout_s=_TIMEOUT_S)
        if expected.exit_id[0] < 0:
            return None
        actual = self._sandbox.run(built.blob, states, timeout_s=_TIMEOUT_S)
        refusal = Comparison(self._region.contract).first_refusal(expected, actual) or self._excess(
            baseline, built.blob, states
        )
        if refusal is None:
            return None
        return Refusal(Outcome.DISPROVED, f"{found.what}: {refusal.outcome.name} {refusal.detail}")

    def _excess(self, baseline: Blob, rewrite: Blob, states: States) -> Refusal | None:
        """Look for accesses that do not show in how a run ends, by single steps."""
        found = [
            footprints(blob, self._sandbox.trace(blob, states, steps_most=_TRACED_STEPS_MOST))
            for blob in (baseline, rewrite)
        ]
        if found[0] is None or found[1] is None:
            return None
        return first_excess(found[0], found[1], block_bytes=PAGE_BYTES)


def _placed(recipe: Recipe, trip: int) -> _Place:
    """Choose how the blocks lie.

    A loop that only its data ends must find its unreadable page where it is running to. Others take
    turns: of three, because what vector code does repeats by powers of two.
    """
    strides = [s.stride_bytes for b in recipe.blocks for g in b.groups for s in g.streams]
    if not recipe.latches:
        return _Place(TIGHT, 2 * trip - 1 if max(strides, default=0) <= 0 else 2 * trip - 2)
    if trip % 3 == 2:
        return _Place(MIXED, 2 * trip - 2)
    return _Place(TIGHT, 2 * trip - 1 - trip % 3)


def _may_overlap(recipe: Recipe) -> bool:
    """Whether it matters that blocks lie over each other: one of several is stored to."""
    streams = [s for block in recipe.blocks for group in block.groups for s in group.streams]
    return len(recipe.blocks) > 1 and any(stream.is_store for stream in streams)
