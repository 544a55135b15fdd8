"""Fill a store with the training teachers' rewrites, so that a compile finds fast paths to apply.

A rewrite that passes gate and battery is accepted without being timed: the more fast paths, the
more there is to check. llmcc then compiles as always and finds these decisions in its store.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from llmcc.config import read_config
from llmcc.eligibility import Driver
from llmcc.gate.check import Gated, check
from llmcc.outcome import Outcome, Refusal
from llmcc.pipeline import Rewriter, make_context, optimise_unit
from llmcc.propose import Proposal
from llmcc.regions.model import Region
from llmcc.sandbox.runner import Sandbox
from llmcc.store.records import LoopRecord, RegionDecision
from llmcc.toolchain import find_gcc, run_gcc
from llmcc.training.experts import ISAS, expert_rewrites
from llmcc.training.families.spec import LoopSpec
from llmcc.verify.battery import Battery
from llmcc.verify.verify import Verified, verify

_GCC_TIMEOUT_S = 120
_BUDGET_S = 3600.0


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


def teach(
    rewriter: Rewriter, arguments: Sequence[str], *, folder: Path, cache: Path
) -> tuple[LoopRecord, ...]:
    """Have `rewriter` decide on all loops of a compile in `folder`, for the store in `cache`."""
    gcc = find_gcc()
    started_ns = time.time_ns()
    command = [str(gcc), *arguments]
    made = run_gcc([*command, "-S", "-o", "-"], cwd=folder, timeout_s=_GCC_TIMEOUT_S)
    driver = Driver(gcc, tuple(command), folder, started_ns)
    # Decisions are filed under the settings: they must be those of the compile that follows.
    config = read_config({"LLMCC_DIR": str(cache), "LLMCC_STRICT": "1"})
    context = replace(
        make_context(replace(config, budget_s=_BUDGET_S), driver), make_rewriter=lambda: rewriter
    )
    return optimise_unit(made.stdout.decode("latin-1"), context).records
