"""Cells of different widths: networks, their files, their diagrams, and what is refused."""

import random
from pathlib import Path

import pytest
import torch

from autogan.basics.errors import UserError
from autogan.files.storage import load_tensors, save_tensors
from autogan.nets.layers import initialise
from autogan.spaces import search_space, space_of
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.generator import AutoGanGenerator
from autogan.spaces.generator_file import load_generator, save_generator
from autogan.spaces.networks import Generator as AnyGenerator
from autogan.spaces.space import SearchSpace
from autogan.spaces.widths import Channels, each_width, parse_widths, widths_text

WIDTHS = (12, 8, 4)


def drawn(space: SearchSpace, channels: Channels, seed: int = 0) -> AnyGenerator:
    generator = space.generator(latent_size=5, channels=channels, bottom_size=2)
    initialise(generator, torch.Generator().manual_seed(seed))
    return generator.eval()


def latents(count: int = 3) -> torch.Tensor:
    return torch.randn(count, 5, generator=torch.Generator().manual_seed(9))


@pytest.mark.parametrize("seed", range(12))
def test_a_derived_generator_is_a_path_through_a_shared_one_of_the_same_widths(seed: int) -> None:
    space = search_space("autogan", 3)
    architecture = space.sample(random.Random(seed))
    shared = drawn(space, WIDTHS)
    derived = drawn(SearchSpace.only(architecture), WIDTHS, seed=1)
    weights = shared.state_dict()
    derived.load_state_dict({name: weights[name] for name in derived.state_dict()})
    with torch.no_grad():
        expected = shared(latents(), architecture)
        assert expected.shape == (3, 3, 16, 16)
        assert torch.equal(derived(latents()), expected)


def test_one_number_and_as_many_equal_ones_make_the_same_network() -> None:
    space = SearchSpace.only(Architecture.parse("autogan-a"))
    with torch.no_grad():
        assert torch.equal(drawn(space, 6)(latents()), drawn(space, (6, 6, 6))(latents()))


def test_the_layers_have_the_widths_of_their_cells() -> None:
    everything = "pre-batch-nearest/pre-none-nearest/post-batch-deconvolution+shortcut+skip0+skip1"
    weights = drawn(SearchSpace.only(Architecture.parse(everything)), WIDTHS).state_dict()
    shapes = {name: tuple(weight.shape[:2]) for name, weight in weights.items()}
    assert shapes["project.weight"] == (12 * 4, 5)
    assert shapes["cells.0.block1.pre.convolution.weight"] == (12, 12)
    assert shapes["cells.1.block1.pre.convolution.weight"] == (8, 12)
    assert shapes["cells.2.block1.post.deconvolution.weight"] == (8, 8)
    assert shapes["cells.2.block1.post.convolution.weight"] == (4, 8)
    assert shapes["cells.2.block2.post.convolution.weight"] == (4, 4)
    assert shapes["cells.2.shortcut.convolution.weight"] == (4, 8)
    assert shapes["cells.2.skips.0.deconvolutions.1.weight"] == (12, 12)
    assert shapes["cells.2.skips.0.convolution.weight"] == (4, 12)
    assert shapes["cells.2.skips.1.convolution.weight"] == (4, 8)
    assert shapes["to_rgb.weight"] == (3, 4)


@pytest.mark.parametrize(("channels", "text"), [(8, "8"), (WIDTHS, "12,8,4")])
def test_a_file_keeps_the_widths(tmp_path: Path, channels: Channels, text: str) -> None:
    generator = drawn(SearchSpace.only(Architecture.parse("autogan-b")), channels)
    file = tmp_path / "generator.safetensors"
    save_generator(file, generator, generator.state_dict(), {})
    state, metadata = load_tensors(file)
    assert metadata == {
        "format": "autogan-generator-1",
        "architecture": str(Architecture.parse("autogan-b")),
        "latent_size": "5",
        "channels": text,
        "bottom_size": "2",
        "origin": "{}",
    }
    loaded = load_generator(file).generator
    assert isinstance(loaded, AutoGanGenerator) and loaded.channels == channels
    with torch.no_grad():
        assert torch.equal(loaded(latents()), generator(latents()))
    for wrong in ("12,8", "12,8,5", "12,8,4,4", "12,8,", "12;8;4"):
        save_tensors(file, state, metadata | {"channels": wrong})
        with pytest.raises(UserError, match="is not a generator of autogan"):
            load_generator(file)


def test_the_terminal_shows_the_width_that_the_projection_makes() -> None:
    architecture = Architecture.parse("autogan-a")
    shown = space_of(architecture).text_diagram(architecture, channels=WIDTHS, bottom_size=4)
    assert "latent → linear → 12 maps of 4×4" in shown


def test_widths_are_written_and_read() -> None:
    for channels in (256, (64, 32, 16)):
        assert parse_widths(widths_text(channels)) == channels
    assert each_width(7, 3) == (7, 7, 7) and each_width(WIDTHS, 3) == WIDTHS
    with pytest.raises(UserError, match="12,8,4 are the channels of 3 cells; there are 2"):
        each_width(WIDTHS, 2)
