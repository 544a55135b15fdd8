"""Verdicts on rewrites of one region: out of the store where they are known, else by running.

What is known holds on every CPU; so on another one, with the same store, only timing is left to do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple

from llmcc.config import LEVELS
from llmcc.gate.check import Gated
from llmcc.outcome import Refusal
from llmcc.prove.level import Level
from llmcc.prove.prove import BUDGET_S, PATIENT_BUDGET_S, Rewrite, find_level
from llmcc.regions.model import Region
from llmcc.sandbox.runner import Sandbox
from llmcc.store.verdicts import KnownLevel, Verdicts
from llmcc.verify.battery import Battery
from llmcc.verify.counterexamples import CounterExamples
from llmcc.verify.verify import Verified, verify

TESTS = 10_000
# The second verification starts from states the first has not seen.
_SECOND_SEED_STEP = 0x5EED


class Judge:
    """Judges rewrites of one region; its battery is built when something has to be run."""

    def __init__(self, region: Region, sandbox: Sandbox, *, seed: int, verdicts: Verdicts) -> None:
        self._region = region
        self._sandbox = sandbox
        self._seed = seed
        self._verdicts = verdicts
        self._battery: Battery | Refusal | None = None

    def refusal(self) -> Refusal | None:
        """Say why the region cannot be tested; where it is known to be, nothing is run."""
        key = self._verdicts.key(self._region, f"testable {self._seed}")
        if self._verdicts.is_known_to_hold(key):
            return None
        battery = self._build()
        if isinstance(battery, Refusal):
            return battery
        self._verdicts.keep_yes(key)
        return None

    def first(self, gated: Gated) -> Verified | Refusal:
        """Verify a rewrite, with the battery that all of the region share."""
        return self._ask(gated, f"verify {self._seed} {TESTS}", self._first)

    def again(self, gated: Gated, *, tests: int, known_score: float | None) -> Verified | Refusal:
        """Verify from other states; the mutation score of the region is known by now."""
        seed = self._seed + _SECOND_SEED_STEP
        return self._ask(
            gated,
            f"verify {seed} {tests} {known_score!r}",
            lambda gated: verify(
                self._region,
                gated,
                sandbox=self._sandbox,
                seed=seed,
                tests=tests,
                known_score=known_score,
            ),
        )

    def level(self, gated: Gated, verified: Verified, *, is_patient: bool) -> Level | Refusal:
        """Find what can be shown beyond the tests."""
        budget_s = PATIENT_BUDGET_S if is_patient else BUDGET_S
        question = f"prove {self._seed} {budget_s}"
        key = self._verdicts.key(self._region, question, isa=gated.isa, rewrite=gated.text)
        known = self._verdicts.level(key)
        if known is not None:
            return known if isinstance(known, Refusal) else Level(*astuple(known))
        level = find_level(
            self._region,
            Rewrite(gated.text, gated.isa, verified.tests, verified.mutation_score),
            sandbox=self._sandbox,
            seed=self._seed,
            budget_s=budget_s,
        )
        if isinstance(level, Refusal):
            self._verdicts.keep_level(key, level)
        elif level.name != LEVELS[0]:
            # That nothing was shown may be for want of time.
            self._verdicts.keep_level(key, KnownLevel(level.name, level.text, level.detail))
        return level

    def _ask(
        self, gated: Gated, question: str, answer: Callable[[Gated], Verified | Refusal]
    ) -> Verified | Refusal:
        key = self._verdicts.key(self._region, question, isa=gated.isa, rewrite=gated.text)
        verdict = self._verdicts.verified(key, gated)
        if verdict is None:
            verdict = answer(gated)
            self._verdicts.keep_verified(key, verdict)
        return verdict

    def _first(self, gated: Gated) -> Verified | Refusal:
        battery = self._build()
        if isinstance(battery, Refusal):
            return battery
        return verify(
            self._region,
            gated,
            sandbox=self._sandbox,
            seed=self._seed,
            tests=TESTS,
            battery=battery,
        )

    def _build(self) -> Battery | Refusal:
        if self._battery is None:
            self._battery = Battery.build(
                self._region,
                sandbox=self._sandbox,
                seed=self._seed,
                counterexamples=CounterExamples(self._sandbox.cache),
            )
        return self._battery
