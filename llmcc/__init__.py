"""A drop-in gcc that puts verified, measured rewrites of hot loops in front of gcc's own."""

__version__ = "0.1.0"
