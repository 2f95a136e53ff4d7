"""The domain judge on a small synthetic data set: stripes of four directions on random colours."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from autogan.basics.errors import UserError
from autogan.files.storage import load_tree, save_tree
from autogan.images import DataSet, ImageSet
from autogan.judges import (
    DomainJudge,
    Judge,
    domain,
    domain_judge,
    floor,
    reference,
    train_domain_judge,
)
from autogan.judges.base import resize
from autogan.judges.domain import accuracy
from autogan.judges.questions import ROTATIONS, Question, turned
from autogan.judges.training import (
    NetworkTraining,
    augment,
    schedule,
    shown_size,
    train_to_end,
    whiten,
)
from autogan.settings.judge import JudgeSettings
from autogan.testing import JudgeConformance

SETTINGS = JudgeSettings(width=8, epochs=2, batch_size=32, learning_rate=0.1, flip=False)
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
    return train_domain_judge(data, SETTINGS, 0, CPU, "float32")


def test_learns_the_classes_and_says_how_well(data: DataSet, judge: DomainJudge) -> None:
    assert judge.held_out_accuracy > 0.95
    assert data.held_out.labels is not None
    judgement = judge(data.held_out.pixels)
    right = judgement.probabilities.argmax(1) == data.held_out.labels
    assert judge.held_out_accuracy == pytest.approx(float(right.double().mean()))
    # Labels turned by one class are all wrong.
    wrong = ImageSet(data.held_out.pixels, (data.held_out.labels + 1) % 4)
    assert accuracy(judge, judge.task.examples(wrong, "wrong")) < 0.05


class TestConformance(JudgeConformance):
    """Of a judge that knows the classes of the images."""

    @pytest.fixture(autouse=True)
    def trained(self, judge: DomainJudge) -> None:
        self.judge = judge

    def make(self) -> Judge:
        return self.judge


@pytest.mark.parametrize(("size", "least"), [(16, 0.9), (8, 0.6), (48, 0.9)])
def test_images_of_other_sizes_are_judged(
    data: DataSet, judge: DomainJudge, size: int, least: float
) -> None:
    pixels = resize(data.held_out.pixels.float(), size).round().to(torch.uint8)
    held_out = ImageSet(pixels, data.held_out.labels)
    assert held_out.size == size
    assert accuracy(judge, judge.task.examples(held_out, "held out")) > least


def test_one_seed_gives_one_judge_bit_for_bit(data: DataSet) -> None:
    settings = SETTINGS.model_copy(update={"epochs": 1, "flip": True})
    short = replace(data, train=ImageSet(*first(data.train, 128)))
    torch.manual_seed(1)
    one = train_domain_judge(short, settings, 3, CPU, "float32")
    torch.manual_seed(2)
    state = torch.get_rng_state()
    again = train_domain_judge(short, settings, 3, CPU, "float32")
    assert torch.equal(torch.get_rng_state(), state)
    other = train_domain_judge(short, settings, 4, CPU, "float32")
    weights, weights_again = one.network.state_dict(), again.network.state_dict()
    assert all(torch.equal(weights[name], weights_again[name]) for name in weights)
    assert one.name == again.name != other.name


def first(images: ImageSet, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    assert images.labels is not None
    return images.pixels[:count], images.labels[:count]


def test_unlabelled_images_are_left_out(data: DataSet) -> None:
    settings = SETTINGS.model_copy(update={"epochs": 1})
    pixels, labels = first(data.train, 96)
    noise = torch.randint(256, (64, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    mixed = ImageSet(
        torch.cat([pixels, noise.to(torch.uint8)]), torch.cat([labels, torch.full((64,), -1)])
    )
    steps: list[tuple[int, int]] = []

    def drive(training: NetworkTraining) -> None:
        while not training.done:
            training.step()
            steps.append((training.steps_done, training.steps))

    with_noise = train_domain_judge(
        replace(data, train=mixed),
        settings,
        0,
        CPU,
        "float32",
        drive,
    )
    without = train_domain_judge(
        replace(data, train=ImageSet(pixels, labels)), settings, 0, CPU, "float32"
    )
    assert with_noise.name == without.name
    assert steps == [(1, 3), (2, 3), (3, 3)]


def test_a_part_without_any_label_is_refused(data: DataSet) -> None:
    bare = ImageSet(data.train.pixels[:8], torch.full((8,), -1))
    with pytest.raises(UserError, match=r"held-out part of stripes has no labelled images.*rows"):
        train_domain_judge(replace(data, held_out=bare), SETTINGS, 0, CPU, "float32")
    with pytest.raises(UserError, match=r"The data set stripes has no labelled images"):
        train_domain_judge(replace(data, train=bare), SETTINGS, 0, CPU, "float32")
    with pytest.raises(UserError, match=r"Unknown precision 'half'"):
        train_domain_judge(data, SETTINGS, 0, CPU, "half")


def test_the_second_call_reads_the_cache(
    data: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SETTINGS.model_copy(update={"epochs": 1})
    small = replace(data, train=ImageSet(*first(data.train, 64)))
    trained: list[int] = []
    train = domain.train_domain_judge

    def counted(*arguments: object) -> DomainJudge:
        trained.append(1)
        return train(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(domain, "train_domain_judge", counted)
    one = domain_judge(small, settings, 0, CPU, tmp_path)
    again = domain_judge(small, settings, 0, CPU, tmp_path)
    assert len(trained) == 1
    assert again.name == one.name
    assert again.about == one.about
    assert again.held_out_accuracy == one.held_out_accuracy
    images = data.held_out.pixels[:4]
    assert torch.equal(again(images).features, one(images).features)

    domain_judge(small, settings, 1, CPU, tmp_path)
    domain_judge(small, settings.model_copy(update={"shift": 1}), 0, CPU, tmp_path)
    domain_judge(replace(small, digest="6" * 64), settings, 0, CPU, tmp_path)
    assert len(trained) == 4
    files = sorted(tmp_path.glob("judges/*"))
    assert len(files) == 4  # and nothing left that was written aside
    assert all(file.suffix == ".safetensors" for file in files)


@pytest.mark.parametrize("damage", ["flipped bit", "cut short", "empty"])
def test_a_damaged_cache_is_said_and_replaced(data: DataSet, tmp_path: Path, damage: str) -> None:
    settings = SETTINGS.model_copy(update={"epochs": 1})
    small = replace(data, train=ImageSet(*first(data.train, 64)))
    one = domain_judge(small, settings, 0, CPU, tmp_path)
    (path,) = tmp_path.glob("judges/*")
    content = path.read_bytes()
    flipped = content[:-100] + bytes([content[-100] ^ 1]) + content[-99:]
    path.write_bytes({"flipped bit": flipped, "cut short": content[:-50], "empty": b""}[damage])
    with pytest.warns(UserWarning, match="trained again"):
        again = domain_judge(small, settings, 0, CPU, tmp_path)
    assert again.name == one.name
    assert domain_judge(small, settings, 0, CPU, tmp_path, None).name == one.name


def test_schedule_rises_and_falls() -> None:
    assert [schedule(p, 0.25) for p in (0.0, 0.125, 0.25, 0.625, 1.0)] == [0, 0.5, 1, 0.5, 0]
    assert schedule(0.0, 0.0) == 1.0


@pytest.mark.parametrize("steps", [1, 2])
def test_a_step_is_that_of_the_settings(data: DataSet, steps: int) -> None:
    """Momentum of Nesterov, weight decay of matrices alone, and smoothed labels, by their formulas.

    A twin gives the gradients; what is left of a label is spread over all classes (Szegedy et al.,
    2016, section 7).
    """
    settings = JudgeSettings(
        width=8, epochs=1, batch_size=32, learning_rate=0.1, weight_decay=0.02, label_smoothing=0.3
    )
    arguments = (data, Question.of(data.class_names), settings, 0, CPU, "float32")
    training, twin = NetworkTraining(*arguments), NetworkTraining(*arguments)
    momenta: dict[str, torch.Tensor] = {}
    for number in range(steps):
        images, targets = twin.batches.next()
        log_p = twin.network(images)[1].log_softmax(1)
        right = log_p.gather(1, targets[:, None])[:, 0]
        loss = -(0.7 * right + 0.3 * log_p.mean(1)).mean()
        weights = dict(twin.network.named_parameters())
        gradients = torch.autograd.grad(loss, list(weights.values()))
        done = (number + 0.5) / 20  # 640 images in batches of 32
        rate = 0.1 * min(done / settings.warmup_share, (1 - done) / (1 - settings.warmup_share))
        with torch.no_grad():
            for (name, weight), gradient in zip(weights.items(), gradients, strict=True):
                change = gradient + 0.02 * weight * (weight.ndim > 1)
                momenta[name] = 0.9 * momenta[name] + change if number else change
                weight -= rate * (change + 0.9 * momenta[name])
        training.step()
    for name, weight in twin.network.named_parameters():
        found = training.network.get_parameter(name)
        torch.testing.assert_close(found, weight, rtol=1e-4, atol=1e-5)


def test_augmentation_does_what_the_settings_say(data: DataSet) -> None:
    images = data.train.pixels[:16]
    plain = JudgeSettings(shift=0, flip=False, low_resolution_share=0.0)
    generator = torch.Generator().manual_seed(0)
    torch.testing.assert_close(augment(images, plain, generator), images.float())

    mirrored = augment(images, plain.model_copy(update={"flip": True}), generator)
    kinds = [
        (torch.equal(a, b.float()), torch.equal(a, b.flip(2).float()))
        for a, b in zip(mirrored, images, strict=True)
    ]
    assert {(True, False), (False, True)} == set(kinds)

    moved = augment(images, plain.model_copy(update={"shift": 2}), generator)
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

    reduced = augment(images, plain.model_copy(update={"low_resolution_share": 0.5}), generator)
    changed = [not torch.equal(a, b.float()) for a, b in zip(reduced, images, strict=True)]
    assert changed == [True] * 8 + [False] * 8
    roughness = (reduced[..., 1:] - reduced[..., :-1]).abs().mean((1, 2, 3))
    assert roughness[4:8].mean() < roughness[:4].mean() < roughness[8:].mean()


# Without labels: which way up?


def skies(count: int, seed: int, *, noise: bool = False) -> ImageSet:
    """Bright above, dark below, a disc somewhere in the upper half; `noise`: nothing to recognise."""
    generator = torch.Generator().manual_seed(seed)
    if noise:
        pixels = torch.randint(256, (count, 3, 32, 32), generator=generator, dtype=torch.uint8)
        return ImageSet(pixels, None)
    y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    centre = torch.rand(count, 1, 1, generator=generator) * 24 + 4
    sun = ((y - 8) ** 2 + (x - centre) ** 2 < 16).float()  # N×32×32
    colour = torch.rand(count, 3, 1, 1, generator=generator) * 60 + 60
    shade = (1.4 - y / 32)[None, None] * colour + 80 * sun[:, None]
    grain = torch.randn(count, 3, 32, 32, generator=generator) * 10
    return ImageSet((shade + grain).clamp(0, 255).to(torch.uint8), None)


def skies_data(**options: bool) -> DataSet:
    return DataSet("skies", "7" * 64, (), skies(160, 0, **options), skies(60, 1, **options))


@pytest.fixture(scope="module")
def upright() -> DomainJudge:
    return train_domain_judge(skies_data(), SETTINGS, 0, CPU, "float32")


def test_turning_is_what_it_says() -> None:
    images = torch.arange(4 * 3 * 5 * 5).reshape(4, 3, 5, 5)
    result = turned(images, torch.tensor([0, 1, 2, 3]))
    assert torch.equal(result[0], images[0])
    assert torch.equal(result[1][:, 0], images[1][:, :, -1])  # left: the right edge comes on top
    assert torch.equal(result[2], images[2].flip(1, 2))
    assert torch.equal(result[3][:, :, -1], images[3][:, 0])


def test_every_image_is_asked_about_once_a_rotation() -> None:
    data = skies_data()
    examples = Question.of(()).examples(data.held_out, "skies")
    assert len(examples) == 60 * len(ROTATIONS)
    shown = list(examples.batches(CPU, size=7))
    images, targets = (torch.cat(part) for part in zip(*shown, strict=True))
    assert torch.equal(targets.bincount(), torch.full((4,), 60))
    for image in (0, 33):
        assert torch.equal(images[4 * image], data.held_out.pixels[image])
        assert torch.equal(images[4 * image + 2], data.held_out.pixels[image].flip(1, 2))
    assert Question.of(("only",)) == Question.of(()) != Question.of(("a", "b"))


def test_a_mirrored_image_that_is_turned_left_is_asked_about_as_turned_left() -> None:
    """Turned first and mirrored then, it would look as one that is turned right."""
    data = skies_data(noise=True)  # no image looks like another, nor like itself turned
    settings = SETTINGS.model_copy(
        update={"flip": True, "shift": 0, "low_resolution_share": 0.0, "batch_size": 64}
    )
    training = NetworkTraining(data, Question.of(()), settings, 0, CPU, "float32")
    images, targets = training.batches.next()
    known = {}
    for image in data.train.pixels:
        for mirrored in (False, True):
            for quarters in range(4):
                shown = torch.rot90(image.flip(2) if mirrored else image, quarters, (1, 2))
                known[shown.numpy().tobytes()] = (mirrored, quarters)
    found = [known[image.to(torch.uint8).numpy().tobytes()] for image in images]
    assert [quarters for _, quarters in found] == targets.tolist()
    assert {(mirrored, 1) for mirrored in (False, True)} <= set(found)


def test_without_labels_the_judge_learns_which_way_up(upright: DomainJudge) -> None:
    assert upright.task.kind == "rotation" and upright.name.startswith("domain-rotation-")
    assert upright.held_out_accuracy > 0.9
    guessing = train_domain_judge(skies_data(noise=True), SETTINGS, 0, CPU, "float32")
    assert 0.1 < guessing.held_out_accuracy < 0.45


class TestConformanceWithoutClasses(JudgeConformance):
    """Of a judge that knows which way up the images are."""

    @pytest.fixture(autouse=True)
    def trained(self, upright: DomainJudge) -> None:
        self.judge = upright

    def make(self) -> Judge:
        return self.judge


def test_a_judge_without_classes_has_no_probabilities(upright: DomainJudge) -> None:
    images = skies_data().held_out.pixels[:9]
    judgement = upright(images)
    assert upright.class_count == 0 and upright.class_names == ()
    assert judgement.features.shape == (9, 32) and judgement.probabilities.shape == (9, 0)
    features, answers = upright.answer(images)
    assert torch.equal(features, judgement.features) and answers.shape == (9, 4)


def test_scores_of_a_judge_without_classes_leave_out_what_counts_classes(
    upright: DomainJudge, tmp_path: Path
) -> None:
    data = skies_data()
    real = reference(upright, data.train, data.digest, tmp_path)
    scores = floor(upright, data.held_out, real)
    assert scores.inception_score is None and scores.inception_score_std is None
    assert scores.class_shares == ()
    assert any("knows no classes" in mark for mark in scores.marks)
    turned_over = ImageSet(data.held_out.pixels.flip(2), None)
    worse = floor(upright, turned_over, real)
    assert scores.frechet_distance is not None and worse.frechet_distance is not None
    assert worse.frechet_distance > 3 * scores.frechet_distance


def test_a_judge_of_unlabelled_images_is_kept_in_the_cache(tmp_path: Path) -> None:
    data, settings = skies_data(), SETTINGS.model_copy(update={"epochs": 1})
    one = domain_judge(data, settings, 0, CPU, tmp_path)
    again = domain_judge(data, settings, 0, CPU, tmp_path)
    assert (again.name, again.task, again.about) == (one.name, one.task, one.about)
    assert len(list(tmp_path.glob("judges/*"))) == 1


@pytest.mark.parametrize("recipe", ["plain", "fast"])
def test_a_training_goes_on_from_any_step_to_the_bit(
    data: DataSet, tmp_path: Path, recipe: str
) -> None:
    settings = JudgeSettings(**{**SETTINGS.model_dump(), "recipe": recipe})
    task = Question.of(data.class_names)

    def begun() -> NetworkTraining:
        return NetworkTraining(data, task, settings, 0, CPU, "float32")

    def ended(training: NetworkTraining) -> dict[str, torch.Tensor]:
        train_to_end(training)
        return training.network.state_dict()

    whole = begun()
    states = []
    while whole.steps_done < min(6, whole.steps - 1):
        save_tree(tmp_path / str(whole.steps_done), whole.state_dict())
        states.append(tmp_path / str(whole.steps_done))
        whole.step()
    expected = ended(whole)
    for file in states:
        again = begun()
        again.load_state_dict(load_tree(file))
        found = ended(again)
        assert all(torch.equal(expected[name], found[name]) for name in expected), file.name


def test_the_fast_recipe_learns_the_classes_too(data: DataSet, judge: DomainJudge) -> None:
    settings = JudgeSettings(**{**SETTINGS.model_dump(), "recipe": "fast"})
    fast = train_domain_judge(data, settings, 0, CPU, "float32")
    assert fast.held_out_accuracy > 0.9
    assert fast.name != judge.name and fast.settings == settings


def test_a_plain_judge_says_nothing_of_its_recipe() -> None:
    """So that the names of judges in the cache stay what they were before there was another."""
    assert "recipe" not in SETTINGS.to_dict()
    assert JudgeSettings(recipe="fast").to_dict()["recipe"] == "fast"


def test_the_fast_recipe_shows_small_images_first() -> None:
    sizes = [shown_size(progress / 100, 32) for progress in range(100)]
    assert sizes[0] == 16 and sizes[-1] == 32 and set(sizes) == {16, 24, 32}
    assert sizes == sorted(sizes)


def test_whitened_patches_have_variance_one_and_no_covariance(data: DataSet) -> None:
    """Of the directions that carry most; the second half of the kernels are their negatives."""
    images = data.train.pixels[:200].float()
    convolution = torch.nn.Conv2d(3, 16, 4, stride=2, bias=False)
    whiten(convolution, images.split(64))
    kernels = convolution.weight.detach()
    assert torch.equal(kernels[8:], -kernels[:8])
    answers = torch.nn.functional.conv2d(images / 127.5 - 1, kernels[:8], stride=2)
    flat = answers.transpose(0, 1).flatten(1).double()  # 8×(N·positions)
    moments = flat @ flat.T / flat.shape[1]
    assert (moments.diag() - 1).abs().max() < 0.15  # WHITENING_EPSILON takes a little
    assert (moments - moments.diag().diag()).abs().max() < 1e-3
