"""The modern search space: what generators have learned since 2019, as decisions of each cell."""
