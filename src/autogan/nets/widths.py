"""Widths inside of layers, for those who make them and those who count them. Imports no torch."""

import math

KEYS, VALUES = 8, 2
"""Of attention: keys have an eighth of the channels, values half (Zhang et al., 2019)."""
MAPPING_LAYERS = 2
"""Of the network from latents to styles: enough for small images."""


def attention_widths(channels: int) -> tuple[int, int]:
    """Channels of a key (and a query) and of a value, each at least 1."""
    return max(1, channels // KEYS), max(1, channels // VALUES)


def group_count(channels: int, group_width: int) -> int:
    """Groups of `group_width` channels, or of the largest common divisor where that does not fit."""
    return channels // math.gcd(channels, group_width)
