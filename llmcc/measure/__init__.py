"""Paired timing of a rewrite against gcc's loop, and the decision rule's statistics."""
