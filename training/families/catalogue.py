"""Every loop family, by name; a new module of families is joined here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from llmcc.training.families import (
    backwards,
    byte_sets,
    carried,
    chosen,
    classic,
    comparing,
    composed,
    conversions,
    dynamic,
    formulas,
    lanewise,
    leave,
    maps,
    polynomials,
    popcounts,
    recurrences,
    reductions,
    scans,
    shift_loops,
    sorting,
    strided,
    string_copies,
    strings,
    sums,
    weighted,
)
from llmcc.training.families.loop import Family, Loop

__all__ = ["FAMILIES", "Family", "Loop", "families_of"]

_MODULES = (
    classic,
    sums,
    maps,
    chosen,
    scans,
    popcounts,
    shift_loops,
    recurrences,
    polynomials,
    dynamic,
    sorting,
    strings,
    comparing,
    leave,
    weighted,
    conversions,
    formulas,
    reductions,
    carried,
    byte_sets,
    backwards,
    lanewise,
    strided,
    string_copies,
    composed,
)

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {family.name: family for module in _MODULES for family in module.FAMILIES}
)


def families_of(split: str) -> tuple[Family, ...]:
    """Give the families of a split, in the order of their modules."""
    return tuple(family for family in FAMILIES.values() if family.split == split)
