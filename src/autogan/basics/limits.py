"""Limits that several rooms share."""

MOST_CELLS = 7
"""Cells of a generator. More would double a bottom of 2 pixels beyond the largest images that are read."""
DOUBLINGS_WITH_SOFTMAX = 3
"""Softmax attention, whose weights grow with the fourth power of a map's side, is for maps that are a
generator's bottom doubled at most so often: up to 32×32 pixels from a bottom of 4."""
