"""Continuous phase transitions between the 17 plane groups, with symmetry that is exact."""

__version__ = "0.1.0"
