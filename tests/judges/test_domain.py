"""The domain judge on a small synthetic data set: stripes of four directions on random colours."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from autogan.errors import UserError
from autogan.images import DataSet, ImageSet
from autogan.judges import DomainJudge, JudgeRecipe, domain, domain_judge, train_domain_judge
from autogan.judges.domain import accuracy
from autogan.judges.training import augment, resized_pixels, schedule

RECIPE = JudgeRecipe(width=8, epochs=2, batch_size=32, learning_rate=0.1, flip=False)
CPU = torch.device("cpu")


def stripes(count: int, seed: int) -> ImageSet:
    """Classes: stripes along rows, columns, and the two diagonals, with a random phase."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 4
    y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    ways = torch.stack([y, x, (x + y) / 2**0.5, (x - y) / 2**0.5])  # 4×32×32
    phase = torch.rand(count, 1, 1, generator=generator) * 6.3
    wave = torch.sin(ways[labels] * 2 * torch.pi / 10 + phase)[:, None]  # N×1×32×32
    colour = torch.rand(count, 3, 1, 1, generator=generator) * 80 + 40
    noise = torch.randn(count, 3, 32, 32, generator=generator) * 20
    pixels = (128 + wave * colour + noise).clamp(0, 255).to(torch.uint8)
    return ImageSet(pixels, labels)


def stripes_data() -> DataSet:
    names = ("rows", "columns", "falling", "rising")
    return DataSet("stripes", "5" * 64, names, stripes(640, seed=0), stripes(200, seed=1), ())


@pytest.fixture(scope="module")
def data() -> DataSet:
    return stripes_data()


@pytest.fixture(scope="module")
def judge(data: DataSet) -> DomainJudge:
    return train_domain_judge(data, RECIPE, 0, CPU, "float32", None)


def test_learns_the_classes_and_says_how_well(data: DataSet, judge: DomainJudge) -> None:
    assert judge.held_out_accuracy > 0.95
    assert data.held_out.labels is not None
    judgement = judge(data.held_out.pixels)
    right = judgement.probabilities.argmax(1) == data.held_out.labels
    assert judge.held_out_accuracy == pytest.approx(float(right.double().mean()))
    # Other held-out images, another accuracy: labels turned by one class are all wrong.
    assert accuracy(judge, data.held_out.pixels, (data.held_out.labels + 1) % 4) < 0.05


def test_judgement_has_the_promised_shapes(data: DataSet, judge: DomainJudge) -> None:
    judgement = judge(data.held_out.pixels[:7])
    assert judgement.features.shape == (7, judge.feature_dimension) == (7, 32)
    assert judgement.probabilities.shape == (7, judge.class_count) == (7, 4)
    assert judgement.features.dtype == judgement.probabilities.dtype == torch.float32
    torch.testing.assert_close(judgement.probabilities.sum(1), torch.ones(7))
    streamed = judge.judge_all([data.held_out.pixels[:3], data.held_out.pixels[3:7]])
    torch.testing.assert_close(streamed.features, judgement.features, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("size", "least"), [(16, 0.9), (8, 0.6), (48, 0.9)])
def test_images_of_other_sizes_are_judged(
    data: DataSet, judge: DomainJudge, size: int, least: float
) -> None:
    assert data.held_out.labels is not None
    pixels = resized_pixels(data.held_out.pixels, size)
    assert pixels.shape[-1] == size
    assert accuracy(judge, pixels, data.held_out.labels) > least


def test_refuses_what_is_no_image(judge: DomainJudge) -> None:
    with pytest.raises(UserError, match="uint8"):
        judge(torch.zeros(2, 3, 32, 32))
    with pytest.raises(UserError, match="square"):
        judge(torch.zeros(2, 3, 32, 16, dtype=torch.uint8))
    with pytest.raises(UserError, match="no images"):
        judge.judge_all([])


def test_one_seed_gives_one_judge_bit_for_bit(data: DataSet) -> None:
    recipe = replace(RECIPE, epochs=1, flip=True)
    short = replace(data, train=ImageSet(*first(data.train, 128)))
    torch.manual_seed(1)
    one = train_domain_judge(short, recipe, 3, CPU, "float32", None)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    again = train_domain_judge(short, recipe, 3, CPU, "float32", None)
    assert torch.equal(torch.get_rng_state(), state)
    other = train_domain_judge(short, recipe, 4, CPU, "float32", None)
    weights, weights_again = one.network.state_dict(), again.network.state_dict()
    assert all(torch.equal(weights[name], weights_again[name]) for name in weights)
    assert one.name == again.name != other.name


