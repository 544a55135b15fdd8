"""The files that projects are timed on, the same in every run."""

from __future__ import annotations

import json
import random
from pathlib import Path

from llmcc.files import write_atomically

_SEED = 20261124
_LETTERS = "etaoinshrdlcumwfgypbvkjxqz"
_VOCABULARY = 6000
_TEXT_WORDS = 1_000_000
_RECORDS = 12_000


def make_work(folder: Path) -> None:
    """Write `text` (some 6 MB of made-up words) and `records.json` (some 3 MB) once."""
    if not (folder / "text").exists():
        write_atomically(folder / "text", _text(random.Random(_SEED)).encode())
    if not (folder / "records.json").exists():
        records = _records(random.Random(_SEED))
        write_atomically(folder / "records.json", json.dumps(records).encode())


def _words(rng: random.Random) -> list[str]:
    weights = [1 / (at + 1) for at in range(len(_LETTERS))]
    return [
        "".join(rng.choices(_LETTERS, weights, k=rng.randint(1, 11))) for _ in range(_VOCABULARY)
    ]


def _text(rng: random.Random) -> str:
    words = _words(rng)
    # As in real languages the n-th word is n times rarer than the first.
    drawn = rng.choices(words, [1 / (at + 1) for at in range(len(words))], k=_TEXT_WORDS)
    lines = (" ".join(drawn[at : at + 12]) for at in range(0, len(drawn), 12))
    return "\n".join(lines) + "\n"


def _records(rng: random.Random) -> list[dict[str, object]]:
    words = _words(rng)
    return [
        {
            "id": number,
            "name": " ".join(rng.choices(words, k=3)),
            "tags": rng.choices(words, k=rng.randint(0, 8)),
            "at": {"x": rng.uniform(-180, 180), "y": rng.uniform(-90, 90)},
            "counts": [rng.randrange(10**6) for _ in range(rng.randint(0, 10))],
            "is_new": rng.random() < 0.3,
            "text": '\u00e4 \u05d0 "' + " ".join(rng.choices(words, k=6)) + "\\\n",
        }
        for number in range(_RECORDS)
    ]
