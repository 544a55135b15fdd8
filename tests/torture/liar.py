"""A rewriter whose rewrites are all wrong: what the torture must notice."""

from __future__ import annotations

from dataclasses import dataclass

from llmcc.outcome import Outcome
from llmcc.regions.model import Region
from llmcc.store.records import RegionDecision


@dataclass(frozen=True, slots=True)
class Liar:
    """Accepts a rewrite that leaves out the first iteration of every loop."""

    def rewrite(self, region: Region, function_text: str) -> RegionDecision:
        """Decide as `llmcc.pipeline.Rewriter` does, without a look."""
        step = region.contract.inductions[0]
        rewrite = f"\taddq\t${step.step}, %{step.register}\n\tjmp\t.LH\n"
        return RegionDecision(Outcome.ACCEPTED, isa="avx2", rewrite=rewrite)
