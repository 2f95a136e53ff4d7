"""What judging one image costs, as a number of multiply-accumulates. Without torch."""

INCEPTION_MULTIPLY_ACCUMULATES = 5.7e9
"""Of the Inception network of 2015 for one image, which it looks at in 299×299 pixels."""


def classifier_multiply_accumulates(width: int, image_size: int) -> float:
    """Of the `ResidualClassifier` for one image; grows with both squared."""
    return 24e6 * (width / 32) ** 2 * (image_size / 32) ** 2
