"""Blobs to verify; made in `states.blob`, where measuring finds them too."""

from llmcc.states.blob import baseline_blob, build_many, rewrite_blob

__all__ = ["baseline_blob", "build_many", "rewrite_blob"]
