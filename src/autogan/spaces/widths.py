"""Widths of networks: one number of channels for all cells, or one for each; full or half inside a block."""

from autogan.basics.errors import UserError

Channels = int | tuple[int, ...]
"""Channels of every cell, or of each cell from the first to the last."""
INNER_WIDTHS = ("full", "half")
"""How wide the maps inside a block can be."""


def channels_of(width: str, channels: int) -> int:
    """`channels`, or half of them, rounded down, at least 1; width: one of INNER_WIDTHS."""
    return channels if width == "full" else max(1, channels // 2)


def each_width(channels: Channels, cells: int) -> tuple[int, ...]:
    """The channels of each of `cells` cells; raises `UserError` where there are not as many."""
    if isinstance(channels, int):
        return (channels,) * cells
    if len(channels) != cells:
        raise UserError(
            f"{widths_text(channels)} are the channels of {len(channels)} cells; there are {cells}."
        )
    return channels


def widths_text(channels: Channels) -> str:
    """As text: 256, or 64,32,16 for one width each."""
    return str(channels) if isinstance(channels, int) else ",".join(map(str, channels))


def parse_widths(text: str) -> Channels:
    """What `widths_text` wrote; raises `ValueError` for anything else."""
    return tuple(int(width) for width in text.split(",")) if "," in text else int(text)
