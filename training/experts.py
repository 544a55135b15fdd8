"""The expert side of a training pair: every rewrite the teachers know for a region."""

from __future__ import annotations

from collections.abc import Iterator

from llmcc.regions.model import Region
from llmcc.training.families.bits import bits_rewrites
from llmcc.training.families.counted import counted_rewrites
from llmcc.training.families.loop import Loop
from llmcc.training.families.search import search_rewrites
from llmcc.training.families.spec import LoopSpec
from llmcc.training.families.sums import sum_rewrites, wide_sum
from llmcc.training.families.vector import NotExpressible
from llmcc.training.widen import widen

ISAS = ("avx512", "avx2")
MAX_CANDIDATES = 8


def is_packed(region: Region) -> bool:
    """Whether gcc has vectorised the loop: it moves 16 bytes at a time."""
    return any(access.size_bytes == 16 for access in region.contract.accesses)


def loop_rewrites(region: Region, loop: Loop, isa: str) -> tuple[str, ...]:
    """Candidate rewrites of `region`, which gcc made of `loop`; testing tells which is right."""
    return _known(_packed(region, isa) if is_packed(region) else loop.rewrites(region, isa))


def expert_rewrites(region: Region, spec: LoopSpec, isa: str) -> tuple[str, ...]:
    """Candidate rewrites of `region`, which gcc made of `spec`; testing tells which is right."""
    return _known(_packed(region, isa) if is_packed(region) else spec_rewrites(region, spec, isa))


def spec_rewrites(region: Region, spec: LoopSpec, isa: str) -> Iterator[str]:
    """Yield the templates' rewrites of a scalar loop; raises NotExpressible where they end."""
    if spec.family == "popcount":
        return bits_rewrites(region, spec)
    if spec.family in ("find", "scan", "mismatch"):
        return search_rewrites(region, spec, isa)
    if (
        spec.operator == "add"
        and spec.element.name != "u8"
        and spec.accumulator_bits > spec.element.bits
    ):
        return sum_rewrites(wide_sum(spec.element, spec.accumulator_bits), region, isa)
    return counted_rewrites(region, spec, isa)


def _packed(region: Region, isa: str) -> Iterator[str]:
    yield widen(region, isa)


def _known(texts: Iterator[str]) -> tuple[str, ...]:
    """The first distinct texts, up to where the teacher finds no form for one."""
    candidates: list[str] = []
    try:
        for text in texts:
            if text not in candidates:
                candidates.append(text)
            if len(candidates) == MAX_CANDIDATES:
                break
    except NotExpressible:
        pass
    return tuple(candidates)
