"""Samples: from a stream that no score uses, and along an arc."""

import math

import pytest
import torch
from games import CPU, ONE

from autogan.basics.randomness import torch_generator
from autogan.gan.generation import generate
from autogan.gan.sampling import Wanted, arc, sampled_images
from autogan.spaces.networks import Generator


def test_samples_are_the_images_of_a_stream_of_their_own() -> None:
    generator = Generator.for_architecture(ONE, latent_size=16, channels=8).eval()
    images = torch.cat(list(sampled_images(generator, Wanted(5, 3), CPU)))
    drawn = {
        purpose: torch.randn(5, 16, generator=torch_generator(3, purpose))
        for purpose in ("samples", "evaluation/latents", "validation/latents")
    }
    equal = [p for p, z in drawn.items() if torch.equal(images, generate(generator, z, CPU))]
    assert equal == ["samples"]


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_an_arc_turns_from_the_first_to_the_second_at_an_even_speed(share: float) -> None:
    """Between (3, 0) and (0, 3) the angle grows with the share and the length stays."""
    first, second = torch.tensor([[3.0, 0.0], [0.0, 2.0]]), torch.tensor([[0.0, 3.0], [-2.0, 0.0]])
    angle = share * math.pi / 2
    one, other = math.cos(angle), math.sin(angle)
    expected = torch.tensor([[3 * one, 3 * other], [-2 * other, 2 * one]])
    torch.testing.assert_close(arc(first, second, share), expected, rtol=0, atol=1e-6)
