"""The way of one region: propose, gate, verify, measure, decide; and verify once more."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from llmcc.backends.embedded.backend import EmbeddedBackend
from llmcc.config import LEVELS, Config
from llmcc.decide import Decision, decide
from llmcc.errors import LlmccError
from llmcc.gate.check import Gated, check
from llmcc.judge import TESTS, Judge
from llmcc.measure.eprocess import ALPHA
from llmcc.measure.model import DECIDING_NAMES, Measured
from llmcc.measure.rounds import measure
from llmcc.native.identity import generation
from llmcc.outcome import Outcome, OutcomeClass, Refusal
from llmcc.propose import Backend, Proposal, Request
from llmcc.prove.level import Level, is_enough
from llmcc.regions.model import Region
from llmcc.sandbox.runner import Sandbox
from llmcc.sandbox.selftest import open_checked_sandbox
from llmcc.splice import unlabelled_exits
from llmcc.states.blob import baseline_blob, guarded_blob
from llmcc.states.buckets import timing_buckets
from llmcc.store.entries import Remote
from llmcc.store.records import RegionDecision, SpeedupInterval
from llmcc.store.verdicts import Verdicts
from llmcc.verify.verify import Verified

# Best first: a region that has a rewrite for the first is not tried with the next.
_ISAS = ("avx512", "avx2")
# Timing is the dearest stage, and the model's third choice is seldom better than its first two.
_MEASURED_MOST = 2
# All rewrites of a region together may be accepted by chance as often as one alone.
_ALPHA_EACH = ALPHA / (_MEASURED_MOST * len(_ISAS))
# What is so much faster may be so because it does less: it is looked at for longer.
_SUSPICIOUS_RATIO = 8.0
_SUSPICIOUS_TESTS = 30_000
# No further rewrite of a region is looked at after this long: one verification, one timing and one
# attempt at a proof (1 to 2 s, 4 to 8 s where LLMCC_REQUIRE asks for it) still follow at most.
_LIMIT_S = 3.0
_PROGRESS = {outcome: position for position, outcome in enumerate(Outcome)}


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A proposal and what the gate made of it."""

    proposal: Proposal
    gated: Gated | Refusal


class UnknownBackend(LlmccError):
    """The configured backend does not exist."""


class RegionRewriter:
    """Takes regions through the stages, with one backend and one sandbox."""

    def __init__(
        self,
        config: Config,
        *,
        backend: Backend | None = None,
        sandbox: Sandbox | None = None,
        clock: Callable[[], float] = time.monotonic,
        measure: Callable[..., Measured | Refusal] = measure,
        remote: Remote | None = None,
    ) -> None:
        """Make the backend that `config` names and a sandbox, unless they are given.

        `measure` times a rewrite; tests that want many fast paths give one that likes them all.

        Raises:
            UnknownBackend: there is no such backend.
        """
        self._sample_count = config.sample_count
        self._seed = config.seed
        self._require = config.require
        self._clock = clock
        self._measure = measure
        self._backend = _make_backend(config) if backend is None else backend
        self._sandbox = open_checked_sandbox(config.cache) if sandbox is None else sandbox
        self._verdicts = Verdicts(config.cache, generation=generation(), remote=remote)

    def rewrite(self, region: Region, function_text: str) -> RegionDecision:
        """Find the best rewrite of a region, or say why there is none.

        The decision's evidence holds how many `seconds` it took.
        """
        started_s = self._clock()
        decision = self._decide(region, function_text, deadline_s=started_s + _LIMIT_S)
        seconds = round(self._clock() - started_s, 3)
        return replace(decision, evidence={**decision.evidence, "seconds": seconds})

    def _decide(self, region: Region, function_text: str, *, deadline_s: float) -> RegionDecision:
        sandbox = self._sandbox
        if isinstance(sandbox, Refusal):
            return RegionDecision(sandbox.outcome, sandbox.detail)
        features = sandbox.features()
        # Of AVX-512 nothing is modelled, so nothing beyond tests can be shown.
        wanted = _ISAS if self._require == LEVELS[0] else ("avx2",)
        isas = [isa for isa in wanted if isa in features]
        if not isas:
            return RegionDecision(Outcome.CPU_WITHOUT_ISA)
        judge = Judge(region, sandbox, seed=self._seed, verdicts=self._verdicts)
        if refusal := judge.refusal():
            return RegionDecision(refusal.outcome, refusal.detail, seed=self._seed)
        attempt = _Attempt(
            region,
            judge,
            sandbox,
            self._seed,
            require=self._require,
            is_late=lambda: self._clock() >= deadline_s,
            measure=self._measure,
        )
        endings: list[RegionDecision] = []
        for isa in isas:
            request = Request(region, isa, function_text)
            proposals = self._backend.propose(request, self._sample_count)
            endings.append(attempt.best_of(isa, _best_first(proposals, check(region, proposals))))
            if _ends_region(endings[-1].outcome):
                return endings[-1]
            if attempt.is_late():
                break
        return max(endings, key=_worth)


