"""A generator's file says which classes it makes; what it claims is not believed."""

import json
from pathlib import Path

import pytest
import torch

from autogan.basics.errors import UserError
from autogan.files.storage import load_tensors, save_tensors
from autogan.images.classes import Classes
from autogan.spaces.architecture import Architecture
from autogan.spaces.generator_file import load_generator, save_generator
from autogan.spaces.networks import Generator

ARCHITECTURE = Architecture.parse("pre-batch-nearest+shortcut")
FRUIT = Classes(("Äpfel, rote", "pear", "\x1b[31mplum\n"), (0.5, 0.25, 0.25))


def saved(folder: Path, classes: Classes | None = FRUIT) -> Path:
    generator = Generator.for_architecture(
        ARCHITECTURE, latent_size=4, channels=4, classes=classes, seed=1
    )
    file = folder / "generator.safetensors"
    save_generator(file, generator, generator.state_dict(), {})
    return file


def test_classes_are_read_back(tmp_path: Path) -> None:
    file = saved(tmp_path)
    generator = load_generator(file).generator
    assert generator.classes == FRUIT
    latents, labels = torch.zeros(3, 4), torch.arange(3)
    with torch.no_grad():
        images = generator(latents, labels=labels)
    assert not torch.equal(images[0], images[1])
    _, metadata = load_tensors(file)
    assert json.loads(metadata["classes"]) == FRUIT.to_plain()


def test_whether_some_images_had_no_label_is_forgotten(tmp_path: Path) -> None:
    partly = Classes(FRUIT.names, FRUIT.shares, unlabelled=True)
    assert load_generator(saved(tmp_path, partly)).generator.classes == FRUIT


def test_a_file_without_classes_is_as_before(tmp_path: Path) -> None:
    file = saved(tmp_path, None)
    state, metadata = load_tensors(file)
    assert "classes" not in metadata and not any("class" in name for name in state)
    assert load_generator(file).generator.classes is None


@pytest.mark.parametrize(
    "claimed",
    [
        "",
        "[",
        "[" * 100_000,
        "null",
        "{}",
        '{"names": ["a", "b", "c"], "shares": [0.5, 0.5, NaN]}',
        '{"names": ["a", "b", "b"], "shares": [0.5, 0.25, 0.25]}',
        '{"names": ["a", "b", 3], "shares": [0.5, 0.25, 0.25]}',
        '{"names": ["a", "b"], "shares": [0.5, 0.5]}',
        json.dumps({"names": [str(i) for i in range(10**5)], "shares": [1e-5] * 10**5}),
        json.dumps({"names": ["a", "b", "c" * 10**6], "shares": [0.5, 0.25, 0.25]}),
    ],
)
def test_claims_that_cannot_be_are_refused(tmp_path: Path, claimed: str) -> None:
    file = saved(tmp_path)
    state, metadata = load_tensors(file)
    save_tensors(file, state, {**metadata, "classes": claimed})
    with pytest.raises(UserError, match="is not a generator of autogan") as refused:
        load_generator(file)
    assert len(str(refused.value)) < 1000


def test_classes_without_their_weights_are_refused(tmp_path: Path) -> None:
    file = saved(tmp_path, None)
    state, metadata = load_tensors(file)
    save_tensors(file, state, {**metadata, "classes": json.dumps(FRUIT.to_plain())})
    with pytest.raises(UserError, match="weights do not fit"):
        load_generator(file)


@pytest.mark.parametrize("bottom_size", [0, 129, 16384, 2**20, 10**30])
@pytest.mark.parametrize("architecture", [str(ARCHITECTURE), "modern:modulated-nearest"])
def test_images_beyond_the_largest_are_refused_before_any_is_thought_of(
    tmp_path: Path, architecture: str, bottom_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = saved(tmp_path)
    state, metadata = load_tensors(file)
    claimed = {"architecture": architecture, "bottom_size": str(bottom_size)}
    save_tensors(file, state, {**metadata, **claimed})
    monkeypatch.setattr(
        "autogan.nets.modulation.noise_places", lambda *sizes: pytest.fail(str(sizes))
    )
    with pytest.raises(UserError, match=rf"bottom_size is {bottom_size}; .* has from 1 to 128"):
        load_generator(file)


def test_the_largest_images_are_read_back(tmp_path: Path) -> None:
    generator = Generator.for_architecture(ARCHITECTURE, latent_size=4, channels=1, bottom_size=128)
    file = tmp_path / "generator.safetensors"
    save_generator(file, generator, generator.state_dict(), {})
    assert load_generator(file).generator.bottom_size == 128
