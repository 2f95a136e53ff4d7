"""'auto' becomes a value: which one, by whom it is recorded, and that nothing else changes."""

import json
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from autogan.basics.errors import UserError
from autogan.settings.decided import (
    UNDECIDED,
    DecidedSettings,
    decide_compute,
    decide_for_data,
)
from autogan.settings.loading import load_settings
from autogan.settings.sections import ComputeSettings, Settings


@pytest.mark.parametrize("knows_classes", [True, False])
def test_auto_follows_the_classes(knows_classes: bool) -> None:
    decided = decide_for_data(
        Settings(), "x", has_classes=knows_classes, judge_knows_classes=knows_classes
    )
    expected = "inception_score" if knows_classes else "frechet_distance"
    assert decided.search.reward == decided.derive.metric == expected


def test_what_was_chosen_stays() -> None:
    given = load_settings(overrides=["search.reward=frechet_distance"])
    decided = decide_for_data(given, "x", has_classes=True, judge_knows_classes=True)
    assert (decided.search.reward, decided.derive.metric) == ("frechet_distance", "inception_score")
    again = load_settings(tree=decided.model_dump(mode="json"), changes=UNDECIDED)
    assert (again.search.reward, again.derive.metric) == ("auto", "auto")
    assert again.network.conditional == "auto"


@pytest.mark.parametrize(
    ("given", "has_classes", "expected"),
    [
        ("never", True, "never"),
        ("never", False, "never"),
        ("auto", True, "always"),
        ("auto", False, "never"),
        ("always", True, "always"),
    ],
)
def test_networks_are_told_the_classes_that_there_are(
    given: str, has_classes: bool, expected: str
) -> None:
    settings = load_settings(overrides=[f"network.conditional={given}"])
    decided = decide_for_data(settings, "x", has_classes=has_classes, judge_knows_classes=True)
    assert decided.network.conditional == expected


def test_networks_cannot_be_told_classes_that_there_are_not() -> None:
    settings = load_settings(overrides=["network.conditional=always", "data.source=folder:flat"])
    with pytest.raises(UserError, match=r"conditional is always.*folder:flat.*give flat class"):
        decide_for_data(settings, "flat", has_classes=False, judge_knows_classes=False)


@pytest.mark.parametrize("section", ["search", "train"])
def test_a_direction_goes_with_images_that_turn_out_to_have_no_classes(section: str) -> None:
    given = load_settings(
        overrides=["network.conditional=auto", f"{section}.objective.direction_head=true"]
    )
    decide_for_data(given, "x", has_classes=False, judge_knows_classes=False)
    with pytest.raises(
        UserError, match=rf"{section}\.objective\.direction_head.*conditional to never"
    ):
        decide_for_data(given, "x", has_classes=True, judge_knows_classes=True)


@pytest.mark.parametrize("section", ["search", "train"])
def test_a_rate_of_classes_needs_networks_that_are_told_them(section: str) -> None:
    given = load_settings(overrides=[f"{section}.class_rate=6"])
    with pytest.raises(UserError, match=f"{section}.class_rate is for networks that are told"):
        decide_for_data(given, "x", has_classes=True, judge_knows_classes=True)
    auto = load_settings(overrides=[f"{section}.class_rate=6", "network.conditional=auto"])
    decide_for_data(auto, "x", has_classes=False, judge_knows_classes=False)


@pytest.mark.parametrize("name", ["search.reward", "derive.metric"])
def test_an_inception_score_needs_classes(name: str) -> None:
    given = load_settings(overrides=[f"{name}=inception_score", "data.source=folder:flat"])
    with pytest.raises(
        UserError, match=rf"{name} is inception_score.*folder:flat.*give flat class"
    ):
        decide_for_data(given, "flat", has_classes=False, judge_knows_classes=False)


def test_only_what_is_auto_changes_and_all_stands_where_it_stood() -> None:
    """Generator files hold it as JSON text, in this order."""
    given = load_settings("demo", overrides=["train.generator_channels=[3,2,1]"])
    expected: dict[str, Any] = given.model_dump(mode="json")
    expected["search"]["reward"] = "inception_score"
    expected["network"]["conditional"] = "always"
    decided = decide_for_data(given, "x", has_classes=True, judge_knows_classes=True).model_dump(
        mode="json"
    )
    assert json.dumps(decided) == json.dumps(expected)
    assert decided["compute"]["device"] == "auto"


def test_decided_settings_hold_no_auto() -> None:
    with pytest.raises(ValidationError):
        DecidedSettings.model_validate(Settings().model_dump())


def test_compute_is_decided_from_its_section() -> None:
    compute = decide_compute(
        ComputeSettings(device="cpu", precision="bfloat16", layout="contiguous")
    )
    assert compute.device == torch.device("cpu") and not compute.captures
    assert compute.autocast_dtype is torch.bfloat16
    assert compute.memory_format is torch.contiguous_format
    with pytest.raises(UserError, match="graphs"):
        decide_compute(ComputeSettings(device="cpu", capture="graphs"))
