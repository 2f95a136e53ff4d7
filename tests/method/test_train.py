"""Training from scratch: its learning rate, its validations, which state is kept, and going on."""

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny import Listening, context_of, tiny

from autogan.basics.errors import Diverged
from autogan.basics.randomness import torch_generator
from autogan.gan.generation import generate
from autogan.gan.step import Gan
from autogan.images.batches import Batch, Batches
from autogan.judges import FeatureStatistics, frechet_distance
from autogan.method import train as module
from autogan.method.context import Context
from autogan.method.train import Training, train, validation_of
from autogan.runs.folder import Run
from autogan.runs.outcomes import Validation
from autogan.runs.stopping import Stopped
from autogan.spaces.architecture import Architecture
from autogan.spaces.networks import Generator
from autogan.testing.checks import equal_trees

ARCHITECTURE = Architecture.parse("pre-batch-nearest+shortcut/post-none-bilinear+skip0")


EVERYTHING = {
    "objective": {
        "loss": "relativistic-pairing",
        "real_penalty": 0.1,
        "generated_penalty": 0.1,
        "slope_penalty": 0.1,
        "penalty_every_steps": 3,
        "spectral_norm": False,
    },
    "augmentation": ["colour", "shift", "cutout"],
    "generator_batch": 5,
}
"""A game that draws from every stream, and sees real images in both steps."""
EVERYTHING_THAT_CHANGES = {
    "objective": {
        "loss": "non-saturating",
        "real_penalty": 0.1,
        "penalty_every_steps": 3,
        "direction_head": True,
        "lecam_penalty": 0.3,
        "lecam_from_step": 3,
        "top_share": 0.5,
        "top_share_steps": 4,
    },
    "augmentation": ["colour", "shift"],
    "augmentation_probability": "adaptive",
    "augmentation_images": 64,
    "mirror": True,
    "average_half_life_images": 50,
    "schedule": {
        "learning_rate": "cosine",
        "learning_rate_end": 0.1,
        "penalty_end": 0.2,
        "second_decay_rate_end": 0.99,
    },
}
"""A game in which everything changes from step to step that can."""


class Trainings:
    """Trainings of one architecture, each in a run of its own."""

    def __init__(
        self, folder: Path, conditional: str = "never", unlabelled: int = 0, **settings: Any
    ) -> None:
        self.folder = folder
        chosen = tiny(train=settings, network={"conditional": conditional})
        self.context = context_of(chosen, folder, unlabelled=unlabelled)
        self.progress = Listening()

    def run(self, name: str = "run") -> Run:
        return Run.create(self.folder / name, self.context.settings)

    def begun(self, run: Run, steps: int = 6) -> Training:
        return Training(ARCHITECTURE, steps, "train", self.context, run, self.progress)

    def ended(self, run: Run, steps: int = 6) -> Training:
        return train(ARCHITECTURE, steps, "train", self.context, run, self.progress)


def events(run: Run, kind: str) -> list[dict[str, Any]]:
    lines = (run.folder / "log.jsonl").read_text().splitlines()
    return [line for line in map(json.loads, lines) if line["event"] == kind]


def validations(monkeypatch: pytest.MonkeyPatch, **values: list[float]) -> None:
    """Validations come out as given, one after the other; `values` by their field."""
    numbers = iter(range(100))

    def made(generator: Generator, steps: int, context: Context) -> Validation:
        number = next(numbers)
        given = {name: each[number] for name, each in values.items()}
        return Validation(steps, **{"inception_score": 1.0, "frechet_distance": 1.0, **given})

    monkeypatch.setattr(module, "validation_of", made)


