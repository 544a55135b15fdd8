"""Compilers as teachers: loops lifted to C, compiled anew, turned back into rewrite texts."""

from llmcc.training.lift.recompile import RECOMPILERS, Recompiler, lifted_rewrites

__all__ = ["RECOMPILERS", "Recompiler", "lifted_rewrites"]
