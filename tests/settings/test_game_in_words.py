"""Every ingredient of a game by its name and in plain sentences, by what settings say."""

import re
from typing import Any, get_args

import pytest

from autogan.settings.game import Loss
from autogan.settings.game_in_words import augmentation, objective, schedule
from autogan.settings.sections import TrainSettings

PENALTY = {"real_penalty": 1}
LONGEST = 26
"""Words of a sentence."""


def of_game(given: dict[str, Any]) -> dict[str, str]:
    """The sentences of an objective, by their names."""
    section = TrainSettings.model_validate({"objective": given})
    return {one.name: one.sentence for one in objective(section.objective)}


def of_augmentation(given: dict[str, Any]) -> dict[str, str]:
    return {one.name: one.sentence for one in augmentation(TrainSettings.model_validate(given))}


def of_schedule(given: dict[str, Any], told: bool = False) -> dict[str, str]:
    section = TrainSettings.model_validate(given)
    return {one.name: one.sentence for one in schedule(section, told)}


def lengths(sentences: dict[str, str]) -> list[int]:
    """Words of each sentence."""
    every = [part for text in sentences.values() for part in re.split(r"(?<=\.) ", text)]
    assert every and all(part.endswith(".") and part[:1].isupper() for part in every), every
    return [len(part.split()) for part in every]


@pytest.mark.parametrize(
    ("loss", "name", "says"),
    [
        ("hinge", "hinge loss", "more than 1 and generated ones less than −1"),
        ("non-saturating", "non-saturating logistic loss", "how probably an image is real"),
        ("relativistic-pairing", "relativistic pairing", "compared with a real one"),
        ("relativistic-average", "relativistic average", "average of the other kind"),
        ("wasserstein", "Wasserstein loss", "narrows that gap"),
    ],
)
def test_every_loss_is_explained(loss: Loss, name: str, says: str) -> None:
    game = of_game({"loss": loss})
    assert [*game] == [name, "spectral norm"] and says in game[name]
    assert max(lengths(game)) <= LONGEST


def test_no_loss_is_left_out() -> None:
    assert len({next(iter(of_game({"loss": loss}))) for loss in get_args(Loss)}) == 5


@pytest.mark.parametrize(
    ("given", "name", "says"),
    [
        ({"real_penalty": 0.5}, "R1 0.5", "around real images, with the weight 0.5."),
        ({"generated_penalty": 2}, "R2 2", "around generated images, with the weight 2."),
        ({"slope_penalty": 10}, "gradient penalty 10", "than by 1, with the weight 10."),
        (
            {**PENALTY, "penalty_every_steps": 4},
            "penalty every 4 steps",
            "this penalty is computed in one of 4 discriminator steps, and counts 4 times",
        ),
        (
            {**PENALTY, "generated_penalty": 1, "penalty_every_steps": 16},
            "penalties every 16 steps",
            "these penalties are computed in one of 16 discriminator steps, and count 16 times",
        ),
        (
            {"lecam_penalty": 0.3, "lecam_from_step": 2000},
            "LeCam 0.3",
            "The weight is 0.3, from discriminator step 2,000 on.",
        ),
        ({}, "spectral norm", "largest singular value"),
        ({"direction_head": True}, "direction head (SAN)", "last layer is a direction"),
        (
            {"top_share": 0.5, "top_share_steps": 3000},
            "best 50% of images (top-k)",
            "from 50% after 3,000 steps.",
        ),
    ],
)  # fmt: skip
def test_what_stands_beside_the_loss_is_explained(
    given: dict[str, Any], name: str, says: str
) -> None:
    game = of_game(given)
    assert says in game[name] and max(lengths(game)) <= LONGEST
    plain = of_game({**PENALTY, "spectral_norm": False} if name == "spectral norm" else {})
    assert name not in plain


@pytest.mark.parametrize(
    ("given", "name", "says"),
    [
        ({}, "no augmentation", "not recoloured, shifted or covered"),
        ({"augmentation": ["shift"]}, "augmentation by shift", "real or generated, it is shifted at"),
        (
            {"augmentation": ["colour", "shift", "cutout"]},
            "augmentation by colour, shift and cutout",
            "it is recoloured, shifted and covered in part at random",
        ),
        (
            {"augmentation": ["colour", "cutout"], "augmentation_probability": 0.25},
            "augmentation by colour and cutout, probability 0.25",
            "Each change is made to an image with probability 0.25.",
        ),
        (
            {"augmentation": ["shift"], "augmentation_probability": "adaptive"},
            "augmentation by shift, adaptive",
            "How often a change is made adapts",
        ),
    ],
)  # fmt: skip
def test_augmentation_is_explained_and_that_there_is_none(
    given: dict[str, Any], name: str, says: str
) -> None:
    changes = of_augmentation(given)
    assert [*changes] == [name] and says in changes[name]
    assert max(lengths(changes)) <= LONGEST


def test_mirroring_is_said_beside_augmentation() -> None:
    changes = of_augmentation({"mirror": True})
    assert [*changes] == ["no augmentation", "mirrored real images"]
    assert "left to right" in changes["mirrored real images"]


@pytest.mark.parametrize(
    ("given", "name", "says"),
    [
        ({"schedule": {"learning_rate": "linear"}}, "learning rate to 0", "falls evenly to 0."),
        (
            {"schedule": {"learning_rate": "cosine", "learning_rate_end": 0.25}},
            "learning rate to 25%",
            "It falls along half a cosine to 25% of what it was.",
        ),
        (
            {"objective": PENALTY, "schedule": {"penalty_end": 0.1, "cosine_share": 0.5}},
            "penalties to 10%",
            "along half a cosine over the first 50% of the steps to 10%",
        ),
        ({"schedule": {"second_decay_rate_end": 0.99}}, "β₂ 0.9 to 0.99", "second decay rate"),
        (
            {"average_half_life_images": 50_000},
            "average over 50,000 images",
            "what is 50,000 real images old counts half.",
        ),
    ],
)
def test_what_changes_while_training_is_explained(
    given: dict[str, Any], name: str, says: str
) -> None:
    changes = of_schedule(given)
    assert [*changes] == [name] and says in changes[name]
    assert max(lengths(changes)) <= LONGEST


def test_the_rate_of_classes_is_said_where_networks_are_told_them() -> None:
    (sentence,) = of_schedule({"class_rate": 6}, told=True).values()
    assert "6 times as fast" in sentence
    assert of_schedule({"class_rate": 6}) == of_schedule({}, told=True) == {}