@pytest.mark.parametrize("steps", [6, 7])
def test_linear_decay_is_a_ramp_over_the_second_half(
    tmp_path: Path, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    factors: list[float] = []
    whole = Gan.set_learning_rate

    def noted(gan: Gan, factor: float) -> None:
        factors.append(factor)
        whole(gan, factor)
        rates = [learner.optimiser.param_groups[0]["lr"] for learner in gan.learners]
        assert rates == [learner.learning_rate * factor for learner in gan.learners]

    monkeypatch.setattr(Gan, "set_learning_rate", noted)
    validations(monkeypatch)
    trainings = Trainings(tmp_path, schedule={"learning_rate": "linear"})
    trainings.ended(trainings.run(), steps)
    expected = [1.0 if 2 * step <= steps else 2 * (steps - step) / steps for step in range(steps)]
    assert factors == pytest.approx(expected)
    assert factors.count(1.0) == steps // 2 + 1


def test_without_a_schedule_the_rates_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("set_learning_rate", "set_penalty_share", "set_second_decay_rate"):
        monkeypatch.setattr(Gan, name, None)
    trainings = Trainings(tmp_path)
    training = trainings.ended(trainings.run(), 2)
    for optimiser in (learner.optimiser for learner in training.gan.learners):
        (group,) = optimiser.param_groups
        assert group["lr"] == training.settings.learning_rate
        assert group["betas"] == training.settings.betas


@pytest.mark.parametrize(
    ("every", "steps", "expected"),
    [(2, 6, [2, 4, 6]), (4, 6, [4, 6]), (9, 3, [3]), (1, 2, [1, 2])],
)
def test_validations_come_at_intervals_and_at_the_end(
    tmp_path: Path, every: int, steps: int, expected: list[int]
) -> None:
    trainings = Trainings(tmp_path, validate_every_steps=every)
    run = trainings.run()
    training = trainings.ended(run, steps)
    assert training.steps_done == steps and training.done
    assert [v.generator_steps for v in training.validations] == expected
    logged = events(run, "validation")
    assert [line["generator_steps"] for line in logged] == expected
    assert all(line["part"] == "train" for line in logged)
    assert [name for name, _ in trainings.progress.metrics].count("frechet_distance") == len(
        expected
    )


def test_what_is_validated_is_the_averaged_generator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainings = Trainings(tmp_path)
    seen: list[dict[str, torch.Tensor]] = []

    def noted(generator: Generator, steps: int, context: Context) -> Validation:
        seen.append(copy.deepcopy(generator.state_dict()))
        return validation_of(generator, steps, context)

    monkeypatch.setattr(module, "validation_of", noted)
    training = trainings.begun(trainings.run())
    while not training.done:
        if training.step():
            assert training.gan.average is not None
            average = training.gan.average.state_dict()
            assert all(torch.equal(seen[-1][name], value) for name, value in average.items())
            live = training.gan.generator.state_dict()
            assert not all(torch.equal(seen[-1][name], value) for name, value in live.items())
    assert len(seen) == 3


def test_a_validation_depends_on_the_generator_alone(tmp_path: Path) -> None:
    """On the same latents every time, and none of the training's streams moves."""
    trainings = Trainings(tmp_path)
    training = trainings.begun(trainings.run())
    training.step()
    before = training.gan.streams.latents.state()
    training.validate()
    training.validate()
    assert training.validations[0] == training.validations[1]
    assert torch.equal(training.gan.streams.latents.state(), before)


@pytest.mark.parametrize(
    ("metric", "scores", "best"),
    [
        ("inception_score", {"inception_score": [1.5, 2.5, 2.0]}, 4),
        ("frechet_distance", {"frechet_distance": [1.5, 2.5, 2.0]}, 2),
        ("inception_score", {"inception_score": [2.0, 2.0, 2.0]}, 2),  # the first of equals
    ],
)
def test_the_best_state_is_kept(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    metric: str,
    scores: dict[str, list[float]],
    best: int,
) -> None:
    trainings = Trainings(tmp_path)
    trainings.context = context_of(tiny(derive={"metric": metric}), tmp_path)
    validations(monkeypatch, **scores)
    training = trainings.begun(trainings.run())
    averages: dict[int, Any] = {}
    while not training.done:
        if training.step():
            assert training.gan.average is not None
            averages[training.steps_done] = copy.deepcopy(training.gan.average.state_dict())
    assert training.best is not None and training.best.generator_steps == best
    kept = training.best_generator()
    assert not kept.training and kept.architecture == ARCHITECTURE
    state = kept.state_dict()
    assert all(torch.equal(state[name], value) for name, value in averages[best].items())


@pytest.mark.parametrize(
    "game",
    [
        {},
        EVERYTHING,
        EVERYTHING_THAT_CHANGES,
        {"conditional": "always"},
        {"conditional": "auto", "unlabelled": 40, **EVERYTHING},
    ],
    ids=[
        "as published",
        "all that there is",
        "all that changes",
        "of classes",
        "all that there is, of some classes",
    ],
)
def test_an_interrupted_training_ends_as_an_uninterrupted_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, game: dict[str, Any]
) -> None:
    trainings = Trainings(tmp_path, **{"schedule": {"learning_rate": "linear"}, **game})
    whole_run = trainings.run("whole")
    whole = trainings.ended(whole_run)
    run = trainings.run("stopped")
    stops = iter([1, 1, 2])  # steps until it is asked to stop
    left = next(stops)
    original = Training.step

    def step(training: Training) -> bool:
        nonlocal left
        validated = original(training)
        left -= 1
        if left == 0:
            run.stopping.reason = "SIGTERM"
        return validated

    monkeypatch.setattr(Training, "step", step)
    for _ in range(3):
        with pytest.raises(Stopped):
            trainings.ended(run)
        run.stopping.reason = None
        left = next(stops, -1)
    again = trainings.ended(run)
    assert len(trainings.progress.skips) == 3
    assert equal_trees(again.state_dict(), whole.state_dict())
    timeless = [
        [{**line, "seconds": 0} for line in events(each, kind)]
        for each in (whole_run, run)
        for kind in ("losses", "validation")
    ]
    assert timeless[:2] == timeless[2:]


