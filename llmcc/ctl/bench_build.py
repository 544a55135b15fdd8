"""Build the kernels with each compiler that is there, as shared libraries at several placements."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from llmcc.errors import LlmccError
from llmcc.toolchain import find_gcc

BASELINE = "gcc"
A_A = "gcc again"
REFERENCE = "gcc -O0"
LLMCC = "llmcc"
COMPILERS = (BASELINE, "gcc-native", "clang", "clang-native", LLMCC)
_BUILD_TIMEOUT_S = 3600
# Contraction to fma rounds otherwise than the source says; results could not be compared.
_NATIVE = ("-O3", "-march=native", "-ffp-contract=off")


class BuildFailed(LlmccError):
    """A compiler could not build the kernels; the message holds what it said."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One column of the bench: a compiler and its flags."""

    name: str
    program: Path
    flags: tuple[str, ...]
    version: str


@dataclass(frozen=True, slots=True)
class Built:
    """A variant's libraries: the same objects linked with their code at different places."""

    variant: Variant
    libraries: tuple[Path, ...]
    masked: Path | None  # llmcc's objects as they run on a CPU without AVX; None for the others


@dataclass(frozen=True, slots=True)
class Roster:
    """The variants that can be built here, and a note for each that cannot."""

    variants: tuple[Variant, ...]
    notes: tuple[str, ...]


def roster(names: Sequence[str]) -> Roster:
    """Find the compilers for the columns `names`; the baseline and its A/A copy come first."""
    gcc = find_gcc()
    programs = {"gcc-native": gcc, LLMCC: find_llmcc()}
    variants = [_variant(BASELINE, gcc, ("-O3",)), _variant(A_A, gcc, ("-O3",))]
    notes = []
    for name in names:
        program = programs[name] if name in programs else _which("clang")
        if name == BASELINE:
            continue
        if program is None:
            notes.append(
                f"{name}: {name.removesuffix('-native')} is not installed, column left out"
            )
            continue
        variants.append(_variant(name, program, _NATIVE if name.endswith("-native") else ("-O3",)))
    return Roster(tuple(variants), tuple(notes))


def reference() -> Variant:
    """The variant whose results count as right: the same source without optimisation."""
    return _variant(REFERENCE, find_gcc(), ("-O0",))


def build(
    variant: Variant, sources: Sequence[Path], *, into: Path, placements: int, seed: int
) -> Built:
    """Compile every source once, then link `placements` libraries that differ in code addresses.

    Raises:
        BuildFailed: the compiler or the linker reports an error.
    """
    folder = into / variant.name.replace(" ", "_")
    folder.mkdir(parents=True)
    # Each variant compiles its own copy: the A/A column differs in nothing but its path.
    copies = [Path(shutil.copy(file, folder)) for file in sources]
    for file in copies:
        if file.suffix == ".c":
            command: list[str | Path] = [variant.program, *variant.flags, "-fPIC", "-c", file]
            _run([*command, "-o", file.with_suffix(".o")], cwd=folder)
    objects = [file.with_suffix(".o") for file in copies if file.suffix == ".c"]
    rng = random.Random(f"{seed}/{variant.name}")
    libraries = tuple(_link(objects, folder, i, rng) for i in range(placements))
    masked = link_masked(objects, folder) if variant.name == LLMCC else None
    return Built(variant, libraries, masked)


def link_masked(objects: Sequence[Path], folder: Path) -> Path:
    """Link objects so that their fast paths see a CPU without the features they ask for."""
    library = folder / "masked.so"
    mask = Path(__file__).with_name("bench_mask.c")
    _run([find_gcc(), "-O2", "-fPIC", "-shared", "-o", library, *objects, mask], cwd=folder)
    return library


def build_driver(source: Path, *, into: Path) -> Path:
    """Compile the bench's own driver and return its path."""
    library = into / "bench_driver.so"
    _run([find_gcc(), "-O2", "-shared", "-fPIC", source, "-o", library, "-lpthread"], cwd=into)
    return library


def _link(objects: Sequence[Path], folder: Path, number: int, rng: random.Random) -> Path:
    pad = folder / f"pad{number}.s"
    # Functions are aligned to 16 bytes; the pad moves them within their cache lines and pages.
    pad.write_text(
        f'\t.text\n\t.skip {16 * rng.randrange(256)}\n\t.section .note.GNU-stack,"",@progbits\n'
    )
    library = folder / f"kernels{number}.so"
    _run([find_gcc(), "-shared", "-o", library, pad, *objects], cwd=folder)
    return library


def _run(command: Sequence[str | Path], *, cwd: Path) -> None:
    environ = dict(os.environ)
    environ.setdefault("LLMCC_BUDGET", "1200")  # seconds a unit: every loop gets its turn
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=environ,
        capture_output=True,
        text=True,
        timeout=_BUILD_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise BuildFailed(f"{' '.join(map(str, command))} failed: {done.stderr.strip()}")


def _variant(name: str, program: Path, flags: tuple[str, ...]) -> Variant:
    done = subprocess.run(
        [str(program), "--version"], capture_output=True, text=True, timeout=60, check=False
    )
    return Variant(name, program, flags, done.stdout.partition("\n")[0])


def _which(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found) if found else None


def find_llmcc() -> Path | None:
    """Find the installed command; None when there is none."""
    beside = Path(sys.executable).with_name("llmcc")
    return beside if os.access(beside, os.X_OK) else _which("llmcc")