class _Attempt:
    """Verifies and times the rewrites of one region."""

    def __init__(
        self,
        region: Region,
        judge: Judge,
        sandbox: Sandbox,
        seed: int,
        *,
        require: str,
        is_late: Callable[[], bool],
        measure: Callable[..., Measured | Refusal],
    ) -> None:
        self.is_late = is_late
        self._measure = measure
        self._region = region
        self._judge = judge
        self._sandbox = sandbox
        self._seed = seed
        self._require = require

    def best_of(self, isa: str, candidates: Sequence[_Candidate]) -> RegionDecision:
        """Decide on the rewrites for one ISA; the ending that came furthest stands for them all."""
        endings = [RegionDecision(Outcome.NO_PROPOSAL, isa=isa, seed=self._seed)]
        verified: list[Verified] = []
        for candidate in candidates:
            verdict = self._verify(candidate.gated)
            if isinstance(verdict, Verified):
                verified.append(verdict)
            else:
                endings.append(self._refused(verdict, candidate.proposal))
            is_enough = len(verified) == _MEASURED_MOST or self.is_late()
            if is_enough or _ends_region(endings[-1].outcome):
                break
        for rewrite in verified:
            endings.append(self._time(rewrite))
            if self.is_late():
                break
        return max(endings, key=_worth)

    def _verify(self, gated: Gated | Refusal) -> Verified | Refusal:
        if isinstance(gated, Refusal):
            return gated
        verdict = self._judge.first(gated)
        if isinstance(verdict, Verified) and (exits := unlabelled_exits(self._region, gated.text)):
            # In the sandbox every exit can be jumped to; as asked, the unit would not assemble.
            detail = f"gcc's text has no label to reach {exits[0]} by"
            return Refusal(Outcome.GATE_BAD_BRANCH, detail)
        return verdict

    def _time(self, verified: Verified) -> RegionDecision:
        gated = verified.gated
        assert isinstance(gated, Gated)
        buckets = timing_buckets(self._region, seed=self._seed, sandbox=self._sandbox)
        if isinstance(buckets, Refusal):
            return self._refused(buckets, gated.proposal)
        guarded = guarded_blob(self._region, gated.text, gated.isa)
        if isinstance(guarded, Refusal):
            return self._refused(guarded, gated.proposal)
        measured = self._measure(
            baseline_blob(self._region),
            guarded,
            buckets,
            sandbox=self._sandbox,
            seed=self._seed,
            alpha=_ALPHA_EACH,
        )
        if isinstance(measured, Refusal):
            return self._refused(measured, gated.proposal)
        decision = decide(measured)
        made = _decided(decision, verified, gated, measured, seed=self._seed)
        if decision.outcome is not Outcome.ACCEPTED:
            return made
        again = self._verify_again(verified, gated, decision)
        if isinstance(again, Refusal):
            return self._refused(again, gated.proposal)
        is_patient = self._require != LEVELS[0]
        level = self._judge.level(gated, verified, is_patient=is_patient)
        if isinstance(level, Refusal):
            return self._refused(level, gated.proposal)
        return with_level(made, level, required=self._require)

    def _verify_again(
        self, verified: Verified, gated: Gated, decision: Decision
    ) -> Verified | Refusal:
        is_suspicious = decision.low_ratio > _SUSPICIOUS_RATIO
        tests = _SUSPICIOUS_TESTS if is_suspicious else TESTS
        return self._judge.again(gated, tests=tests, known_score=verified.mutation_score)

    def _refused(self, refusal: Refusal, proposal: Proposal) -> RegionDecision:
        return RegionDecision(
            refusal.outcome,
            detail=refusal.detail,
            isa=proposal.isa,
            rewrite=proposal.text,
            backend=proposal.backend,
            seed=self._seed,
        )


