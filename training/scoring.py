"""Judge proposals by llmcc's own gate and verification; there is no second validator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from llmcc.outcome import Refusal
from llmcc.propose import Proposal
from llmcc.regions.model import Region

# Says of each proposal, in order, whether it is right; lazily, so that a caller may stop early.
Score = Callable[[Region, Sequence[Proposal]], Iterable[bool]]


def validator(seed: int) -> Score:
    """Make the score that the product itself would give, in a fresh sandbox for each region."""
    from llmcc.gate.check import check
    from llmcc.sandbox.runner import Sandbox
    from llmcc.verify.battery import Battery
    from llmcc.verify.verify import Verified, verify

    def score(region: Region, proposals: Sequence[Proposal]) -> Iterator[bool]:
        with Sandbox() as sandbox:
            battery = Battery.build(region, sandbox=sandbox, seed=seed)
            for gated in check(region, proposals):
                if isinstance(gated, Refusal) or isinstance(battery, Refusal):
                    yield False
                    continue
                verdict = verify(region, gated, sandbox=sandbox, seed=seed, battery=battery)
                yield isinstance(verdict, Verified)

    return score
