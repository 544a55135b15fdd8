"""Real gcc through a launcher built once, as the interception tests have it."""

from __future__ import annotations

from tests.interception.conftest import native

__all__ = ["native"]
