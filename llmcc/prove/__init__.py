"""Symbolic execution of gcc's loop and of a rewrite: evidence stronger than tests."""
