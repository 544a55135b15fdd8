"""Write a Region as JSON values and read it back, for the pairs file.

Does not cover: versions. A file written with other dataclasses is refused, not converted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, TypeVar

from llmcc.regions.model import Access, Contract, Induction, Latch, Placement, Region

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_RowT = TypeVar("_RowT", bound="DataclassInstance")


def to_json(region: Region) -> dict[str, Any]:
    """Turn a region into dicts, lists and scalars that `json.dumps` takes."""
    return asdict(region)


def from_json(document: Mapping[str, Any]) -> Region:
    """Rebuild the region that `to_json` wrote, also after a pass through JSON text.

    Raises:
        ValueError: the document has other fields than this version's Region.
    """
    contract = dict(document["contract"])
    for name, row in (("inductions", Induction), ("accesses", Access), ("latches", Latch)):
        contract[name] = tuple(_build(row, item) for item in contract[name])
    contract["live_out"] = tuple(tuple(families) for families in contract["live_out"])
    return _build(
        Region,
        {
            **document,
            "contract": _build(Contract, contract),
            "placement": _build(Placement, document["placement"]),
        },
    )


def _build(row: type[_RowT], values: Mapping[str, Any]) -> _RowT:
    known = {field.name for field in fields(row)}
    if known != set(values):
        differing = ", ".join(sorted(known ^ set(values)))
        raise ValueError(f"not a {row.__name__} of this version of llmcc: {differing}")
    # JSON has no tuples; every sequence in these dataclasses is one.
    frozen = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    return row(**frozen)
