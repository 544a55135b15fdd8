"""Look for values that make 1-bit terms true by drawing them: cheaper than the solver, if it hits.

Does not cover: anything negative; that nothing was found says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from llmcc.prove.evaluate import Words, evaluate
from llmcc.prove.terms import Term, variables

_ROWS = 256
_SEED = 0x5A


def draw(conditions: Sequence[Term]) -> dict[Term, int] | None:
    """Return values of all variables under which every condition holds, or None."""
    names = sorted(frozenset().union(*map(variables, conditions)), key=lambda term: term.serial)
    if any(name.width > 64 for name in names):
        return None
    rng = np.random.default_rng(_SEED)
    values = {name: _words(rng, name.width) for name in names}
    holds = np.ones(_ROWS, np.bool_)
    done: dict[Term, Words] = {}
    for one in conditions:
        holds &= evaluate(one, values, done) != 0
        if not holds.any():
            return None
    row = int(np.flatnonzero(holds)[0])
    return {name: int(words[row]) for name, words in values.items()}


def _words(rng: np.random.Generator, width: int) -> Words:
    """Random values; in some rows all are small, or all edges."""
    most = (1 << width) - 1
    words = rng.integers(0, most, _ROWS, dtype=np.uint64, endpoint=True)
    small = rng.integers(0, min(most, 3), _ROWS, dtype=np.uint64, endpoint=True)
    edges = np.array([0, most, 1 << (width - 1), (1 << (width - 1)) - 1], np.uint64)
    kind = np.arange(_ROWS) % 4
    return np.select([kind == 0, kind == 1], [small, rng.choice(edges, _ROWS)], words)
