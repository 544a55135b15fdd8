"""Guess how fast a rewrite is without running it: instructions for one iteration of gcc's loop.

A crude throughput model, to rank proposals of one loop only. It sees the innermost spans between a
label and the jump back to it, how far one pass moves an induction, and a weight an instruction; not
latencies, ports or memory. Weights are rough reciprocal throughputs of recent x86 cores, relative
to a simple instruction (after uops.info).
"""

from __future__ import annotations

import re

from llmcc.regions.model import Contract
from llmcc.x86.registers import REGISTERS

_LABEL = re.compile(r"(\.L[A-Z]+[0-9]*):")
_STEP = re.compile(r"\t(add|sub)[lq]?\t\$(-?[0-9]+), %([a-z0-9]+)")
_LEA = re.compile(r"\tlea[lq]\t(-?[0-9]+)\(%([a-z0-9]+)\), %([a-z0-9]+)")
_HEAVY = (("div", 40), ("gather", 40), ("scatter", 60), ("vperm", 2), ("mul", 2), ("kmov", 2))


def cost_per_iteration(text: str, contract: Contract) -> float:
    """Estimate the weight that a rewrite's fastest loop spends for one iteration of gcc's.

    Returns infinity for a text without a loop that moves an induction: it does little itself.
    """
    steps = {induction.register: induction.step for induction in contract.inductions}
    return min((_cost(span, steps) for span in _spans(text.splitlines())), default=float("inf"))


def _spans(lines: list[str]) -> list[list[str]]:
    """Cut out what lies between a label and a jump back to it, innermost ones only."""
    labels = {m[1]: n for n, line in enumerate(lines) if (m := _LABEL.fullmatch(line.strip()))}
    spans = []
    for end, line in enumerate(lines):
        words = line.split()
        begin = labels.get(words[-1]) if words and words[0].startswith("j") else None
        if begin is not None and begin < end:
            spans.append((begin, end))
    inner = [
        (a, b)
        for a, b in spans
        if not any(a <= c and d <= b and (a, b) != (c, d) for c, d in spans)
    ]
    return [lines[a + 1 : b + 1] for a, b in inner]


def _is_inside(inner: tuple[int, int], outer: tuple[int, int]) -> bool:
    return outer != inner and outer[0] <= inner[0] and inner[1] <= outer[1]


def _cost(span: list[str], steps: dict[str, int]) -> float:
    moved: dict[str, int] = {}
    for line in span:
        if step := _STEP.match(line):
            amount = int(step[2]) if step[1] == "add" else -int(step[2])
            family = REGISTERS[step[3]].family
            moved[family] = moved.get(family, 0) + amount
        elif (lea := _LEA.match(line)) and lea[2] == lea[3]:
            moved[REGISTERS[lea[3]].family] = int(lea[1])
    iterations = [moved[name] / step for name, step in steps.items() if step and name in moved]
    passes = max(iterations, default=0.0)
    if passes <= 0:
        return float("inf")
    return sum(map(_weight, span)) / passes


def _weight(line: str) -> int:
    words = line.split()
    if not words or words[0].endswith(":"):
        return 0
    return next((weight for name, weight in _HEAVY if name in words[0]), 1)
