"""What the scores of a run warn of: each caution where it is due, and nowhere else."""

import copy
from typing import Any

import pytest

from autogan.basics.version import RESULTS_SCHEMA
from autogan.runs.cautions import cautions
from autogan.runs.contents import Results
from autogan.runs.outcomes import from_plain

SCORES = {
    "inception_score": 2.5,
    "inception_score_std": 0.1,
    "frechet_distance": 1.0,
    "kernel_distance": 0.1,
    "kernel_distance_std": 0.01,
    "precision": 0.5,
    "recall": 0.4,
    "class_shares": [0.3, 0.3, 0.4],
    "images": 600,
    "real_images": 1800,
    "kernel_subset_size": 300,
    "manifold_images": 600,
    "judge": "domain-12345678",
}
SOUND: dict[str, Any] = {
    "schema": RESULTS_SCHEMA,
    "architecture": "pre-batch-nearest+shortcut/post-instance-deconvolution+skip0",
    "vector": [1, 1, 1, 1, 0, 2, 2, 0, 1],
    "image_size": 16,
    "parameters": 1000,
    "multiply_accumulates": 1000,
    "data": {
        "name": "folder:shapes",
        "digest": "0" * 64,
        "training_images": 1800,
        "held_out_images": 200,
    },
    "judge": {
        "name": "domain-12345678",
        "kind": "domain",
        "task": "classes",
        "held_out_accuracy": 0.9,
        "class_names": ["circle", "cross", "square"],
    },
    "protocol": {"name": "custom", "images": 600, "real_images": 1800},
    "chosen_by": {},
    "scores": SCORES,
    "floor": dict(SCORES),
    "untrained": dict(SCORES),
    "candidates": [],
    "validation": {
        "generator_steps": 40,
        "inception_score": 2.0,
        "frechet_distance": 11.0,
        "spread": 0.8,
    },
    "seconds": {},
    "neighbours": {
        "images": 64,
        "searched": 1800,
        "generated_median": 1.5,
        "held_out_median": 1.5,
    },
    "files": {},
}


def told(changes: dict[tuple[str, str], Any]) -> list[str]:
    content = copy.deepcopy(SOUND)
    for (section, key), value in changes.items():
        content[section][key] = value
    return cautions(from_plain(Results, content))


def test_a_sound_generator_is_warned_of_nothing() -> None:
    assert told({}) == []


@pytest.mark.parametrize(
    ("section", "key", "value", "words"),
    [
        ("validation", "spread", 0.0, "collapsed"),
        ("neighbours", "generated_median", 0.7, "It copies"),
        ("scores", "class_shares", [0.5, 0.48, 0.02], "missing: square."),
        ("scores", "recall", 0.03, "only 3 % of the real images"),
        ("judge", "held_out_accuracy", 0.45, "answers 45 %"),
    ],
)
def test_each_caution_where_it_is_due(section: str, key: str, value: Any, words: str) -> None:
    (caution,) = told({(section, key): value})
    assert words in caution


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("validation", "spread", None),  # of before it was measured
        ("neighbours", "generated_median", 0.8),
        ("scores", "class_shares", [0.5, 0.45, 0.05]),
        ("scores", "class_shares", []),
        ("scores", "recall", 0.06),
        ("scores", "recall", None),
        ("judge", "held_out_accuracy", 0.55),
        ("judge", "held_out_accuracy", None),
    ],
)
def test_no_caution_just_above_its_bound_or_without_a_figure(
    section: str, key: str, value: Any
) -> None:
    assert told({(section, key): value}) == []


def test_a_judge_of_rotations_guesses_one_in_four() -> None:
    assert told({("judge", "task"): "rotation", ("judge", "held_out_accuracy"): 0.4}) == []
    (caution,) = told({("judge", "task"): "rotation", ("judge", "held_out_accuracy"): 0.3})
    assert "guessing gives 25 %" in caution


def test_a_judge_of_unequal_classes_must_be_better_than_its_most_frequent_answer() -> None:
    shares = {("floor", "class_shares"): [0.96, 0.04, 0.0]}
    (caution,) = told({**shares, ("judge", "held_out_accuracy"): 0.95})
    assert "puts 96 % of the real images into circle, and is right for 95 %" in caution
    assert told({**shares, ("judge", "held_out_accuracy"): 0.99}) == []


def test_the_worst_comes_first() -> None:
    both = told({("scores", "recall"): 0.0, ("neighbours", "generated_median"): 0.0})
    assert ["copies" in both[0], "repeats itself" in both[1]] == [True, True]


def test_what_is_told_classes_is_not_advised_to_be_told_them() -> None:
    shares = {("scores", "class_shares"): [0.5, 0.48, 0.02]}
    (untold,) = told(shares)
    content = copy.deepcopy(SOUND)
    content["scores"]["class_shares"] = [0.5, 0.48, 0.02]
    content["classes"] = {"names": ["circle", "cross", "square"], "shares": [0.3, 0.3, 0.4]}
    (said,) = cautions(from_plain(Results, content))
    assert "network.conditional=auto" in untold
    assert "train longer" in said and "network.conditional" not in said
