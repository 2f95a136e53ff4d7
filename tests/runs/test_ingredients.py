"""What the networks of a run are trained with, as its folder tells: each once, and who has it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autogan.runs.events import Losses
from autogan.runs.folder import Run
from autogan.runs.ingredients import ingredients_in_short, ingredients_of
from autogan.runs.record import RunRecord, read_record
from autogan.runs.status import status_of
from autogan.runs.task import Task
from autogan.settings.loading import load_settings

ARCHITECTURE = "pre-batch-nearest/pre-batch-nearest"
DATA = {
    "name": "fruit",
    "digest": "1" * 64,
    "training_images": 300,
    "held_out_images": 30,
    "judge": "domain-1",
}
CLASSES = {"names": ["apple", "pear"], "shares": [0.5, 0.5], "unlabelled": False}
AUTOMATIC = "network.conditional=auto"

MakeRun = Callable[..., Run]


@pytest.fixture
def begun(tmp_path: Path) -> MakeRun:
    """Makes a run that has just begun; `data`: what data.json says beside the images, None for no file."""

    def make(*overrides: str, task: Task | None = None, data: dict[str, Any] | None = None) -> Run:
        settings = load_settings("cifar10-paper", overrides=overrides)
        run = Run.create(tmp_path / "run", settings, task or Task("run"))
        if data is not None:
            run.write("data.json", {**DATA, **data})
        run.close()
        return run

    return make


def record_of(run: Run) -> RunRecord:
    return read_record(run.folder)


def sentences(run: Run) -> dict[str, str]:
    return {one.name: one.sentence for one in ingredients_of(record_of(run))}


def test_a_run_of_the_paper(begun: MakeRun) -> None:
    run = begun(data={})
    assert [one.name for one in ingredients_of(record_of(run)) if not one.where] == [
        "hinge loss",
        "spectral norm",
        "no classes told",
        "no augmentation",
        "AutoGAN’s discriminator",
        "start from scratch",
    ]
    short = "hinge loss, spectral norm; no classes told; no augmentation"
    assert ingredients_in_short(record_of(run)) == status_of(run.folder).trains_with == short


@pytest.mark.parametrize(
    ("data", "name", "says"),
    [
        (None, "classes told, if there are any", "have not been read yet"),
        ({}, "no classes told", "not told what an image shows"),
        ({"classes": CLASSES}, "told 2 classes", "judges whether an image fits it."),
        (
            {"classes": {**CLASSES, "unlabelled": True}, "labelled_images": 180},
            "told 2 classes (180 of 300 images labelled)",
            "Of the 300 training images 180 have a label. The discriminator guesses the class of the "
            "others, and learns from the labelled ones to guess.",
        ),
        (
            {"classes": {**CLASSES, "unlabelled": True}},  # as an older version wrote it
            "told 2 classes (some of 300 images labelled)",
            "Of the 300 training images some have a label.",
        ),
    ],
)
def test_classes_are_said_and_how_many_images_have_a_label(
    data: dict[str, Any] | None, name: str, says: str, begun: MakeRun
) -> None:
    run = begun(AUTOMATIC, data=data)
    assert says in sentences(run)[name]
    assert name in status_of(run.folder).trains_with


@pytest.mark.parametrize(
    ("overrides", "task", "name", "says"),
    [
        ([], Task("run"), "AutoGAN’s discriminator", "residual block for each cell"),
        (["search.discriminator=after"], Task("run"), "searched discriminator", "after the gener"),
        (["search.discriminator=together"], Task("run"), "searched discriminator", "together with"),
        (
            ["search.discriminator=after"],
            Task("train", ARCHITECTURE),
            "AutoGAN’s discriminator",
            "not searched",
        ),
        (["network.discriminator=bottleneck/residual/residual"], Task("run"), "told discriminator",
         "not searched"),
        ([], Task("train", f"{ARCHITECTURE}~residual/residual"), "told discriminator", "was named"),
        ([], Task("run"), "start from scratch", "drawn at random"),
        (["train.start=shared"], Task("run"), "start from the search", "learned in the search"),
        (["train.start=shared"], Task("train", ARCHITECTURE), "start from scratch", "at random"),
        (["train.start=shared"], Task("search", method="trials"), "start from scratch", "random"),
        ([], Task("train", ARCHITECTURE, start="/runs/old"), "start where another ended",
         "where the training in /runs/old ended."),
    ],
)  # fmt: skip
def test_the_discriminator_and_the_start_are_said(
    overrides: list[str], task: Task, name: str, says: str, begun: MakeRun
) -> None:
    assert says in sentences(begun(*overrides, task=task))[name]


def test_another_game_of_the_search_is_said(begun: MakeRun) -> None:
    """What both have stands once; a training alone has no search to be told apart from."""
    overrides = (
        "train.objective.loss=relativistic-pairing",
        "train.objective.real_penalty=1",
        "train.objective.generated_penalty=1",
        "train.objective.penalty_every_steps=4",
        "train.objective.spectral_norm=false",
        "train.mirror=true",
    )
    run = begun(*overrides, data={"classes": CLASSES})
    found = [(one.name, one.where) for one in ingredients_of(record_of(run))]
    for placed in (
        ("hinge loss", "search"),
        ("spectral norm", "search"),
        ("relativistic pairing", "training"),
        ("R1 1", "training"),
        ("mirrored real images", "training"),
        ("told 2 classes", ""),
        ("no augmentation", ""),
    ):
        assert found.count(placed) == 1, placed
    assert len({name for name, _ in found}) == len(found)
    assert status_of(run.folder).trains_with == (
        "hinge loss (in the search), spectral norm (in the search), relativistic pairing (in the "
        "training), R1 1 (in the training), R2 1 (in the training), penalties every 4 steps (in the "
        "training); told 2 classes; no augmentation, mirrored real images (in the training)"
    )


def test_a_training_alone_has_no_search_to_be_told_apart_from(begun: MakeRun) -> None:
    run = begun("train.objective.loss=non-saturating", task=Task("train", ARCHITECTURE))
    assert all(one.where == "" for one in ingredients_of(record_of(run)))
    assert "non-saturating logistic loss" in sentences(run) and "hinge loss" not in sentences(run)
    assert "search" not in ingredients_in_short(record_of(run))


def test_the_last_probability_that_adapts_is_said_of_each(begun: MakeRun) -> None:
    adaptive = ("augmentation=[shift]", "augmentation_probability=adaptive")
    overrides = [f"{section}.{given}" for section in ("search", "train") for given in adaptive]
    name = "augmentation by shift, adaptive"
    run = begun(*overrides)
    (before,) = [one for one in ingredients_of(record_of(run)) if one.name == name]
    assert before.where == "" and "At step" not in before.sentence  # nothing is logged yet
    run = Run.resume(run.folder)
    for part, step, probability in (
        ("search", 10, 0.125),
        ("candidate-0", 10, 0.75),
        ("train", 1000, 0.25),
        ("train", 2000, 0.5),
    ):
        run.journal.log(Losses(part, step, 1.0, 0.5, None, probability))
    run.close()
    said = {one.where: one.sentence for one in ingredients_of(record_of(run)) if one.name == name}
    assert said["search"].endswith("At step 10 the probability was 0.125.")
    assert said["training"].endswith("At step 2,000 the probability was 0.500.")


def test_trials_that_search_their_training_say_so(begun: MakeRun) -> None:
    by_trials = Task("search", method="trials")
    run = begun("trials.training=searched", task=by_trials, data={})
    said = sentences(run)
    assert "behind the @" in said["loss and penalty of its own for each trial"]
    assert "hinge loss" not in said
    assert ingredients_in_short(record_of(run)).startswith("loss and penalty of its own")
