"""The C text of loops over arrays: signature, index type and parameter order drawn."""

from __future__ import annotations

import random

_INDEX = ("size_t", "int", "long", "unsigned", "size_t")


def loop_head(rng: random.Random) -> tuple[str, str]:
    """Draw a counted loop's head and the declaration of its bound."""
    kind = rng.choice(_INDEX)
    return f"for ({kind} i = 0; i < n; i++)", f"{kind} n"


def c_array_function(
    rng: random.Random, result: str, parameters: list[str], before: str, body: str, after: str = ""
) -> str:
    """Write a function of one loop; the order of its parameters is drawn.

    parameters: without the bound n. body: a statement of the loop.
    """
    head, bound = loop_head(rng)
    drawn = [*parameters, bound]
    rng.shuffle(drawn)
    lines = [before, f"{head} {{ {body} }}", after]
    text = "\n\t".join(line for line in lines if line)
    return f"{result} @NAME@({', '.join(drawn)})\n{{\n\t{text}\n}}\n"
