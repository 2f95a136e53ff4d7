"""Augmentations: how images are changed before the discriminator looks at them."""

from torch import Tensor


class Augmentation:
    """Changes the images that D sees, real and generated ones, in both steps. This one leaves them alone.

    A subclass works on every image by itself, with tensor operations that gradients pass through. It
    draws no random numbers, since a recorded step would repeat them (see `capture`): it is given them.
    """

    numbers: int = 0
    """Random numbers that one image takes."""

    def __call__(self, images: Tensor, numbers: Tensor) -> Tensor:
        """images: B×3×S×S in [-1, 1], float32 or what the generator computes in → the same shape.

        numbers: B×`numbers`, float32, uniform in [0, 1); new ones for every image that D sees.
        """
        return images