def with_level(accepted: RegionDecision, level: Level, *, required: str) -> RegionDecision:
    """Note the level of an accepted rewrite; LEVEL_NOT_REACHED when it is weaker than required."""
    if not is_enough(level.text, required):
        detail = f"{level.text}: {level.sentence}"
        return replace(accepted, outcome=Outcome.LEVEL_NOT_REACHED, detail=detail)
    return replace(accepted, level=level.text, level_detail=level.sentence)


def _decided(
    decision: Decision, verified: Verified, gated: Gated, measured: Measured, *, seed: int
) -> RegionDecision:
    evidence: dict[str, float] = {
        "states": verified.tests,
        "log_probability": gated.proposal.log_probability,
        "instructions": gated.instruction_count,
        "e_value": measured.e_value,
    }
    if verified.mutation_score is not None:
        evidence["mutation_score"] = verified.mutation_score
    for bucket in measured.buckets:
        evidence[f"{bucket.name}_speedup_ratio"] = bucket.speedup_ratio
        evidence[f"{bucket.name}_low_ratio"] = bucket.low_ratio
        evidence[f"{bucket.name}_high_ratio"] = bucket.high_ratio
        evidence[f"{bucket.name}_baseline_ns"] = bucket.baseline_ns
    return RegionDecision(
        decision.outcome,
        detail=decision.detail,
        isa=gated.isa,
        rewrite=gated.text,
        backend=gated.proposal.backend,
        speedup=_speedup(measured),
        seed=seed,
        evidence=evidence,
    )


def _speedup(measured: Measured) -> SpeedupInterval:
    """Take the geometric mean over the buckets that decide, of each end of the interval too."""
    buckets = [bucket for bucket in measured.buckets if bucket.name in DECIDING_NAMES]
    buckets = buckets or list(measured.buckets)

    def mean(ratios: Sequence[float]) -> float:
        return math.exp(sum(map(math.log, ratios)) / len(ratios))

    return SpeedupInterval(
        ratio=mean([bucket.speedup_ratio for bucket in buckets]),
        low=mean([bucket.low_ratio for bucket in buckets]),
        high=mean([bucket.high_ratio for bucket in buckets]),
    )


def _best_first(
    proposals: Sequence[Proposal], answers: Sequence[Gated | Refusal]
) -> list[_Candidate]:
    """Order by the model's confidence, then by length; what the gate refused comes last."""

    def rank(candidate: _Candidate) -> tuple[bool, float, int]:
        gated = candidate.gated
        length = 0 if isinstance(gated, Refusal) else gated.instruction_count
        return isinstance(gated, Refusal), -candidate.proposal.log_probability, length

    return sorted(map(_Candidate, proposals, answers), key=rank)


def _ends_region(outcome: Outcome) -> bool:
    """Tell whether an ending holds whatever else is proposed."""
    return outcome.kind in (
        OutcomeClass.ACCEPTED,
        OutcomeClass.INELIGIBLE,
        OutcomeClass.ENVIRONMENT,
    )


def _worth(decision: RegionDecision) -> tuple[int, float, int]:
    """Order endings: those that end the region, then the fastest accepted, then the furthest."""
    low_ratio = decision.speedup.low if decision.speedup else 0.0
    is_accepted = decision.outcome is Outcome.ACCEPTED
    rank = 2 if is_accepted else 1 if _ends_region(decision.outcome) else 0
    # Outcomes are listed in the order of the stages.
    return rank, low_ratio if is_accepted else 0.0, _PROGRESS[decision.outcome]


def _make_backend(config: Config) -> Backend:
    if config.backend != "embedded":
        raise UnknownBackend(f"LLMCC_BACKEND: there is no backend called {config.backend!r}")
    return EmbeddedBackend(seed=config.seed)
