"""The first model's eleven families: loops drawn as expression trees, all of them seen."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial

from llmcc.regions.model import Region
from llmcc.training.experts import spec_rewrites
from llmcc.training.families.loop import Family, Loop
from llmcc.training.families.spec import FAMILIES as SPEC_FAMILIES
from llmcc.training.families.spec import LoopSpec, c_function, draw

_WEIGHTS = {"popcount": 0.6, "reduce": 1.6, "map": 1.4, "byteclass": 1.2}


def loop_of(spec: LoopSpec, family: str = "") -> Loop:
    """Give a specification as a loop, under its own family's name or another one."""
    return Loop(
        family=family or spec.family,
        element_type=spec.element.name,
        c=c_function(spec, "@NAME@"),
        rewrites=partial(_rewrites, spec),
    )


def _rewrites(spec: LoopSpec, region: Region, isa: str) -> Iterator[str]:
    return spec_rewrites(region, spec, isa)


def _draw(family: str, rng: random.Random) -> Loop:
    return loop_of(draw(family, rng))


FAMILIES = tuple(
    Family(name, "train", _WEIGHTS.get(name, 1.0), partial(_draw, name)) for name in SPEC_FAMILIES
)
