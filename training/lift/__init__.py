"""A compiler as teacher: loops lifted to LLVM IR, compiled anew, turned back into rewrite texts."""
