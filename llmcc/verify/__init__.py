"""Differential testing of a rewrite against gcc's loop."""
