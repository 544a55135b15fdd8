"""One fast path's trial: the oracle's word on each mutant, and whether llmcc refuses the wrong.

A mutant is refused when the gate, a fresh battery, or the second verification that follows timing
refuses it. A survivor is one that the oracle finds wrong and all three let through.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from llmcc.gate.check import Gated, check
from llmcc.outcome import Outcome, Refusal
from llmcc.propose import Proposal
from llmcc.sandbox.runner import Sandbox
from llmcc.verify.battery import Battery
from llmcc.verify.verify import verify
from tests.evidence.fast_paths import AcceptedPath
from tests.evidence.kernel_units import KernelRegion
from tests.evidence.mutations import MutantSet, RewriteMutant, mutants_of
from tests.evidence.oracle import Judged, Judgement, Oracle

PASSED = "passed"
NOT_TRIED = "not tried"  # right by the oracle, and not drawn to be verified
_SEED = 0xF2E5  # of the fresh battery: not one the path was accepted with
_SECOND_SEED_STEP = 0x5EED
_GATE_BATCH = 60


@dataclass(frozen=True, slots=True)
class MutantRow:
    """How one mutant ended."""

    kind: str  # its class, see mutations.CLASSES
    judged: str  # name of a Judged
    outcome: str  # name of the Outcome it was refused with, PASSED or NOT_TRIED
    stage: str  # "gate", "verify", "second" or "" when nothing refused it


@dataclass(frozen=True, slots=True)
class Survivor:
    """A wrong mutant that nothing refused: a hole."""

    path: str
    kind: str
    line: int
    before: str
    after: str
    text: str  # of the whole mutant
    judged: str
    call: str  # the first call it is wrong in


@dataclass(frozen=True, slots=True)
class Trial:
    """All mutants of one accepted path."""

    path: str
    region: str
    original: str  # name of the Judged of the path itself: SAME, or the oracle found a hole
    not_assembled: int
    duplicates: int
    rows: tuple[MutantRow, ...]
    survivors: tuple[Survivor, ...]


def all_mutants(place: KernelRegion, path: AcceptedPath) -> MutantSet:
    """Make the mutants of a path; jumps go only to exits that gcc's text has a label for."""
    labels = place.region.placement.exit_labels
    exits = [f".LX{number}" for number, label in enumerate(labels) if label]
    sizes = [access.size_bytes for access in place.region.contract.accesses]
    return mutants_of(path.text, targets=(".LH", *exits), element_bytes=min(sizes, default=8))


class Judge:
    """Says how mutants of one region end; its battery is shared by all of them."""

    def __init__(self, place: KernelRegion, oracle: Oracle, sandbox: Sandbox) -> None:
        self._place = place
        self._oracle = oracle
        self._sandbox = sandbox
        self._batteries: dict[int, Battery | Refusal] = {}

    def try_path(self, path: AcceptedPath, made: MutantSet, *, right_sample: int) -> Trial:
        """Try every mutant; of those the oracle finds right, verify only so many."""
        gated = self._gate(path, made.mutants)
        kept = [
            (mutant, answer)
            for mutant, answer in zip(made.mutants, gated, strict=True)
            if not _is_no_code(answer)
        ]
        texts = [path.text, *(mutant.text for mutant, _ in kept)]
        original, *judgements = self._oracle.judge(self._place, path.isa, texts)
        right = [n for n, judgement in enumerate(judgements) if judgement.verdict is Judged.SAME]
        drawn = set(random.Random(path.name).sample(right, min(right_sample, len(right))))
        rows: list[MutantRow] = []
        survivors: list[Survivor] = []
        for number, ((mutant, answer), judgement) in enumerate(zip(kept, judgements, strict=True)):
            is_wrong = judgement.verdict is not Judged.SAME
            is_tried = is_wrong or number in drawn or isinstance(answer, Refusal)
            stage, outcome = self._ending(answer) if is_tried else ("", NOT_TRIED)
            rows.append(MutantRow(mutant.kind, judgement.verdict.name, outcome, stage))
            if is_wrong and outcome == PASSED:
                survivors.append(self._survivor(path, mutant, judgement))
        return Trial(
            path.name,
            self._place.name,
            original.verdict.name,
            len(made.mutants) - len(kept),
            made.duplicates,
            tuple(rows),
            tuple(survivors),
        )

    def _gate(self, path: AcceptedPath, mutants: Sequence[RewriteMutant]) -> list[Gated | Refusal]:
        answers: list[Gated | Refusal] = []
        for start in range(0, len(mutants), _GATE_BATCH):
            batch = mutants[start : start + _GATE_BATCH]
            proposals = [Proposal(mutant.text, path.isa, 0.0, "mutant") for mutant in batch]
            answers += check(self._place.region, proposals)
        return answers

    def _ending(self, answer: Gated | Refusal) -> tuple[str, str]:
        """Name the stage that refuses a mutant, and how; as `rewrite_region` would, but timing."""
        if isinstance(answer, Refusal):
            return "gate", answer.outcome.name
        for stage, seed in (("verify", _SEED), ("second", _SEED + _SECOND_SEED_STEP)):
            battery = self._battery(seed)
            if isinstance(battery, Refusal):
                return stage, battery.outcome.name
            verdict = verify(
                self._place.region, answer, sandbox=self._sandbox, seed=seed, battery=battery
            )
            if isinstance(verdict, Refusal):
                return stage, verdict.outcome.name
        return "", PASSED

    def _battery(self, seed: int) -> Battery | Refusal:
        if seed not in self._batteries:
            self._batteries[seed] = Battery.build(
                self._place.region, sandbox=self._sandbox, seed=seed
            )
        return self._batteries[seed]

    def _survivor(
        self, path: AcceptedPath, mutant: RewriteMutant, judgement: Judgement
    ) -> Survivor:
        case = self._oracle.cases[judgement.case]
        at = {
            f"{name}": f"{array.arena}+{array.at}"
            for name, array in zip("abo", case.arrays, strict=True)
        }
        call = f"case {judgement.case}: n = {case.n}, k = {case.k}, arena+offset of a, b, out: {at}"
        return Survivor(
            path.name,
            mutant.kind,
            mutant.line,
            mutant.before,
            mutant.after,
            mutant.text,
            judgement.verdict.name,
            call,
        )


def _is_no_code(answer: Gated | Refusal) -> bool:
    return isinstance(answer, Refusal) and answer.outcome is Outcome.GATE_DOES_NOT_ASSEMBLE
