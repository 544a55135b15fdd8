"""Switches of fast paths in objects, archives, libraries and programs."""
