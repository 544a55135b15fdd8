"""How far the loop's own constants reach: a rewrite may read these bytes by %rip, and no others."""

from __future__ import annotations

from llmcc.states.blob import Built

_ELEMENT_BYTES = {".byte": 1, ".value": 2, ".long": 4, ".quad": 8, ".octa": 16}


def constant_ranges(built: Built, constants: str) -> tuple[range, ...]:
    """Tell which offsets of the blob each constant covers, in the order of their labels.

    constants: `Region.constants`. A constant ends at the first directive whose size is not obvious.
    """
    sizes: list[int] = []
    is_open = False
    for line in constants.splitlines():
        name, _, values = line.strip().partition("\t")
        if name.startswith(".LK"):
            sizes.append(0)
            is_open = True
        elif name == ".zero" and is_open and values.isdecimal():
            sizes[-1] += int(values)
        elif name in _ELEMENT_BYTES and is_open:
            sizes[-1] += _ELEMENT_BYTES[name] * len(values.split(","))
        else:
            is_open = False
    return tuple(
        range(start, start + size) for start, size in zip(built.constants, sizes, strict=True)
    )
