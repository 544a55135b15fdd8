"""Where one region is decided on: by the user, by gcc, by the store, or by trying rewrites."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from llmcc.config import Config, is_skipped
from llmcc.eligibility import Eligibility
from llmcc.native.identity import generation
from llmcc.outcome import Outcome, Refusal
from llmcc.regions.model import Region
from llmcc.splice import unlabelled_exits
from llmcc.store.keys import cpu_name, region_identity, region_key
from llmcc.store.lock import Lock
from llmcc.store.records import DecisionStore, RegionDecision
from llmcc.store.refused import RefusedTexts

# Endings that say nothing about the loop: another try may end otherwise, so they are not kept.
PASSING = frozenset(
    {
        Outcome.BUDGET_SPENT,
        Outcome.INTERNAL_ERROR,
        Outcome.MACHINE_TOO_NOISY,
        Outcome.SANDBOX_UNSAFE,
    }
)


class Rewriter(Protocol):
    """Finds the best rewrite of one region; `llmcc.rewrite_region` holds the real one."""

    def rewrite(self, region: Region, function_text: str) -> RegionDecision:
        """Take a region through propose, gate, verify, measure and decide."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What a unit is optimised with."""

    config: Config
    decisions: DecisionStore
    ask_eligibility: Callable[[str], Eligibility]  # of a unit's text
    make_rewriter: Callable[[], Rewriter]  # called when a region has to be tried
    lock: Lock | None = None  # if there is one, only it decides
    cpu: Callable[[], str] = cpu_name  # what timings hold for
    clock: Callable[[], float] = time.monotonic  # seconds


class Workshop:
    """Knows and makes decisions under one set of settings, within a budget that begins now."""

    def __init__(self, context: Context) -> None:
        """Read what decisions are filed under: llmcc's version, the CPU and the settings."""
        config = context.config
        self.config = config
        self._context = context
        self._deadline_s = context.clock() + config.budget_s
        self._generation = generation()
        self._cpu = context.cpu()
        # A decision made under one requirement says nothing of what another would have given.
        self._proposer = f"{config.backend} {config.sample_count} {config.seed} {config.require}"
        self._refused = RefusedTexts(config.cache)
        self._rewriter: Rewriter | None = None

    def known(self, region: Region, eligibility: Eligibility) -> RegionDecision | None:
        """Return the user's word on a region, gcc's or the store's; None: it is to be tried."""
        refusal = refusal_before_trying(region, eligibility, self.config)
        if refusal is not None:
            return refusal
        key = self.key(region)
        decisions = self._context.decisions
        known = decisions.get(key) or decisions.get_remote(
            key, is_allowed=lambda decision: _is_allowed(region, decision)
        )
        return None if known is None else self._unless_refused(known)

    def is_late(self) -> bool:
        """Tell whether the budget is spent."""
        return self._context.clock() >= self._deadline_s

    def attempt(self, region: Region, function_text: str) -> RegionDecision:
        """Try a region."""
        if self._rewriter is None:
            self._rewriter = self._context.make_rewriter()
        return self._unless_refused(self._rewriter.rewrite(region, function_text))

    def keep(self, region: Region, decision: RegionDecision) -> None:
        """Put a decision into the store, if it says something about the region.

        Raises:
            OSError: the store cannot be written.
        """
        if decision.outcome not in PASSING:
            self._context.decisions.put(self.key(region), decision)

    def key(self, region: Region) -> str:
        """Return what the decision on a region is filed under."""
        return region_key(
            region, generation=self._generation, cpu=self._cpu, proposer=self._proposer
        )

    def _unless_refused(self, decision: RegionDecision) -> RegionDecision:
        """Accept no text that a test of the user has failed with, or that he has reverted."""
        if decision.outcome is not Outcome.ACCEPTED:
            return decision
        refusal = self._refused.refusal(decision.isa, decision.rewrite)
        if refusal is None:
            return decision
        return replace(decision, outcome=refusal.outcome, detail=refusal.detail)


def locked_decision(
    region: Region, eligibility: Eligibility, config: Config, lock: Lock
) -> RegionDecision:
    """Decide on a region by a lock file, the user's and gcc's word before it.

    The gate looks at the text again: it is code, whoever has committed it.
    """
    refusal = refusal_before_trying(region, eligibility, config)
    if refusal is not None:
        return refusal
    path = lock.paths.get(region_identity(region))
    if path is None:
        return RegionDecision(Outcome.NOT_LOCKED)
    gated = _gate(region, path.decision)
    if gated is not None:
        return replace(path.decision, outcome=gated.outcome, detail=gated.detail)
    if exits := unlabelled_exits(region, path.rewrite):
        detail = f"gcc's text has no label to reach {exits[0]} by"
        return replace(path.decision, outcome=Outcome.GATE_BAD_BRANCH, detail=detail)
    return path.decision


def refusal_before_trying(
    region: Region, eligibility: Eligibility, config: Config
) -> RegionDecision | None:
    """Return the user's or gcc's word that a region is to be left alone; None without."""
    if is_skipped(region.function, config.skip):
        return RegionDecision(Outcome.SKIPPED_BY_USER)
    refusal = eligibility.refusal(region.function)
    return None if refusal is None else RegionDecision(refusal.outcome, detail=refusal.detail)


def _is_allowed(region: Region, decision: RegionDecision) -> bool:
    """Check what came from afar like a proposal: it is code, whoever has accepted it."""
    if decision.outcome is not Outcome.ACCEPTED:
        return decision.outcome not in PASSING
    return _gate(region, decision) is None


def _gate(region: Region, decision: RegionDecision) -> Refusal | None:
    # capstone is loaded only when there is something to decode.
    from llmcc.gate.check import check_again

    return check_again(region, decision.rewrite, isa=decision.isa)
