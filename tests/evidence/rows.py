"""Results kept as JSON lines, one a trial, so that a stopped run goes on where it was.

They lie in a folder of the llmcc that made them: another llmcc starts anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from llmcc.native.identity import generation

_FOLDER = Path("build/evidence")


def evidence_folder() -> Path:
    """Where results of this llmcc are kept; any change of its code or weights is another one."""
    return _FOLDER / generation()[:16]


def read_rows(file: Path) -> Iterator[dict[str, Any]]:
    """Yield what was written so far; nothing when the file is not there."""
    if file.exists():
        for line in file.read_text().splitlines():
            yield json.loads(line)


def append_row(file: Path, row: Mapping[str, Any]) -> None:
    """Write one more row."""
    with file.open("a") as stream:
        stream.write(json.dumps(row) + "\n")
