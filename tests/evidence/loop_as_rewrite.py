"""gcc's own loop under the labels of a rewrite: a rewrite of which everything is known. Pure."""

from __future__ import annotations

import re

from llmcc.regions.model import Region

_LABEL = re.compile(r"\.L[HB]\d*\b")


def loop_as_rewrite(region: Region) -> str:
    """A region's text whose labels are a rewrite's; it leaves by the exits only."""
    names: dict[str, str] = {}
    return _LABEL.sub(lambda match: names.setdefault(match[0], f".LR{len(names)}"), region.text)
