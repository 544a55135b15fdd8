"""The only way rewritten machine code ever runs."""
