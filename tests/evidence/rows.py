"""Results kept as JSON lines, one a trial, so that a stopped run goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


def read_rows(file: Path) -> Iterator[dict[str, Any]]:
    """Yield what was written so far; nothing when the file is not there."""
    if file.exists():
        for line in file.read_text().splitlines():
            yield json.loads(line)


def append_row(file: Path, row: Mapping[str, Any]) -> None:
    """Write one more row."""
    with file.open("a") as stream:
        stream.write(json.dumps(row) + "\n")
