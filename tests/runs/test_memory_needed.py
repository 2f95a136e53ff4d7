"""What cannot fit is refused with its setting's name; what runs is not, because the bound is low."""

import pytest
import torch

from autogan.basics.errors import UserError
from autogan.device.memory import all_memory_bytes
from autogan.runs.memory_needed import _values_an_image, refuse_too_large_batches
from autogan.settings.loading import load_settings, preset_names
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.discriminator import AutoGanDiscriminator
from autogan.spaces.autogan.generator import AutoGanGenerator


@pytest.mark.parametrize("name", ["search", "train"])
@pytest.mark.parametrize("batch", ["generator_batch", "discriminator_batch"])
def test_a_batch_beyond_the_machine_is_refused_by_name(name: str, batch: str) -> None:
    settings = load_settings("demo", overrides=[f"{name}.{batch}=1000000000"])
    with pytest.raises(UserError, match=rf"{name}\.{batch} is 1000000000.*GiB"):
        refuse_too_large_batches(settings, ["search", "derive"], 2**34, 2)


@pytest.mark.parametrize("preset", preset_names())
def test_no_preset_is_refused_on_a_small_machine(preset: str) -> None:
    refuse_too_large_batches(load_settings(preset), ["search", "train"], 4 * 2**30, 4)
    assert all_memory_bytes() > 2**28


def test_the_bound_is_below_what_a_step_keeps_for_its_backward_pass() -> None:
    """Of the smallest cells there are: no norms, no shortcuts, no skips."""
    settings = load_settings(
        overrides=["train.generator_channels=16", "train.discriminator_channels=16"]
    )
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    cell = "pre-none-nearest"
    generator = AutoGanGenerator.for_architecture(
        Architecture.parse("/".join([cell] * settings.cells)), latent_size=128, channels=16
    )
    discriminator = AutoGanDiscriminator(settings.cells, 16)
    latents = torch.randn(32, 128)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        discriminator(generator(latents)).sum()
    bound = 4 * 32 * sum(_values_an_image(settings.train, settings.network, settings.cells))
    weights = 4 * sum(p.numel() for m in (generator, discriminator) for p in m.parameters())
    assert bound < sum(kept.values()) - weights


def test_only_what_the_run_does_counts() -> None:
    settings = load_settings("demo", overrides=["search.generator_batch=1000000000"])
    refuse_too_large_batches(settings, ["data and judge", "train", "evaluate"], 2**34, 2)


def test_256_pixels_do_not_fit_into_two_gibibytes() -> None:
    settings = load_settings(
        "own-64", overrides=["data.image_size=256", "search.stage_weights=[1, 1, 1, 1, 1, 1]"]
    )
    with pytest.raises(UserError, match=r"train\.generator_batch is 32.* GiB.*has 2\.0 GiB"):
        refuse_too_large_batches(settings, ["train"], 2 * 2**30, 4)
