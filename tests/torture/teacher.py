"""The training teachers' rewrites instead of the model's: verified, but not timed.

The more fast paths, the more there is to check.
"""

from __future__ import annotations

from collections.abc import Sequence

from llmcc.gate.check import Gated, check
from llmcc.outcome import Outcome, Refusal
from llmcc.propose import Proposal
from llmcc.regions.model import Region
from llmcc.sandbox.runner import Sandbox
from llmcc.store.records import RegionDecision
from llmcc.training.experts import ISAS, expert_rewrites
from llmcc.training.families.spec import LoopSpec
from llmcc.verify.battery import Battery
from llmcc.verify.verify import Verified, verify


class TeacherRewriter:
    """Decides on the loops of functions f0, f1, … by their specifications."""

    def __init__(self, specs: Sequence[LoopSpec], sandbox: Sandbox, *, seed: int) -> None:
        self._specs = specs
        self._sandbox = sandbox
        self._seed = seed

    def rewrite(self, region: Region, function_text: str) -> RegionDecision:
        """Accept the first rewrite of a teacher that is verified."""
        battery = Battery.build(region, sandbox=self._sandbox, seed=self._seed)
        if isinstance(battery, Refusal):
            return RegionDecision(battery.outcome, battery.detail)
        last = Refusal(Outcome.NO_PROPOSAL)
        spec = self._specs[int(region.function.partition(".")[0].removeprefix("f"))]
        features = self._sandbox.features()
        for isa in (isa for isa in ISAS if isa in features):
            texts = expert_rewrites(region, spec, isa)
            for gated in check(region, [Proposal(text, isa, 0.0, "teacher") for text in texts]):
                verdict = self._verdict(region, gated, battery)
                if isinstance(verdict, Verified):
                    text = verdict.gated.text
                    return RegionDecision(Outcome.ACCEPTED, "", isa, text, "teacher")
                last = verdict
        return RegionDecision(last.outcome, last.detail)

    def _verdict(
        self, region: Region, gated: Gated | Refusal, battery: Battery
    ) -> Verified | Refusal:
        if isinstance(gated, Refusal):
            return gated
        return verify(region, gated, sandbox=self._sandbox, seed=self._seed, battery=battery)