def first(images: ImageSet, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    assert images.labels is not None
    return images.pixels[:count], images.labels[:count]


def test_unlabelled_images_are_left_out(data: DataSet) -> None:
    recipe = replace(RECIPE, epochs=1)
    pixels, labels = first(data.train, 96)
    noise = torch.randint(256, (64, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    mixed = ImageSet(
        torch.cat([pixels, noise.to(torch.uint8)]), torch.cat([labels, torch.full((64,), -1)])
    )
    steps: list[tuple[int, int]] = []
    with_noise = train_domain_judge(
        replace(data, train=mixed),
        recipe,
        0,
        CPU,
        "float32",
        lambda done, of: steps.append((done, of)),
    )
    without = train_domain_judge(
        replace(data, train=ImageSet(pixels, labels)), recipe, 0, CPU, "float32", None
    )
    assert with_noise.name == without.name
    assert steps == [(1, 3), (2, 3), (3, 3)]


def test_a_data_set_without_labels_is_refused(data: DataSet) -> None:
    bare = ImageSet(data.train.pixels[:8], None)
    unlabelled = DataSet("cats", "0" * 64, (), bare, bare, ())
    with pytest.raises(UserError, match=r"cats has no labelled images.*sub-folder per class"):
        train_domain_judge(unlabelled, RECIPE, 0, CPU, "float32", None)
    with pytest.raises(UserError, match=r"Unknown precision 'half'"):
        train_domain_judge(data, RECIPE, 0, CPU, "half", None)


def test_the_second_call_reads_the_cache(
    data: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(RECIPE, epochs=1)
    small = replace(data, train=ImageSet(*first(data.train, 64)))
    trained: list[int] = []
    train = domain.train_domain_judge

    def counted(*arguments: object) -> DomainJudge:
        trained.append(1)
        return train(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(domain, "train_domain_judge", counted)
    one = domain_judge(small, recipe, 0, CPU, tmp_path, None)
    again = domain_judge(small, recipe, 0, CPU, tmp_path, None)
    assert len(trained) == 1
    assert again.name == one.name
    assert again.about == one.about
    assert again.held_out_accuracy == one.held_out_accuracy
    images = data.held_out.pixels[:4]
    assert torch.equal(again(images).features, one(images).features)

    domain_judge(small, recipe, 1, CPU, tmp_path, None)
    domain_judge(small, replace(recipe, shift=1), 0, CPU, tmp_path, None)
    domain_judge(replace(small, digest="6" * 64), recipe, 0, CPU, tmp_path, None)
    assert len(trained) == 4
    files = sorted(tmp_path.glob("judges/*"))
    assert len(files) == 4  # and nothing left that was written aside
    assert all(file.suffix == ".safetensors" for file in files)


@pytest.mark.parametrize("damage", ["flipped bit", "cut short", "empty"])
def test_a_damaged_cache_is_said_and_replaced(data: DataSet, tmp_path: Path, damage: str) -> None:
    recipe = replace(RECIPE, epochs=1)
    small = replace(data, train=ImageSet(*first(data.train, 64)))
    one = domain_judge(small, recipe, 0, CPU, tmp_path, None)
    (path,) = tmp_path.glob("judges/*")
    content = path.read_bytes()
    flipped = content[:-100] + bytes([content[-100] ^ 1]) + content[-99:]
    path.write_bytes({"flipped bit": flipped, "cut short": content[:-50], "empty": b""}[damage])
    with pytest.warns(UserWarning, match="trained again"):
        again = domain_judge(small, recipe, 0, CPU, tmp_path, None)
    assert again.name == one.name
    assert domain_judge(small, recipe, 0, CPU, tmp_path, None).name == one.name


def test_schedule_rises_and_falls() -> None:
    assert [schedule(p, 0.25) for p in (0.0, 0.125, 0.25, 0.625, 1.0)] == [0, 0.5, 1, 0.5, 0]
    assert schedule(0.0, 0.0) == 1.0


def test_augmentation_does_what_the_recipe_says(data: DataSet) -> None:
    images = data.train.pixels[:16]
    plain = JudgeRecipe(shift=0, flip=False, low_resolution_share=0.0)
    generator = torch.Generator().manual_seed(0)
    torch.testing.assert_close(augment(images, plain, generator), images.float())

    mirrored = augment(images, replace(plain, flip=True), generator)
    kinds = [
        (torch.equal(a, b.float()), torch.equal(a, b.flip(2).float()))
        for a, b in zip(mirrored, images, strict=True)
    ]
    assert {(True, False), (False, True)} == set(kinds)

    moved = augment(images, replace(plain, shift=2), generator)
    inner = moved[:, :, 2:-2, 2:-2]
    places = [
        [
            (dy, dx)
            for dy in range(5)
            for dx in range(5)
            if torch.equal(a, b[:, dy : dy + 28, dx : dx + 28].float())
        ]
        for a, b in zip(inner, images, strict=True)
    ]
    assert all(len(place) == 1 for place in places)
    assert len({place[0] for place in places}) > 4

    reduced = augment(images, replace(plain, low_resolution_share=0.5), generator)
    changed = [not torch.equal(a, b.float()) for a, b in zip(reduced, images, strict=True)]
    assert changed == [True] * 8 + [False] * 8
    roughness = (reduced[..., 1:] - reduced[..., :-1]).abs().mean((1, 2, 3))
    assert roughness[4:8].mean() < roughness[:4].mean() < roughness[8:].mean()
