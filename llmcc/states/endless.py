"""Values of an accumulator from which a loop without memory never ends, such as 0 shifted left.

One such state in a batch takes all its time, and those behind it are not run at all.
Does not cover: loops with several accumulators, whose values would have to be met together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from llmcc.sandbox.model import STUCK, Ends, States
from llmcc.states.model import Recipe
from llmcc.x86.registers import GPR

_MOST = 5  # values looked for; each takes as long as a run may


def find_endless(
    recipe: Recipe, states: States, oracle: Callable[[States], Ends]
) -> tuple[int, ...]:
    """Run states, again without what got stuck, and list the values that did, as patterns."""
    found: list[int] = []
    column = _column(recipe)
    while column is not None and len(found) < _MOST:
        stuck = np.flatnonzero(oracle(states).exit_id == STUCK)
        if not len(stuck):
            break
        found.append(int(_patterns(recipe, states)[stuck[0]]))
        states = without_endless(recipe, states, tuple(found))
    return tuple(found)


def without_endless(recipe: Recipe, states: States, endless: tuple[int, ...]) -> States:
    """Give states that would never end the accumulators of others, by turns."""
    column = _column(recipe)
    if not endless or column is None:
        return states
    is_endless = np.isin(_patterns(recipe, states), np.array(endless, np.uint64))
    if is_endless.all():
        return states
    gpr = states.gpr.copy()
    gpr[is_endless, column] = np.resize(gpr[~is_endless, column], int(is_endless.sum()))
    return replace(states, gpr=gpr)


def _column(recipe: Recipe) -> int | None:
    """Column of the accumulator, where there is exactly one and no memory; None elsewhere."""
    is_single = len(recipe.accumulators) == 1 and recipe.accumulators[0] in recipe.free
    return GPR.index(recipe.accumulators[0]) if is_single and not recipe.blocks else None


def _patterns(recipe: Recipe, states: States) -> NDArray[np.uint64]:
    """What the loop reads of the accumulator: all of it, or its lower half."""
    name = recipe.accumulators[0]
    value: NDArray[np.uint64] = states.gpr[:, GPR.index(name)]
    return value if name in recipe.facts.wide_families else value & np.uint64(0xFFFFFFFF)
