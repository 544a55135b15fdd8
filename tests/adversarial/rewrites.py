"""Rewrites kept as files: a header of `# KEY: value` lines, then the text to judge, all of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from llmcc.regions.model import Region
from tests.verify.regions import all_regions

_HEADER = re.compile(r"# ([A-Z]+): (.*)\n")


@dataclass(frozen=True, slots=True)
class Kept:
    """One file."""

    name: str
    header: Mapping[str, str]
    text: str

    @property
    def isa(self) -> str:
        """A key of `toolchain.MARCH`."""
        return self.header["ISA"]

    @property
    def region(self) -> Region:
        """The loop it stands in for, as the real gcc writes it."""
        name, level = self.header["REGION"].split()
        return all_regions(level)[name]


def read_kept(path: Path) -> Kept:
    """Read a file; the text keeps carriage returns and lines that look like headers."""
    text = path.read_bytes().decode()
    header: dict[str, str] = {}
    while (match := _HEADER.match(text)) and match[1] not in header:
        header[match[1]] = match[2]
        text = text[match.end() :]
    return Kept(path.stem, header, text)
