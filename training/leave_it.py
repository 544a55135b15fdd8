"""Loops that are to be left alone, and how a model says so: with a bare jump to gcc's loop."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from llmcc.backends.embedded.backend import LEAVE_IT
from llmcc.training.dataset import PairRecord
from llmcc.training.families import leave

NOTHING_FASTER = "no teacher is faster"  # provenance: some are right, none was shown faster
# Families whose teacher never gives a rewrite.
LEFT_ALONE = frozenset(family.name for family in leave.FAMILIES) | {"decimal_length"}
_SYNTHETIC = "synthetic"


def is_left_alone(record: PairRecord) -> bool:
    """Whether nothing better than gcc's loop is known, after all that is known was tried."""
    is_known = record.family in LEFT_ALONE or record.provenance.endswith(NOTHING_FASTER)
    return is_known and not record.rewrite.strip()


def left_alone_pairs(
    records: Iterable[PairRecord], pair_count: int, *, share: float
) -> list[PairRecord]:
    """Make pairs of loops to be left alone.

    Args:
        records: loops; those that are not to be left alone are passed over.
        pair_count: pairs with a rewrite that they are learnt beside.
        share: of these, as many synthetic ones at most, and as many harvested ones at most. Which
            ones is decided by a digest, so that a smaller share is a part of a larger one.
    """
    found = [record for record in records if is_left_alone(record)]
    synthetic = [record for record in found if record.group == _SYNTHETIC]
    harvested = [record for record in found if record.group != _SYNTHETIC]
    most = int(share * pair_count)
    chosen = [*_first(synthetic, most), *_first(harvested, most)]
    return [replace(record, rewrite=LEAVE_IT) for record in chosen]


def _first(records: Sequence[PairRecord], count: int) -> list[PairRecord]:
    return sorted(records, key=_digest)[:count]


def _digest(record: PairRecord) -> bytes:
    return hashlib.blake2b(record.id.encode(), digest_size=8).digest()
