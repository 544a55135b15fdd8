"""Optimise the units that compiles in mode record left behind, hottest loops first."""
