"""Content-addressed store of decisions and rewritten units."""
