"""Style-modulated convolutions beside their textbook form, image by image."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from autogan.images.classes import Classes
from autogan.nets.layers import initialise
from autogan.nets.modulation import (
    MAPPING_RATE,
    MappingNetwork,
    ModulatedConvolution,
    noise_places,
)
from autogan.spaces.architecture import Architecture
from autogan.spaces.space import SearchSpace

LATENT, IN, OUT = 7, 3, 5


def normal(*shape: int, seed: int) -> Tensor:
    stream = torch.Generator().manual_seed(seed)
    return torch.randn(shape, dtype=torch.float64, generator=stream)


def upsampled(layer: ModulatedConvolution, x: Tensor, upsampling: str | None) -> Tensor:
    match upsampling:
        case "nearest":
            return x.repeat_interleave(2, 2).repeat_interleave(2, 3)
        case "bilinear":
            return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        case "deconvolution":
            return layer.deconvolution(x)
    return x


@pytest.mark.parametrize("upsampling", [None, "nearest", "bilinear", "deconvolution"])
def test_a_convolution_is_its_textbook_form(upsampling: str | None) -> None:
    upsamplings = () if upsampling is None else (upsampling,)
    side = 4 if upsampling is None else 8
    layer = ModulatedConvolution(
        IN, OUT, LATENT, upsamplings, side=side, noise=LATENT, number=2
    ).double()
    initialise(layer, torch.Generator().manual_seed(0))
    assert not layer.strength and not layer.bias.any() and bool((layer.style.bias == 1).all())
    torch.nn.init.constant_(layer.strength, 0.3)
    layer.bias.data = normal(OUT, seed=1)
    if upsampling == "deconvolution":
        layer.deconvolution.weight.data = normal(IN, IN, 2, 2, seed=5)
        layer.deconvolution.bias.data = normal(IN, seed=6)
    x, styles, latents = (
        normal(2, IN, 4, 4, seed=2),
        normal(2, LATENT, seed=3),
        normal(2, LATENT, seed=4),
    )
    images = []
    for image, style, latent in zip(upsampled(layer, x, upsampling), styles, latents, strict=True):
        factors = layer.style.weight @ style + layer.style.bias
        weight = layer.weight * factors.view(1, IN, 1, 1)
        weight = weight / (weight.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        y = F.conv2d(image[None], weight, padding=1)[0]
        noise = torch.tensor([latent[p] for p in noise_places(side, LATENT, 2)])
        y = y + 0.3 * noise.view(side, side) + layer.bias.view(OUT, 1, 1)
        images.append(torch.where(y > 0, y, 0.2 * y) * math.sqrt(2))
    got = layer(x, styles, latents, upsampling)
    torch.testing.assert_close(got, torch.stack(images), rtol=0, atol=1e-10)


def test_the_mapping_is_its_textbook_form_and_learns_a_hundredth_as_fast() -> None:
    mapping = MappingNetwork(LATENT).double()
    initialise(mapping, torch.Generator().manual_seed(0))
    z = normal(3, LATENT, seed=1)
    x = z / (z.square().mean(1, keepdim=True) + 1e-8).sqrt()
    for layer in mapping.layers:
        x = x @ (layer.weight.T / 100) + layer.bias / 100
        x = torch.where(x > 0, x, 0.2 * x) * math.sqrt(2)
    torch.testing.assert_close(mapping(z), x, rtol=0, atol=1e-10)
    first = mapping.layers[0]
    before = (first.weight * MAPPING_RATE).detach().clone()
    assert before.std().item() == pytest.approx(LATENT**-0.5, rel=0.3)
    optimiser = torch.optim.Adam(mapping.parameters(), lr=0.1)
    mapping(z).square().sum().backward()
    optimiser.step()
    moved = (first.weight * MAPPING_RATE - before).abs().max().item()
    assert moved == pytest.approx(0.1 * MAPPING_RATE, rel=0.01)


def test_noise_is_standard_normal_and_stands_at_the_same_places_everywhere() -> None:
    places = noise_places(16, 128, 3)
    assert places.shape == (256,) and torch.equal(places, noise_places(16, 128, 3))
    assert not torch.equal(places, noise_places(16, 128, 4))
    assert int(places.min()) >= 0 and int(places.max()) < 128
    assert len(places.unique()) > 90  # of 128: 256 draws leave out an eighth of them
    assert places[:8].tolist() == FIRST_PLACES
    noise = normal(500, 128, seed=0)[:, places]
    assert abs(noise.mean().item()) < 0.02 and noise.std().item() == pytest.approx(1, abs=0.02)


FIRST_PLACES = [60, 50, 115, 17, 44, 27, 13, 71]
"""As files of generators count on."""


def test_no_noise_is_taken_from_what_tells_a_class() -> None:
    classes = Classes(("a", "b"), (0.5, 0.5))
    space = SearchSpace.only(Architecture.parse("modern:modulated-nearest/modulated-nearest"))
    generator = space.generator(latent_size=8, channels=8, bottom_size=4, classes=classes)
    layers = [m for m in generator.modules() if isinstance(m, ModulatedConvolution)]
    assert len(layers) == 4
    for layer in layers:
        assert set(layer.places.tolist()) == set(range(8))
