"""The root of llmcc's own exceptions: things that went wrong, never expected endings."""

from __future__ import annotations


class LlmccError(Exception):
    """Something failed that no `Outcome` foresees; the pipeline answers with gcc's output."""
