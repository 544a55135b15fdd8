"""The expert side of a training pair: every rewrite the teachers know for a region."""

from __future__ import annotations

from collections.abc import Iterator

from llmcc.regions.model import Region
from llmcc.training.families.bits import bits_rewrites
from llmcc.training.families.counted import counted_rewrites
from llmcc.training.families.search import search_rewrites
from llmcc.training.families.spec import LoopSpec
from llmcc.training.families.vector import NotExpressible
from llmcc.training.widen import widen

ISAS = ("avx512", "avx2")
MAX_CANDIDATES = 8


def is_packed(region: Region) -> bool:
    """Whether gcc has vectorised the loop: it moves 16 bytes at a time."""
    return any(access.size_bytes == 16 for access in region.contract.accesses)


def expert_rewrites(region: Region, spec: LoopSpec, isa: str) -> tuple[str, ...]:
    """Candidate rewrites of `region`, which gcc made of `spec`; testing tells which is right."""
    try:
        if is_packed(region):
            return (widen(region, isa),)
        candidates: list[str] = []
        for text in _scalar(region, spec, isa):
            if text not in candidates:
                candidates.append(text)
            if len(candidates) == MAX_CANDIDATES:
                break
        return tuple(candidates)
    except NotExpressible:
        return ()


def _scalar(region: Region, spec: LoopSpec, isa: str) -> Iterator[str]:
    if spec.family == "popcount":
        return bits_rewrites(region, spec)
    if spec.family in ("find", "scan", "mismatch"):
        return search_rewrites(region, spec, isa)
    return counted_rewrites(region, spec, isa)
