"""All tests of one region: states in chunks and gcc's ends, made once for all its rewrites."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from llmcc.outcome import Outcome, Refusal
from llmcc.regions.model import Region
from llmcc.sandbox.model import Blob, Ends, States
from llmcc.states.blob import baseline_blob, loop_range
from llmcc.states.generate import Learnt, learn, make_roomy_states, make_states
from llmcc.states.model import Recipe
from llmcc.states.recipe import make_recipe
from llmcc.states.trips import Length
from llmcc.verify.chunk import Chunk, Runner
from llmcc.verify.compare import Comparison
from llmcc.verify.counterexamples import MOST_KEPT, CounterExamples
from llmcc.verify.mutants import make_mutants
from llmcc.verify.stepped import Stepped, trips_to_step

_FIRST_STATES = 250
_OWN_STATES = 600  # with a rewrite's constants
_STATES = 1000
# Chunks of other than small trip counts, by their number; behind those the mutants are run on.
_LENGTHS = {7: Length.LONG, 10: Length.HUGE}
_LARGE_EVERY = 4  # one chunk of large trip counts after so many others
_MAX_CHUNKS = 100
_MIN_VALID_SHARE = 0.2
_TIMEOUT_S = 1.0
_MUTANT_TIMEOUT_S = 0.05
_SECOND_LOOK_CHUNKS = 8
QUICK_CHUNKS = 3
_FURTHER_STATES = 64
MIN_MUTATION_SCORE = 0.85


@dataclass(frozen=True, slots=True)
class MutationScore:
    """How many one-instruction mutants of gcc's loop the tests tell from it."""

    killed: int
    total: int
    survivors: tuple[str, ...]

    @property
    def share(self) -> float:
        """Killed share, 0..1; 1 when there are no mutants."""
        return self.killed / self.total if self.total else 1.0