def test_losses_are_logged_as_often_as_the_settings_say(tmp_path: Path) -> None:
    trainings = Trainings(tmp_path, discriminator_steps=1)
    run = trainings.run()
    trainings.ended(run)
    assert [line["step"] for line in events(run, "losses")] == [2, 4, 6]
    assert {line["part"] for line in events(run, "losses")} == {"train"}


def test_a_discriminator_that_says_the_same_of_every_image_is_told_once(tmp_path: Path) -> None:
    """As where its last features have sunk below zero: nothing is left of them after the ReLU."""
    trainings = Trainings(tmp_path, discriminator_steps=1)
    context = trainings.context
    for sunk in (False, True):
        run, progress = trainings.run(f"sunk-{sunk}"), Listening()
        training = Training(ARCHITECTURE, 14, "train", context, run, progress)
        if sunk:
            with torch.no_grad():
                training.gan.discriminator.last.convolution2.bias.fill_(-1e4)
        while not training.done:
            training.step()
        told = [note for note in progress.notes if "said the same of every image" in note]
        assert len(told) == sunk, progress.notes
        assert not sunk or "since step 2 or before" in told[0]


def test_images_that_cannot_be_scored_are_a_training_that_went_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unscorable(generator: Generator, steps: int, context: Context) -> Validation:
        raise FloatingPointError("no distance")

    monkeypatch.setattr(module, "validation_of", unscorable)
    trainings = Trainings(tmp_path)
    with (
        pytest.warns(UserWarning, match="attempt . of 3"),
        pytest.raises(Diverged, match="images cannot be scored: no distance"),
    ):
        trainings.ended(trainings.run())


DIFFERENT = {
    "generator_channels": [6, 10],
    "discriminator_channels": 12,
    "generator_batch": 5,
    "discriminator_batch": 7,
    "discriminator_steps": 3,
    "learning_rate": 3e-3,
    "betas": [0.1, 0.7],
    "average_decay": 0.55,
    "validation_images": 33,
}
"""None of them as in `tiny`'s section `search`."""


