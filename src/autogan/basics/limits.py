"""Limits that several rooms share."""

MOST_CELLS = 7
"""Cells of a generator. More would double a bottom of 2 pixels beyond the largest images that are read."""
