"""Profiles: how much of a program's time each function took, as `perf report` prints it."""

from __future__ import annotations

import re
from collections.abc import Mapping

_LINE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s+(?:\[\S\]\s+)?(\S+)")


def read_profile(text: str) -> Mapping[str, float]:
    """Read lines ``PERCENT SYMBOL``; others, comments for one, are left out.

    That is what ``perf report --stdio -F overhead,symbol`` prints: ``12.34%  [.] name``.
    """
    weights: dict[str, float] = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is not None:
            weights[match[2]] = weights.get(match[2], 0.0) + float(match[1])
    return weights
