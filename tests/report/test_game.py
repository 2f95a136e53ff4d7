"""What two networks played for, in words: in a sentence, in the page, and where a run is."""

from pathlib import Path
from typing import Any

import pytest

from autogan.report.game import game_words
from autogan.report.page import report_page
from autogan.runs.events import Losses
from autogan.runs.folder import Run
from autogan.runs.record import read_record
from autogan.runs.status import status_of
from autogan.runs.task import Task
from autogan.settings.loading import load_settings
from autogan.settings.sections import TrainSettings


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, ""),
        ({"objective": {"loss": "non-saturating"}}, "Objective: non-saturating."),
        (
            {
                "objective": {
                    "direction_head": True,
                    "real_penalty": 0.5,
                    "generated_penalty": 0.25,
                    "penalty_every_steps": 4,
                    "lecam_penalty": 0.3,
                    "top_share": 0.5,
                    "spectral_norm": False,
                },
                "augmentation": ["shift", "colour"],
                "augmentation_probability": "adaptive",
                "mirror": True,
            },
            "Objective: hinge, direction head (SAN), R1 0.5, R2 0.25, LeCam 0.3, penalties every 4 "
            "steps, best 50% of generated images, no spectral norm. Augmentation: shift, colour, "
            "adaptive probability, mirrored real images.",
        ),
        (
            {"augmentation": ["shift"], "augmentation_probability": 0.25},
            "Augmentation: shift, probability 0.25.",
        ),
        ({"schedule": {"learning_rate": "linear"}}, "Schedule: learning rate linear to 0."),
        (
            {
                "objective": {"slope_penalty": 10, "real_penalty": 0},
                "schedule": {"learning_rate": "cosine", "learning_rate_end": 0.25,
                             "second_decay_rate_end": 0.99},
                "average_half_life_images": 50_000,
            },
            "Objective: hinge, slope penalty 10. Schedule: learning rate cosine to 25%, β₂ 0.9 to "
            "0.99, average with a half-life of 50,000 images.",
        ),
        (
            {"objective": {"real_penalty": 1}, "schedule": {"penalty_end": 0.1}},
            "Objective: hinge, R1 1. Schedule: penalties to 10%.",
        ),
    ],
)  # fmt: skip
def test_all_that_is_not_the_papers_is_said(given: dict[str, Any], words: str) -> None:
    assert game_words(TrainSettings.model_validate(given), False) == words


def test_the_rate_of_classes_is_said_where_networks_are_told_them() -> None:
    section = TrainSettings(class_rate=6)
    assert game_words(section, True) == "Schedule: what tells classes apart 6 times as fast."
    assert game_words(section, False) == ""


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (Task("run"), "the search's weights"),
        (Task("train", "autogan-a"), "scratch"),
        (Task("search", method="trials"), "scratch"),
    ],
)
def test_the_page_says_what_a_training_began_with(task: Task, words: str, tmp_path: Path) -> None:
    """Trainings begin with shared weights only where a search leaves them."""
    settings = load_settings("cifar10-paper", overrides=["train.start=shared"])
    run = Run.create(tmp_path / "run", settings, task)
    run.journal.log(Losses("train", 10, 1.0, 0.5))
    run.close()
    assert f"was trained from {words}." in report_page(read_record(run.folder)).replace(
        "&#39;", "'"
    )


def test_page_and_status_show_an_adaptive_probability(tmp_path: Path) -> None:
    overrides = [
        "train.augmentation=[shift]",
        "train.augmentation_probability=adaptive",
        "train.objective.loss=non-saturating",
    ]
    settings = load_settings("cifar10-paper", overrides=overrides)
    run = Run.create(tmp_path / "run", settings, Task("train", "autogan-a"))
    run.write("data.json", {"name": "glyphs", "digest": "1" * 64, "training_images": 100,
                            "held_out_images": 50, "judge": "domain-1"})  # fmt: skip
    for step, probability in ((10, 0.25), (20, 0.5)):
        run.journal.log(Losses("train", step, 1.0, 0.5, None, probability))
    run.close()
    page = report_page(read_record(run.folder))
    assert "Adaptive augmentation" in page and "non-saturating loss" in page
    assert "Objective: non-saturating. Augmentation: shift, adaptive probability." in page
    assert status_of(run.folder).position == (
        f"step 20 of {settings.train.generator_steps}, augmentation probability 0.500"
    )


def test_a_game_as_published_shows_none_of_it(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", load_settings("cifar10-paper"), Task("train", "autogan-a"))
    run.journal.log(Losses("train", 10, 1.0, 0.5))
    run.close()
    page = report_page(read_record(run.folder))
    assert "hinge loss" in page and "Adaptive augmentation" not in page
    assert "was trained from scratch.</figcaption>" in page
    assert "augmentation_probability" not in (run.folder / "log.jsonl").read_text()
