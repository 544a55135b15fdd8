"""Run every example as gcc -O3 and as llmcc -O3 built it, in turns; print the best time of each.

    python examples/gains.py .venv/bin/llmcc

Whole processes, start-up (about half a millisecond) included: a check that programs do not lose,
not a measurement of loops; that is `llmcc-ctl bench`. `gcc again` is the same build a second time.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_RUNS = 60


def run_ms(program: Path) -> float:
    """Wall time of one run in milliseconds.

    Raises:
        subprocess.CalledProcessError: the program failed.
    """
    start = time.perf_counter()
    subprocess.run([program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - start) * 1e3


def main(llmcc: str) -> None:
    """Build, run in random order, print a line for each program."""
    rng = random.Random(1)
    compilers = {"gcc": "gcc", "gcc again": "gcc", "llmcc": llmcc}
    print(f"{'program':12} {'gcc -O3':>10} {'gcc again':>10} {'llmcc -O3':>10} {'speed-up':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for source in sorted(Path(__file__).parent.glob("*.c")):
            programs = {name: Path(folder) / f"{source.stem} {name}" for name in compilers}
            units = [source, *source.with_suffix("").glob("*.c")]
            for name, compiler in compilers.items():
                subprocess.run([compiler, "-O3", *units, "-o", programs[name]], check=True)
            best_ms = dict.fromkeys(compilers, float("inf"))
            for _ in range(_RUNS):
                for name in rng.sample(list(compilers), len(compilers)):
                    best_ms[name] = min(best_ms[name], run_ms(programs[name]))
            times = " ".join(f"{ms:7.2f} ms" for ms in best_ms.values())
            print(f"{source.stem:12} {times} {best_ms['gcc'] / best_ms['llmcc']:8.2f}x")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "llmcc")
