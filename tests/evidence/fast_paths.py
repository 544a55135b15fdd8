"""Accepted fast paths of the bench kernels: proposals of model and teachers that llmcc takes.

Accepted means gate and two whole verifications with different seeds. Timing is left out: whether a
rewrite is right does not depend on its speed, and a slow one is as good a test of the battery.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmcc.backends.embedded.backend import EmbeddedBackend
from llmcc.gate.check import Gated, check
from llmcc.outcome import Refusal
from llmcc.propose import Proposal, Request
from llmcc.regions.model import Region
from llmcc.sandbox.runner import Sandbox
from llmcc.training.corpus import shape_key
from llmcc.training.experts import is_packed
from llmcc.training.families.vector import NotExpressible
from llmcc.training.widen import widen
from llmcc.verify.battery import Battery
from llmcc.verify.verify import Verified, verify
from tests.evidence.kernel_teachers import taught
from tests.evidence.kernel_units import KernelRegion

ISAS = ("avx512", "avx2")
SEEDS = (1, 0x5EED)
_SAMPLES = 6
_PATHS_MOST = 2  # of one region and ISA: more loops are worth more than rewrites of one


@dataclass(frozen=True, slots=True)
class AcceptedPath:
    """A rewrite of one kernel's loop that llmcc would take, were it fast enough."""

    kernel: str
    level: str  # "-O2" or "-O3"
    number: int  # of the region in its unit
    isa: str
    backend: str  # "embedded" or "teacher"
    rank: int  # among the accepted rewrites of its region
    text: str  # in the gate's normal form

    @property
    def name(self) -> str:
        """What a report calls it."""
        return f"{self.kernel} {self.level} #{self.number} {self.isa} {self.backend} {self.rank}"


def find_paths(
    place: KernelRegion, *, backend: EmbeddedBackend, sandbox: Sandbox
) -> Iterator[AcceptedPath]:
    """Yield every accepted rewrite of one region, each text once."""
    region = place.region
    batteries: list[Battery] = []
    for seed in SEEDS:
        battery = Battery.build(region, sandbox=sandbox, seed=seed)
        if isinstance(battery, Refusal):
            return
        batteries.append(battery)
    rank = 0
    for isa in (isa for isa in ISAS if isa in sandbox.features()):
        most = rank + _PATHS_MOST
        for gated in _distinct(check(region, _proposals(place, isa, backend))):
            if rank == most:
                break
            if _is_spliced(region, gated) and all(
                _is_verified(region, gated, battery, sandbox) for battery in batteries
            ):
                by = gated.proposal.backend
                yield AcceptedPath(
                    place.kernel, place.home.level, place.number, isa, by, rank, gated.text
                )
                rank += 1


def _distinct(answers: Sequence[Gated | Refusal]) -> list[Gated]:
    """Keep one of those that differ in the names of registers only."""
    shapes: dict[str, Gated] = {}
    for answer in answers:
        if isinstance(answer, Gated):
            shapes.setdefault(shape_key(answer.text), answer)
    return list(shapes.values())


def _proposals(place: KernelRegion, isa: str, backend: EmbeddedBackend) -> list[Proposal]:
    texts = _widened(place.region, isa) or taught(place.kernel, place.region, isa)
    proposed = backend.propose(Request(place.region, isa), _SAMPLES)
    return [*(Proposal(text, isa, 0.0, "teacher") for text in texts), *proposed]


def _widened(region: Region, isa: str) -> tuple[str, ...]:
    try:
        return (widen(region, isa),) if is_packed(region) else ()
    except NotExpressible:
        return ()


def _is_spliced(region: Region, gated: Gated) -> bool:
    """Tell whether gcc's text has a label for every exit the rewrite jumps to."""
    words = gated.text.split()
    labels = region.placement.exit_labels
    return all(label or f".LX{number}" not in words for number, label in enumerate(labels))


def _is_verified(region: Region, gated: Gated, battery: Battery, sandbox: Sandbox) -> bool:
    verdict = verify(region, gated, sandbox=sandbox, seed=battery.seed, battery=battery)
    return isinstance(verdict, Verified)
