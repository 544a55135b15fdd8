"""What is asked of a backend and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from llmcc.regions.model import Region


@dataclass(frozen=True, slots=True)
class Request:
    """One region to rewrite."""

    region: Region
    isa: str  # "avx2" or "avx512"
    function_text: str = ""  # gcc's text of the whole function
    source: str | None = None  # the C source, when known


@dataclass(frozen=True, slots=True)
class Proposal:
    """A rewrite nobody has checked yet."""

    text: str  # canonical rewrite text, see regions.model
    isa: str
    log_probability: float  # of the whole text under the backend; 0.0 when it cannot tell
    backend: str


class Backend(Protocol):
    """A mind that proposes rewrites. It is never trusted."""

    def propose(self, request: Request, n: int) -> Sequence[Proposal]:
        """Propose at most `n` distinct rewrites, best first."""
        ...
