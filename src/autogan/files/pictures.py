"""Images of a generator as PNG grids."""

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torchvision.utils import make_grid

from autogan.files.storage import written_aside


def grid(images: Tensor, columns: int | None = None, enlarge: int = 1) -> Tensor:
    """uint8 N×3×S×S → one uint8 3×H×W picture, as square as can be.

    enlarge: each pixel becomes enlarge × enlarge, so that 8×8 images can be looked at.
    """
    columns = columns or math.ceil(math.sqrt(len(images)))
    large = images.repeat_interleave(enlarge, 2).repeat_interleave(enlarge, 3)
    return make_grid(large.cpu(), nrow=columns, padding=2, pad_value=255)


def joined(left: Tensor, right: Tensor, gap: int = 12) -> Tensor:
    """Two uint8 3×H×W pictures of one height side by side, a white strip of `gap` pixels between."""
    strip = torch.full((3, left.shape[1], gap), 255, dtype=torch.uint8)
    return torch.cat([left, strip, right], dim=2)


def stacked(pictures: Sequence[Tensor], gap: int = 4) -> Tensor:
    """uint8 3×H×W pictures of one width below each other, white strips of `gap` pixels between."""
    strip = torch.full((3, gap, pictures[0].shape[2]), 255, dtype=torch.uint8)
    parts = [part for picture in pictures for part in (strip, picture)][1:]
    return torch.cat(parts, dim=1)


def save_picture(path: Path, picture: Tensor) -> None:
    """Writes a uint8 3×H×W picture as PNG, whole or not at all."""
    from PIL import Image

    assert picture.dtype == torch.uint8 and picture.ndim == 3
    with written_aside(path) as aside:
        Image.fromarray(picture.permute(1, 2, 0).numpy()).save(aside, format="PNG")
