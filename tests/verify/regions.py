"""Loops as the real gcc writes them, by name, for the tests of states, gate and battery."""

from __future__ import annotations

import functools
from pathlib import Path

from llmcc.asm.parse import parse
from llmcc.regions.find import find_regions
from llmcc.regions.model import Region
from llmcc.toolchain import find_gcc, run_gcc

SOURCE = Path(__file__).with_name("loops.c")


@functools.cache
def all_regions(level: str = "-O2") -> dict[str, Region]:
    """The first region of each function of loops.c; `function.1` is its second, and so on."""
    argv = [str(find_gcc()), level, "-S", "-o", "-", str(SOURCE)]
    done = run_gcc(argv, cwd=SOURCE.parent, timeout_s=20)
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Region] = {}
    for region in find_regions(parse(done.stdout.decode("latin-1"))):
        if isinstance(region, Region):
            number = sum(name.partition(".")[0] == region.function for name in found)
            found[f"{region.function}.{number}" if number else region.function] = region
    return found