def test_every_setting_of_the_training_reaches_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every discriminator step takes the next training images, in the order of the training's stream."""
    trainings = Trainings(tmp_path, **DIFFERENT)
    training = trainings.begun(trainings.run())
    gan = training.gan
    assert gan.generator.channels == (6, 10) and gan.discriminator.channels == 12
    assert gan.average is not None and gan.average.decay == 0.55
    for optimiser in (learner.optimiser for learner in gan.learners):
        (group,) = optimiser.param_groups
        assert group["lr"] == 3e-3 and group["betas"] == (0.1, 0.7) and not group["weight_decay"]
    seen: list[torch.Tensor] = []
    steps: list[str] = []
    discriminator_step, generator_step = gan.discriminator_step, gan.generator_step

    def discriminated(real: Batch, architecture: Architecture) -> torch.Tensor:
        seen.append(real.pixels.clone())
        steps.append("D")
        return discriminator_step(real, architecture)

    def generated(count: int, architecture: Architecture, real: Batch | None) -> torch.Tensor:
        assert count == 5 and real is None
        steps.append("G")
        return generator_step(count, architecture)

    monkeypatch.setattr(gan, "discriminator_step", discriminated)
    monkeypatch.setattr(gan, "generator_step", generated)
    for _ in range(4):
        training._train_step()
    assert "".join(steps) == "DDDG" * 4
    batches = Batches(trainings.context.data.train.pixels, 7, 0, "train")
    assert all(torch.equal(pixels, batches.next().pixels) for pixels in seen) and len(seen) == 12


def test_a_validation_is_of_as_many_images_as_the_settings_say(tmp_path: Path) -> None:
    """Its scores, and its spread as a share of the real images' variance, beside numpy's."""
    trainings = Trainings(tmp_path, validation_images=33)
    context = context_of(
        tiny(train={"validation_images": 33}, evaluate={"inception_splits": 3}), tmp_path
    )
    generator = Generator.for_architecture(ARCHITECTURE, latent_size=16, channels=8).eval()
    latents = torch.randn(33, 16, generator=torch_generator(0, "validation/latents"))
    judged = context.judge(generate(generator, latents, trainings.context.compute))
    validation = validation_of(generator, 1, context)
    real = context.judge(context.data.train.pixels).features.double().numpy()
    made = judged.features.double().numpy()
    spread = made.var(0, ddof=1).sum() / real.var(0, ddof=1).sum()
    assert validation.spread == pytest.approx(spread) and spread > 1.5  # not the other way round
    scores = []
    for part in judged.probabilities.double().numpy().reshape(3, 11, 3):
        scores.append(np.exp((part * np.log(part / part.mean(0))).sum(1).mean()))
    assert validation.inception_score == pytest.approx(np.mean(scores))
    one, other = FeatureStatistics.from_features(judged.features), context.reference.statistics
    assert validation.frechet_distance == pytest.approx(frechet_distance(one, other))


def test_the_seed_names_every_stream_of_a_training(tmp_path: Path) -> None:
    one, other = Trainings(tmp_path), Trainings(tmp_path)
    other.context = context_of(tiny(seed=1), tmp_path)
    trainings = [each.begun(each.run(f"run-{number}")) for number, each in enumerate((one, other))]
    weights = (training.gan.generator.get_parameter("to_rgb.weight") for training in trainings)
    assert not torch.equal(*weights)
    assert not torch.equal(*(training.gan.streams.latents.draw(2) for training in trainings))
    assert not torch.equal(*(training.batches.next().pixels for training in trainings))


def test_the_names_of_trainings_are_streams_of_their_own(tmp_path: Path) -> None:
    trainings = Trainings(tmp_path)
    run = trainings.run()
    one = trainings.begun(run)
    other = Training(ARCHITECTURE, 6, "candidate-0", trainings.context, run, trainings.progress)
    assert not torch.equal(one.gan.streams.latents.draw(2), other.gan.streams.latents.draw(2))
    weights = (training.gan.generator.state_dict() for training in (one, other))
    assert not equal_trees(*weights)
