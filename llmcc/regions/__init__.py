"""Innermost loops of a unit and the contract each one keeps with the code around it."""
