"""Between uint8 images, as they are kept and judged, and the [-1, 1] that networks work in."""

import torch
from torch import Tensor


def to_unit(images: Tensor) -> Tensor:
    """uint8 0…255 → float32 in [-1, 1]."""
    return images.float().div_(127.5).sub_(1.0)


def to_uint8(images: Tensor) -> Tensor:
    """[-1, 1] → uint8 0…255, rounded."""
    return images.float().add(1.0).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)
