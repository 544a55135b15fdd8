"""A compiler as teacher: loops lifted to LLVM IR, compiled anew, turned back into rewrite texts."""

from llmcc.training.lift.recompile import lifted_rewrites

__all__ = ["lifted_rewrites"]
