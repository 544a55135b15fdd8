"""Read what builds, tests and benchmarks of a project print. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """How a project's own test suite ended."""

    status: int
    passed: int
    failed: int

    def __str__(self) -> str:
        """Say it as the table does."""
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{self.passed:,}{failed}, exit code {self.status}"


def count_tests(output: str, *, pattern: str, status: int) -> SuiteResult:
    """Count tests as `Project.counted` describes."""
    passed = failed = 0
    for match in re.finditer(pattern, output, re.MULTILINE):
        if not match.groupdict():
            passed += 1
            continue
        found = {name: int(number) for name, number in match.groupdict().items() if number}
        if "all" in found and "passed" in found:
            found["failed"] = found["all"] - found["passed"]
        elif "all" in found:
            found["passed"] = found["all"] - found.get("failed", 0)
        passed += found.get("passed", 0)
        failed += found.get("failed", 0)
    return SuiteResult(status, passed, failed)


def read_rates(output: str, pattern: str) -> dict[str, float]:
    """Take the speeds out of a benchmark's output.

    Raises:
        ValueError: they are not there.
    """
    # lz4 and zstd write over their line: the last one counts.
    matches = list(re.finditer(pattern, output))
    if not matches:
        raise ValueError(f"no speed in {output[-300:]!r}")
    return {name: float(value) for name, value in matches[-1].groupdict().items()}


def neutral(text: str, *, folder: str, compiler: str) -> str:
    """Take out of a text who compiled, and where, and bars of progress."""
    text = re.sub(r"[^\n]*\r", "", text)
    # Files speak of gcc for other reasons too, so it is llmcc's name that is changed.
    text = re.sub(rf"\b{re.escape(compiler)}\b", "gcc", text.replace(folder, "FOLDER"))
    return re.sub(r"/tmp/cc\w{6}", "/tmp/cc", text)


def new_lines(wanted: Sequence[str], got: Sequence[str]) -> list[str]:
    """List the lines of `got` that `wanted` has not as often; make -j2 mixes their order."""
    left = list(wanted)
    more = []
    for line in got:
        if line in left:
            left.remove(line)
        else:
            more.append(line)
    return more
