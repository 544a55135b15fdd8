"""The kernels of the bench: what they take, and data for them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

type_names: Mapping[str, np.dtype[Any]] = MappingProxyType(
    {
        name: np.dtype(code)
        for name, code in {
            "u8": "u1", "i8": "i1", "u16": "u2", "i16": "i2", "u32": "u4", "i32": "i4",
            "u64": "u8", "i64": "i8", "f32": "f4", "f64": "f8",
        }.items()
    }
)  # fmt: skip
HISTOGRAM_BYTES = 256 * 4  # what `a>histogram` writes, whatever n is
_TEXT = np.frombuffer(
    b"The quick brown fox (aged 7) jumps over 13 lazy dogs;\n"
    b"\tmail: Fox@Example.org, 2024-05-17 10:42:03 GET /index.html 200 5120\r\n"
    b"while the rest of them sleeps, nobody counts the sheep.  0x7FFF = 32767\n",
    dtype=np.uint8,
)


@dataclass(frozen=True, slots=True)
class Kernel:
    """One row of kernels.csv."""

    name: str
    family: str
    element: str  # a key of type_names
    arrays: str  # which pointers it uses: a, ab, a>out, ab>out, out, a>histogram
    values: str  # "low..high" inclusive, "text" or "blanks"
    k: int
    hit: str  # value that ends the loop; "differ": where b differs from a; "": none does
    edges: str  # "yes": any value is legal; "no": C would overflow; "end": must hold the hit

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of one element."""
        return type_names[self.element]

    @property
    def is_writer(self) -> bool:
        """Whether the kernel writes memory."""
        return "out" in self.arrays or "histogram" in self.arrays

    @property
    def read_array_count(self) -> int:
        """How many of `a` and `b` it reads."""
        return {"a": 1, "ab": 2, "out": 0}[self.arrays.partition(">")[0]]

    @property
    def may_overlap(self) -> bool:
        """Whether what it reads may lie over what it writes without leaving C's rules."""
        return self.arrays.endswith(">out") and self.family != "serial"

    def written_bytes(self, n: int) -> int:
        """How many bytes its `out` array has for `n` elements."""
        if "histogram" in self.arrays:
            return HISTOGRAM_BYTES
        return n * self.dtype.itemsize if self.is_writer else 0


@dataclass(frozen=True, slots=True)
class Inputs:
    """Arrays for one call, each with at least the bytes the kernel may touch."""

    a: NDArray[np.uint8]
    b: NDArray[np.uint8]
    out: NDArray[np.uint8]


def read_table(folder: Path) -> list[Kernel]:
    """Read `kernels.csv` of a kernels folder.

    Raises:
        ValueError: a row does not follow the rules of the columns; the message names it.
    """
    with (folder / "kernels.csv").open(newline="") as file:
        return [_kernel(row) for row in csv.DictReader(file)]


def fill(kernel: Kernel, n: int, rng: np.random.Generator) -> NDArray[Any]:
    """Make `n` elements of the kernel's everyday kind, none of which ends its loop."""
    if kernel.values == "text":
        start = int(rng.integers(len(_TEXT)))
        text = np.resize(np.roll(_TEXT, -start), n)
        # Fixed text would be learnt by the branch predictor: a third of the letters are drawn anew.
        drawn = (rng.random(n) < 0.3) & (text >= ord("a")) & (text <= ord("z"))
        letters = rng.choice(np.frombuffer(b"aeiounrstlADMX019 ", dtype=np.uint8), n)
        return np.where(drawn, letters, text).astype(kernel.dtype)
    if kernel.values == "blanks":
        return rng.choice(np.array([32, 9], dtype=kernel.dtype), n)
    low, high = (int(end) for end in kernel.values.split(".."))
    if kernel.dtype.kind == "f":
        return rng.uniform(low, high, n).astype(kernel.dtype)
    return rng.integers(low, high, n, dtype=kernel.dtype, endpoint=True)


def everyday_inputs(kernel: Kernel, n: int, rng: np.random.Generator) -> Inputs:
    """Make inputs for timing: a loop that may end early ends at its last element."""
    a = fill(kernel, n, rng)
    b = a.copy() if kernel.hit == "differ" else fill(kernel, n, rng)
    if kernel.hit and n:
        put_hit(kernel, a, n - 1)
    out = fill(kernel, n, rng).view(np.uint8)
    if "histogram" in kernel.arrays:
        out = np.zeros(HISTOGRAM_BYTES, dtype=np.uint8)
    return Inputs(a.view(np.uint8), b.view(np.uint8), out)


def put_hit(kernel: Kernel, a: NDArray[Any], at: int) -> None:
    """Change element `at` so that the loop ends there."""
    if kernel.hit == "differ":
        a.view(np.uint8)[at * a.itemsize] ^= 1
    else:
        a[at] = float(kernel.hit) if kernel.dtype.kind == "f" else int(kernel.hit)


def _kernel(row: Mapping[str, str]) -> Kernel:
    kernel = Kernel(
        name=row["name"],
        family=row["family"],
        element=row["type"],
        arrays=row["arrays"],
        values=row["values"],
        k=int(row["k"]),
        hit=row["hit"],
        edges=row["edges"],
    )
    if (
        kernel.element not in type_names
        or kernel.arrays not in ("a", "ab", "a>out", "ab>out", "out", "a>histogram")
        or kernel.edges not in ("yes", "no", "end")
        or (kernel.edges == "end" and not kernel.hit)
    ):
        raise ValueError(f"kernels.csv: row {kernel.name!r} breaks the rules of its columns")
    return kernel
