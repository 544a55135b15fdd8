"""Read what supervised training learns from: encoded pairs, and loops to be left alone."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from llmcc.backends.embedded.prompt import in_style
from llmcc.training.checkpoint import Checkpoint
from llmcc.training.dataset import EncodedPair, PairRecord, encode_pair, read_pairs
from llmcc.training.leave_it import is_left_alone, left_alone_pairs

LEAVE_SHARE = 0.1
LEAVE_SHARE_MOST = 0.15


@dataclass(frozen=True, slots=True)
class TrainingPairs:
    """Everything a run of supervised training reads."""

    train: list[EncodedPair]
    validation: list[EncodedPair]
    left_alone: int  # of the pairs to train on, those that say "leave it"
    left_out: int  # pairs with unknown words, or too long

    def __str__(self) -> str:
        tokens = sum(len(pair.ids) for pair in self.train)
        return (
            f"{len(self.train)} pairs to train on ({tokens} tokens, {self.left_alone} say "
            f'"leave it"), {len(self.validation)} to validate, {self.left_out} left out (unknown '
            "words or too long)"
        )


def load_pairs(
    path: Path, state: Checkpoint, *, data_share: float = 1.0, leave_share: float = LEAVE_SHARE
) -> TrainingPairs:
    """Read a pairs file, in the words of a model.

    Args:
        path: a pairs file.
        state: the model; its vocabulary, context and style are used.
        data_share: share of the training records to read, 0 to 1.
        leave_share: as for `left_alone_pairs`, 0 to `LEAVE_SHARE_MOST`.
    """
    rewritten: dict[str, list[EncodedPair]] = {"train": [], "validation": []}
    alone: dict[str, list[PairRecord]] = {"train": [], "validation": []}
    left_out = left_alone = 0
    for record in _records(path, data_share):
        if not record.rewrite.strip():
            if is_left_alone(record):
                alone[record.split].append(record)
            continue
        encoded = _encode(record, state)
        if encoded is None:
            left_out += 1
        else:
            rewritten[record.split].append(encoded)
    for split, pairs in rewritten.items():
        chosen = left_alone_pairs(alone[split], len(pairs), share=leave_share)
        encoded_alone = [pair for record in chosen if (pair := _encode(record, state)) is not None]
        left_out += len(chosen) - len(encoded_alone)
        left_alone += len(encoded_alone) if split == "train" else 0
        pairs += encoded_alone
    # Only the first of them are looked at in a run.
    random.Random(0).shuffle(rewritten["validation"])
    return TrainingPairs(rewritten["train"], rewritten["validation"], left_alone, left_out)


def _records(path: Path, data_share: float) -> Iterator[PairRecord]:
    for record in read_pairs(path, with_regions=False):
        share = {"train": data_share, "validation": 1.0}.get(record.split, 0.0)
        if _is_in_share(record.id, share):
            yield record


def _encode(record: PairRecord, state: Checkpoint) -> EncodedPair | None:
    styled = replace(record, prompt=in_style(record.prompt, state.style))
    return encode_pair(styled, state.vocabulary, context=state.shape.context)


def _is_in_share(record_id: str, share: float) -> bool:
    """Choose by a digest, so that a smaller share is a part of a larger one."""
    digest = hashlib.blake2b(record_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest) < share * 2**64
