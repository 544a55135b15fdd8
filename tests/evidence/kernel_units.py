"""The bench kernels as gcc writes them: one unit for each C file and level, with its regions."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from llmcc.asm.model import Unit
from llmcc.asm.parse import parse
from llmcc.regions.find import find_regions
from llmcc.regions.model import Region
from llmcc.toolchain import find_gcc, run_gcc

FOLDER = Path(__file__).parents[2] / "examples" / "kernels"
LEVELS = ("-O3", "-O2")
_PREFIX = "k_"
_GCC_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class KernelUnit:
    """One C file of the bench as gcc compiles it."""

    source: Path
    level: str
    unit: Unit
    regions: tuple[Region, ...]  # in text order


@dataclass(frozen=True, slots=True)
class KernelRegion:
    """One loop of one kernel."""

    kernel: str  # name in kernels.csv
    number: int  # among the regions of its unit
    home: KernelUnit

    @property
    def region(self) -> Region:
        """The loop itself."""
        return self.home.regions[self.number]

    @property
    def name(self) -> str:
        """What a report calls it; unique over all levels."""
        return f"{self.kernel} {self.home.level} {self.region.placement.head_label}"


def kernel_regions(level: str) -> tuple[KernelRegion, ...]:
    """Every region of the bench at one level, file by file."""
    return tuple(
        KernelRegion(region.function.removeprefix(_PREFIX), number, home)
        for source in sorted(FOLDER.glob("*.c"))
        for home in [kernel_unit(source, level)]
        for number, region in enumerate(home.regions)
    )


@functools.cache
def kernel_unit(source: Path, level: str) -> KernelUnit:
    """Compile one file with the flags of `llmcc-ctl bench`."""
    argv = [str(find_gcc()), level, "-fPIC", "-S", "-o", "-", str(source)]
    done = run_gcc(argv, cwd=source.parent, timeout_s=_GCC_TIMEOUT_S)
    if done.returncode:
        raise RuntimeError(done.stderr.decode("utf-8", "replace"))
    unit = parse(done.stdout.decode("latin-1"))
    regions = tuple(found for found in find_regions(unit) if isinstance(found, Region))
    return KernelUnit(source, level, unit, regions)
