"""The settings that a generator's file is judged with."""

from typing import Any

import pytest
from tiny import tiny

from autogan.basics.errors import UserError
from autogan.method.generator_settings import settings_of
from autogan.settings.decided import decide_for_data
from autogan.spaces.architecture import Architecture
from autogan.spaces.generator_file import SavedGenerator
from autogan.spaces.networks import Generator

ARCHITECTURE = Architecture.parse("pre-batch-nearest+shortcut/post-none-bilinear+skip0")


def saved(**changes: Any) -> SavedGenerator:
    """A generator trained so, on images with classes."""
    generator = Generator.for_architecture(ARCHITECTURE, latent_size=16, channels=8, seed=0)
    trained = decide_for_data(
        tiny(**changes), "pets", has_classes=True, judge_knows_classes=True
    ).model_dump(mode="json")
    return SavedGenerator(generator, {"settings": trained})


def test_a_generator_whose_discriminator_had_a_direction_head_can_be_scored() -> None:
    game = {"objective": {"loss": "hinge", "direction_head": True}}
    found = settings_of(saved(train=game))
    assert found.train.objective.direction_head and found.network.conditional == "never"


@pytest.mark.parametrize(
    ("trained", "again"), [("never", "never"), ("auto", "auto"), ("always", "auto")]
)
def test_what_was_decided_by_the_data_is_left_open_again(trained: str, again: str) -> None:
    found = settings_of(saved(network={"conditional": trained}))
    assert found.network.conditional == again
    assert found.search.reward == found.derive.metric == "auto"


def test_sizes_follow_the_generator_whatever_the_preset_has() -> None:
    for preset in ("own-128", "own-256", "demo"):
        found = settings_of(saved(), preset)
        assert (found.cells, found.train.generator_channels) == (2, 8)
    with pytest.raises(UserError, match="it has 5"):
        settings_of(saved(), "own-128", ["train.generator_channels=[8,8,8,8,8]"])
