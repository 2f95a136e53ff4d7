"""How images come to a judge's size."""

import pytest
import torch

from autogan.judges.base import resize


@pytest.mark.parametrize("place", range(4))
def test_every_pixel_counts_when_an_image_is_made_smaller(place: int) -> None:
    """Every fourth column is bright: of a quarter of the size, each column holds a quarter of the
    light, wherever the bright one lies. Without antialiasing it is missed, or counted twice."""
    image = torch.zeros(2, 3, 32, 32)
    image[:, :, :, place::4] = 200.0
    small = resize(image, 8)
    assert small.shape == (2, 3, 8, 8)
    torch.testing.assert_close(
        small[:, :, :, 1:-1], torch.full((2, 3, 8, 6), 50.0), atol=1.0, rtol=0
    )


def test_an_image_of_the_right_size_stays_and_a_larger_one_is_interpolated() -> None:
    ramp = torch.tensor([0.0, 4.0]).expand(1, 3, 2, 2)
    assert resize(ramp, 2) is ramp
    assert resize(ramp, 4)[0, 0, 0].tolist() == [0, 1, 3, 4]
