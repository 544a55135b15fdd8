"""What is refused before anything runs: text, assembly, decoded bytes, clobbers."""
