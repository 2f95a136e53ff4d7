"""What cannot fit is refused with its setting's name; what runs is not, because the bound is low."""

import random
import weakref
from collections.abc import Collection
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from autogan.basics.errors import UserError
from autogan.device.compute import Compute
from autogan.device.memory import Memory
from autogan.gan.from_settings import discriminator_for, gan_for
from autogan.gan.generation import generate
from autogan.images.batches import Batch
from autogan.runs.memory_needed import (
    PENALISED,
    PROGRAM_BYTES,
    _values_an_image,
    memory_needed,
    refuse_too_little_memory,
    scoring_bytes,
    warning_of_little_memory,
)
from autogan.runs.plan import Part
from autogan.settings.loading import load_settings, preset_names
from autogan.settings.sections import Settings
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.discriminator import AutoGanDiscriminator
from autogan.spaces.autogan.generator import AutoGanGenerator
from autogan.spaces.space import SearchSpace


def machine(gibibytes: float) -> Memory:
    return Memory(int(gibibytes * 2**30), "this machine has", holds_program=True)


def refuse(
    settings: Settings, parts: Collection[Part], memory: Memory, bytes_a_number: int
) -> None:
    refuse_too_little_memory(memory_needed(settings, parts, bytes_a_number), memory)


class Held(TorchDispatchMode):
    """Counts the bytes of all tensors that are made within it and still held: now, and at the most."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(
        self, function: Any, types: Any, arguments: Any = (), named: Any = None
    ) -> Any:
        made = function(*arguments, **(named or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor):
                self._note(tensor.untyped_storage())
        return made

    def _note(self, storage: torch.UntypedStorage) -> None:
        place, size = storage._cdata, storage.nbytes()
        if place not in self._known:
            self._known.add(place)
            self.now += size
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self._forget, place, size)

    def _forget(self, place: int, size: int) -> None:
        self._known.discard(place)
        self.now -= size


@pytest.mark.parametrize("name", ["search", "train"])
@pytest.mark.parametrize("batch", ["generator_batch", "discriminator_batch"])
def test_a_batch_beyond_the_machine_is_refused_by_name(name: str, batch: str) -> None:
    settings = load_settings("demo", overrides=[f"{name}.{batch}=1000000000"])
    with pytest.raises(UserError, match=rf"{name}\.{batch} is 1000000000.*GiB"):
        refuse(settings, ["search", "derive"], machine(16), 2)


@pytest.mark.parametrize("preset", preset_names())
def test_no_preset_is_refused_on_a_small_machine(preset: str) -> None:
    refuse(load_settings(preset), ["search", "train"], machine(4), 4)


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


@pytest.mark.parametrize("bytes_a_number", [2, 4])
@pytest.mark.parametrize("name", ["autogan", "modern"])
def test_the_bound_is_below_what_making_images_to_score_holds(
    name: str, bytes_a_number: int
) -> None:
    compute = Compute.resolve("cpu", "bfloat16" if bytes_a_number == 2 else "float32")
    lightest = {
        "autogan": "post-none-nearest/post-none-nearest",
        "modern": "modern:post-none-nearest+half/post-batch-deconvolution+half",
    }
    sampled = [search_space(name, 2).sample(random.Random(seed)) for seed in range(8)]
    for architecture in [Architecture.parse(lightest[name]), *sampled]:
        space = SearchSpace.only(architecture)
        generator = compute.place(space.generator(latent_size=16, channels=32, bottom_size=4))
        with Held() as held:
            generate(generator, torch.randn(32, 16), compute, batch_statistics=True)
        assert scoring_bytes(32, 16, 32, bytes_a_number) < held.peak, architecture


def test_the_bound_is_below_what_a_penalty_adds() -> None:
    """One of them, with what the discriminator's step holds without."""
    compute = Compute.resolve("cpu", "float32")
    peaks = []
    for penalty in ("1", "0"):
        settings = load_settings(
            overrides=[f"train.objective.real_penalty={penalty}", "train.discriminator_channels=16"]
        )
        space = search_space("autogan", settings.cells)
        gan = gan_for(
            settings.train,
            space.generator(latent_size=8, channels=4, bottom_size=4),
            discriminator_for(settings.train, space, None, None),
            compute,
            seed=0,
            purpose="test",
        )
        side = settings.data.image_size
        with Held() as held:
            gan.discriminator_step(
                Batch(torch.zeros((16, 3, side, side), dtype=torch.uint8)), space.first()
            )
        peaks.append(held.peak)
    assert peaks[0] > PENALISED * peaks[1]


def test_only_what_the_run_does_counts() -> None:
    settings = load_settings("demo", overrides=["search.generator_batch=1000000000"])
    refuse(settings, ["data and judge", "train", "evaluate"], machine(16), 2)


@pytest.mark.parametrize("name", ["search", "train"])
def test_wide_networks_at_256_pixels_do_not_fit_into_two_gibibytes(name: str) -> None:
    wide = load_settings(
        "own-256", overrides=[f"{name}.discriminator_channels=192", "train.start=fresh"]
    )
    words = rf"{name}\.discriminator_batch is 8: one training step.* 2\.9 GiB.* has 2\.0 GiB"
    with pytest.raises(UserError, match=words):
        refuse(wide, [name], machine(2), 2)  # type: ignore[list-item]


def test_more_images_are_not_scored_at_once_where_they_are_larger() -> None:
    """250 images of 256×256 at once took most of a run: 9.2 GiB, and 2.5 to 2.7 GiB without that."""
    needs = {
        preset: next(
            n.size
            for n in memory_needed(load_settings(preset), ["train"], 2)
            if "scoring" in n.work
        )
        for preset in ("own-64", "own-128", "own-256")
    }
    assert needs["own-256"] <= needs["own-128"] <= needs["own-64"] < 2**28, needs


def test_the_program_itself_counts_where_it_lies() -> None:
    needs = memory_needed(load_settings("own-256"), ["train"], 2)
    most = max(need.size for need in needs)
    refuse_too_little_memory(needs, Memory(most, "the GPU has", holds_program=False))
    refuse_too_little_memory(needs, Memory(most + PROGRAM_BYTES, "this machine has", True))
    with pytest.raises(UserError, match="this machine has"):
        refuse_too_little_memory(needs, Memory(most, "this machine has", holds_program=True))


def test_where_a_run_may_not_fit_both_numbers_are_said() -> None:
    needs = memory_needed(load_settings("own-256"), ["train"], 2)
    warning = warning_of_little_memory(needs, machine(2))
    assert "2.4 GiB" in warning and "this machine has 2.0 GiB" in warning
    assert warning_of_little_memory(needs, machine(2.5)) == ""
    on_gpu = Memory(4 * 2**30, "the GPU has", holds_program=False)
    assert warning_of_little_memory(needs, on_gpu) == ""