class Battery:
    """The tests of one region under one seed; see `build`. Chunks are made when asked for."""

    @classmethod
    def build(
        cls,
        region: Region,
        *,
        sandbox: Runner,
        seed: int,
        counterexamples: CounterExamples | None = None,
    ) -> Battery | Refusal:
        """Learn how to test a region; refused like its recipe, or as NOT_A_COUNTED_STATE.

        counterexamples: where states that told rewrites apart are kept; None: only in memory.
        """
        recipe = make_recipe(region)
        if isinstance(recipe, Refusal):
            return recipe
        baseline = baseline_blob(region)

        def oracle(states: States) -> Ends:
            return sandbox.run(baseline, states, timeout_s=_TIMEOUT_S)

        learnt = learn(recipe, oracle, seed=seed)
        battery = cls(
            region,
            recipe,
            runner=sandbox,
            baseline=baseline,
            learnt=learnt,
            seed=seed,
            counterexamples=counterexamples,
        )
        if not sum(len(chunk) for chunk in battery.chunks(1)):
            return Refusal(Outcome.NOT_A_COUNTED_STATE, "gcc's loop ends from none of the states")
        return battery.weakness() or battery

    def __init__(
        self,
        region: Region,
        recipe: Recipe,
        *,
        runner: Runner,
        baseline: Blob,
        learnt: Learnt,
        seed: int,
        counterexamples: CounterExamples | None = None,
    ) -> None:
        self.region = region
        self.recipe = recipe
        self.seed = seed
        self.comparison = Comparison(region.contract)
        self._runner = runner
        self._baseline = baseline
        self._learnt = learnt
        self._chunks: list[Chunk | None] = []
        self._made = 0
        self._valid = 0
        self._score: MutationScore | None = None
        self._kept_on_disk = counterexamples
        self._kept: list[Chunk] | None = None
        self._stepped: Stepped | Refusal | None = None

    def known_chunks(self) -> list[Chunk]:
        """States that told wrong rewrites from gcc's loop before, each alone."""
        if self._kept is None:
            stored = self._kept_on_disk.of(self.region) if self._kept_on_disk else ()
            found = [Chunk(states, self._oracle(states)) for states in stored]
            self._kept = [chunk for chunk in found if (chunk.expected.exit_id >= 0).all()]
        return self._kept

    def keep(self, chunk: Chunk, row: int) -> None:
        """Remember a state that told a wrong rewrite from gcc's loop."""
        alone = chunk.part(slice(row, row + 1))
        self._kept = [alone, *self.known_chunks()][:MOST_KEPT]
        if self._kept_on_disk:
            self._kept_on_disk.keep(self.region, alone.states)

    def chunks(self, tests: int) -> Iterator[Chunk]:
        """Yield chunks until `tests` states are reached, or no more can be made."""
        seen = 0
        for number in range(_MAX_CHUNKS):
            chunk = self._chunk(number)
            if chunk is not None:
                seen += len(chunk)
                yield chunk
            if seen >= tests:
                return

    def quick_chunks(self) -> Iterator[Chunk]:
        """Yield a few hundred states over all dimensions."""
        found = (self._chunk(number) for number in range(QUICK_CHUNKS))
        yield from (chunk for chunk in found if chunk is not None)

    def chunk_with(self, constants: Sequence[int]) -> Chunk | None:
        """Make a chunk whose dictionary holds a rewrite's own constants too."""
        facts = replace(self.recipe.facts, constants=tuple(constants))
        recipe = replace(self.recipe, facts=facts)
        return self._make(
            recipe,
            replace(self._learnt, good=None, quiet=None),
            number=_MAX_CHUNKS,
            count=_OWN_STATES,
            constants=constants,
        )

    def weakness(self) -> Refusal | None:
        """Say whether too few of the states made so far were valid."""
        if self._made and self._valid < _MIN_VALID_SHARE * self._made:
            detail = f"{self._valid} of {self._made} states are valid"
            return Refusal(Outcome.NOT_A_COUNTED_STATE, detail)
        return None

    def run(self, blob: Blob, states: States, *, timeout_s: float = _TIMEOUT_S) -> Ends:
        """Run a blob in the sandbox."""
        return self._runner.run(blob, states, timeout_s=timeout_s)

    def stepped_refusal(self, rewrite: Blob, code: bytes) -> Refusal | None:
        """Single-step a rewrite, and gcc's loop the first time, and compare what they touch.

        code: the rewrite's own bytes, at the beginning of the blob.
        """
        if self._stepped is None:
            self._stepped = self._step_baseline()
        if isinstance(self._stepped, Refusal):
            return self._stepped
        return self._stepped.refuse(
            rewrite, code, runner=self._runner, is_early_exit=self.recipe.is_early_exit
        )

    def _step_baseline(self) -> Stepped | Refusal:
        trips = trips_to_step(self.recipe.small_trip, self.region.instruction_count)
        states = make_roomy_states(self.recipe, self._learnt, seed=self.seed, trips=trips)
        chunk = None if states is None else self._valid_part(states)
        if chunk is None:
            return Refusal(Outcome.NOT_A_COUNTED_STATE, "no states to step gcc's loop through")
        further = next(self.quick_chunks()).part(slice(_FURTHER_STATES)).states
        return Stepped.of(self._baseline, chunk, further=further, runner=self._runner)

    def mutation_score(self) -> MutationScore:
        """Run the mutants of gcc's loop; made once."""
        if self._score is None:
            self._score = self._mutation_score()
        return self._score

    def _mutation_score(self) -> MutationScore:
        mutants = make_mutants(self._baseline, loop_range(self.region), seed=self.seed)
        alive = list(mutants)
        for number, chunk in enumerate(
            itertools.islice(self.chunks(_STATES * 3), _SECOND_LOOK_CHUNKS)
        ):
            part = chunk if number else chunk.part(slice(150))
            alive = [
                mutant
                for mutant in alive
                if not self.comparison.wrong(
                    part.expected, self.run(mutant.blob, part.states, timeout_s=_MUTANT_TIMEOUT_S)
                ).any()
            ]
        killed = len(mutants) - len(alive)
        return MutationScore(killed, len(mutants), tuple(mutant.what for mutant in alive))

    def _chunk(self, number: int) -> Chunk | None:
        while len(self._chunks) <= number:
            position = len(self._chunks)
            count = _FIRST_STATES if position == 0 else 350 if position == 2 else _STATES
            otherwise = Length.LARGE if position % _LARGE_EVERY == 1 else Length.SMALL
            length = _LENGTHS.get(position, otherwise)
            made = self._make(
                self.recipe, self._learnt, number=position, count=count, length=length
            )
            self._chunks.append(made)
        return self._chunks[number]

    def _make(
        self,
        recipe: Recipe,
        learnt: Learnt,
        *,
        number: int,
        count: int,
        length: Length = Length.SMALL,
        constants: Sequence[int] = (),
    ) -> Chunk | None:
        states = make_states(
            recipe,
            learnt,
            self._oracle,
            seed=self.seed,
            chunk=number,
            count=count,
            length=length,
            constants=constants,
        )
        if states is None:
            return None
        valid = self._valid_part(states)
        self._made += len(states)
        self._valid += len(valid or ())
        return valid

    def _valid_part(self, states: States) -> Chunk | None:
        """Keep the states from which gcc's loop comes to an exit; None when there is none."""
        whole = Chunk(states, self._oracle(states))
        is_valid = whole.expected.exit_id >= 0
        if is_valid.all():
            return whole
        return whole.part(is_valid) if is_valid.any() else None

    def _oracle(self, states: States) -> Ends:
        return self._runner.run(self._baseline, states, timeout_s=_TIMEOUT_S)
