"""The pairs a model learns from: the file they are kept in and the batches they are read in.

A pairs file is JSON lines, one `PairRecord` a line.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmcc.backends.embedded.renaming import Renaming
from llmcc.backends.embedded.tokens import END, PADDING, SEPARATOR, UNKNOWN, Vocabulary
from llmcc.regions.model import Region
from llmcc.training.regions_json import from_json, to_json

SPLITS = ("train", "validation", "test")
# Batches are cut from this many pairs sorted by length, so that little of a batch is padding.
_SORTED_WINDOW = 2048


@dataclass(frozen=True, slots=True)
class PairRecord:
    """One loop and the rewrite a teacher gave for it."""

    id: str
    family: str  # "sum", "find_first", …
    element_type: str  # "i32", "u8", "f64", …
    isa: str  # "avx2" or "avx512"
    opt: str  # gcc's level the loop was compiled with: "O2" or "O3"
    split: str  # one of SPLITS
    prompt: str  # as written by backends.embedded.prompt.prompt_text
    rewrite: str  # "" when none is known: a prompt to try, not a pair to learn
    provenance: str  # who made it and from what, for the reader of the file
    wide_follows_xmm: bool = False  # in the rewrite, register 16+N stands for the loop's xmmN
    region: Region | None = None  # needed to evaluate, not to train
    group: str = "synthetic"  # or the project the loop was harvested from


@dataclass(frozen=True, slots=True)
class EncodedPair:
    """A pair as token ids."""

    family: str
    ids: NDArray[np.int64]  # (T,) prompt, separator, rewrite, end
    target_start: int  # index of the rewrite's first token
    renaming: Renaming  # what may be renamed in it


@dataclass(frozen=True, slots=True)
class Batch:
    """Pairs side by side, padded on the right."""

    ids: NDArray[np.int64]  # (B, T)
    is_target: NDArray[np.bool_]  # (B, T) true on the tokens to be predicted


def write_pairs(path: Path, records: Iterable[PairRecord]) -> int:
    """Write a pairs file whole, by rename; returns the number of records."""
    temporary = path.with_name(path.name + ".tmp")
    count = 0
    with temporary.open("w", encoding="utf-8") as stream:
        for record in records:
            stream.write(pair_to_line(record))
            count += 1
    temporary.replace(path)
    return count


def pair_to_line(record: PairRecord) -> str:
    """Write one record as a line of JSON, newline included."""
    document = {name: getattr(record, name) for name in PairRecord.__slots__}
    document["region"] = None if record.region is None else to_json(record.region)
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"


def read_pairs(path: Path, *, with_regions: bool = True) -> Iterator[PairRecord]:
    """Read a pairs file; without regions, which training has no use for, it is much quicker.

    Raises:
        ValueError: a line is not a record; the message names it.
    """
    with path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            try:
                document = json.loads(line)
                region = document.pop("region")
                if region is not None:
                    region = from_json(region) if with_regions else None
                yield PairRecord(**document, region=region)
            except (TypeError, KeyError, ValueError) as error:
                raise ValueError(f"{path}:{number}: not a pair: {error}") from error


def encode_pair(record: PairRecord, vocabulary: Vocabulary, *, context: int) -> EncodedPair | None:
    """Turn a record into ids.

    None when it has no rewrite, unknown words or more than `context` tokens.
    """
    if not record.rewrite:
        return None
    prompt = prompt_ids(record.prompt, vocabulary)
    ids = [
        *prompt,
        *vocabulary.encode(record.rewrite.strip("\n")),
        vocabulary.ids[END],
    ]
    if len(ids) > context or vocabulary.ids[UNKNOWN] in ids:
        return None
    array = np.array(ids, dtype=np.int64)
    renaming = Renaming.of(
        array, len(prompt), vocabulary=vocabulary, wide_follows_xmm=record.wide_follows_xmm
    )
    return EncodedPair(record.family, array, len(prompt), renaming)


def prompt_ids(prompt: str, vocabulary: Vocabulary) -> list[int]:
    """Encode a prompt's text as the model reads it, with the separator at its end."""
    return [*vocabulary.encode(prompt.strip("\n")), vocabulary.ids[SEPARATOR]]


def epoch_batches(
    pairs: Sequence[EncodedPair],
    vocabulary: Vocabulary,
    *,
    tokens_per_batch: int,
    seed: int,
    epoch: int,
    renames: bool = True,
) -> Iterator[Batch]:
    """Give every pair once, in batches of like lengths and an order drawn from (seed, epoch).

    A batch holds at most `tokens_per_batch` tokens, padding included, but at least one pair.
    The same arguments give the same batches, renamings too.
    """
    for number, members in enumerate(
        _plan(pairs, tokens_per_batch=tokens_per_batch, seed=seed, epoch=epoch)
    ):
        rng = random.Random(f"{seed} {epoch} {number}") if renames else None
        yield make_batch([pairs[n] for n in members], vocabulary, rng)


def make_batch(
    pairs: Sequence[EncodedPair], vocabulary: Vocabulary, rng: random.Random | None
) -> Batch:
    """Lay pairs side by side; with `rng`, rename the registers of each."""
    length = max(len(pair.ids) for pair in pairs)
    ids = np.full((len(pairs), length), vocabulary.ids[PADDING], dtype=np.int64)
    is_target = np.zeros((len(pairs), length), dtype=np.bool_)
    for row, pair in enumerate(pairs):
        renamed = pair.ids if rng is None else pair.renaming.draw(rng, vocabulary)[pair.ids]
        ids[row, : len(renamed)] = renamed
        is_target[row, pair.target_start : len(renamed)] = True
    return Batch(ids, is_target)


def _plan(
    pairs: Sequence[EncodedPair], *, tokens_per_batch: int, seed: int, epoch: int
) -> list[list[int]]:
    rng = random.Random(f"{seed} {epoch}")
    order = list(range(len(pairs)))
    rng.shuffle(order)
    batches: list[list[int]] = []
    for start in range(0, len(order), _SORTED_WINDOW):
        window = sorted(order[start : start + _SORTED_WINDOW], key=lambda n: len(pairs[n].ids))
        batch: list[int] = []
        for index in window:
            if batch and (len(batch) + 1) * len(pairs[index].ids) > tokens_per_batch:
                batches.append(batch)
                batch = []
            batch.append(index)
        if batch:
            batches.append(batch)
    rng.shuffle(batches)
    return batches
