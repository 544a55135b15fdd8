"""The oracle of the mutants: a kernel with a fast path spliced in against gcc -O0's, in a child.

Shares no code with llmcc's battery. Says what C can see: answers, written memory, crashes, hangs.
"""

from __future__ import annotations

import struct
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from llmcc.ctl.bench_kernels import Kernel
from llmcc.splice import FastPath, splice
from llmcc.toolchain import find_gcc
from tests.evidence.cases import Case, make_cases
from tests.evidence.kernel_units import FOLDER, KernelRegion

_BATCH = 100  # mutants in one library
_TIMEOUT_S = 600


class Judged(Enum):
    """How a function compares with the reference. The names are those of oracle.c."""

    SAME = "same"
    ANSWER = "another answer"
    MEMORY = "other bytes written"
    CRASHED = "crashed"
    STUCK = "did not end"
    OUTSIDE = "wrote far from its array"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the oracle found of one text."""

    verdict: Judged
    case: int  # number of the first case that went wrong; of the last one when SAME


class Oracle:
    """Judges texts for one kernel; owns a folder with the cases and the reference."""

    def __init__(self, kernel: Kernel, folder: Path, *, seed: int) -> None:
        self._kernel = kernel
        self._folder = folder
        self._program = _built(folder / "oracle", "-O2", str(Path(__file__).with_name("oracle.c")))
        source = next(s for s in FOLDER.glob("*.c") if f"KERNEL({kernel.name})" in s.read_text())
        self._reference = _built(folder / "reference.so", "-O0", "-fPIC", "-shared", str(source))
        self._cases = folder / "cases"
        self.cases = list(make_cases(kernel, seed=seed))
        _write_cases(self._cases, self.cases)

    def judge(self, place: KernelRegion, isa: str, texts: Sequence[str]) -> list[Judgement]:
        """Judge rewrites of one loop, in their order; each must assemble."""
        found: list[Judgement] = []
        for start in range(0, len(texts), _BATCH):
            found += self._judge_batch(place, isa, texts[start : start + _BATCH])
        return found

    def _judge_batch(
        self, place: KernelRegion, isa: str, texts: Sequence[str]
    ) -> Iterator[Judgement]:
        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            files = []
            for number, text in enumerate(texts):
                files.append(Path(name) / f"m{number}.s")
                files[-1].write_text(_exported(place, isa, text, f"m{number}"), "latin-1")
            library = _built(Path(name) / "m.so", "-shared", *map(str, files))
            answer = _run(
                self._program, self._reference, f"k_{self._kernel.name}", self._cases, library,
                len(texts),
            )  # fmt: skip
        for line in answer.splitlines():
            verdict, case = line.split()
            yield Judgement(Judged[verdict], int(case))


def _exported(place: KernelRegion, isa: str, text: str, name: str) -> str:
    """The whole unit with this fast path, of which only the kernel is visible, under a new name."""
    unit = splice(place.home.unit, [FastPath(place.region, "", text, isa)])
    kept = [line for line in unit.split("\n") if not line.startswith("\t.globl")]
    function = place.region.function
    return "\n".join(kept) + f"\n\t.globl\t{name}\n\t.set\t{name}, {function}\n"


def _write_cases(file: Path, cases: Sequence[Case]) -> None:
    """Write what `struct file` of oracle.c describes."""
    records, data, at = [], [], 0
    for case in cases:
        words: list[bytes] = []
        for array in case.arrays:
            words.append(struct.pack("<IIQ", array.low, len(array.data), at))
            data.append(array.data.tobytes())
            at += len(array.data)
        words.append(struct.pack("<3I", *(array.arena for array in case.arrays)))
        words.append(struct.pack("<3I", *(array.at for array in case.arrays)))
        records.append(b"".join(words) + struct.pack("<QqQ", case.n, case.k, case.junk))
    head = struct.pack("<QQ", len(cases), at)
    file.write_bytes(head + b"".join(records) + b"".join(data))


def _built(target: Path, *arguments: str) -> Path:
    _run(find_gcc(), *arguments, "-o", target)
    return target


def _run(*command: str | Path | int) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr.strip()[-2000:]}")
    return done.stdout
