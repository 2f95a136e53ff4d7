"""The settings to judge a generator with that comes as a file."""

from collections.abc import Sequence

from autogan.basics.errors import UserError
from autogan.runs.environment import settings_seen_from
from autogan.settings.decided import UNDECIDED
from autogan.settings.loading import (
    Tree,
    load_settings,
    merged,
    overrides_tree,
    settings_from_tree,
)
from autogan.settings.sections import Settings
from autogan.spaces.generator_file import SavedGenerator
from autogan.spaces.networks import Generator


def settings_of(
    saved: SavedGenerator,
    preset: str | None = None,
    overrides: Sequence[str] = (),
    changes: Tree | None = None,
    needs_data: bool = True,
    directory: str | None = None,
) -> Settings:
    """The settings to judge a generator with: those of its training or a preset's, under what is given.

    preset, overrides, changes: as `load_settings` takes them. The metrics that chose the generator, and
    whether networks are told classes, are left open again, because nothing is chosen or trained.
    A file that does not say how it was trained (an imported one) takes the defaults for what the
    preset leaves open; its data must be named if it `needs_data`. Sizes always follow the generator.
    directory: where it was trained, which relative paths in its settings lead from; None: here.
    """
    trained = _trained_settings(saved, directory)
    changes = merged(_undecided(trained), changes or {})
    if trained is not None and preset is None:
        return load_settings(None, None, overrides, changes, tree=trained)
    own = _sizes_of(saved.generator)
    if trained is not None:
        own["data"]["source"] = settings_from_tree(trained).data.source
    elif needs_data and not _names_data(merged(changes, overrides_tree(overrides))):
        raise UserError(
            "The generator file does not say on which data it was trained: give --data (glyphs, "
            "cifar10[:PATH], stl10[:PATH] or folder:PATH)."
        )
    return load_settings(preset, None, overrides, merged(own, changes))


def _undecided(trained: Tree | None) -> Tree:
    """What is left open again. Networks that were told no classes are told none: they may have a last layer
    that cannot be (`objective.direction_head`)."""
    network = (trained or {}).get("network")
    if isinstance(network, dict) and network.get("conditional") == "never":
        return {section: value for section, value in UNDECIDED.items() if section != "network"}
    return UNDECIDED


def _trained_settings(saved: SavedGenerator, directory: str | None) -> Tree | None:
    """Settings as they stand in a generator's file, their paths as they were meant there."""
    trained = saved.origin.get("settings")
    if trained is None:
        return None
    if not isinstance(trained, dict):
        raise UserError("The generator file is damaged: it does not give its settings by name.")
    if directory is None:
        return trained
    return settings_seen_from(directory, settings_from_tree(trained)).model_dump(mode="json")


def _names_data(given: Tree) -> bool:
    data = given.get("data")
    return isinstance(data, dict) and "source" in data


def _sizes_of(generator: Generator) -> Tree:
    """What makes settings those of the generator's size; the search's are only kept valid."""
    cells = len(generator.architecture)
    return {
        "data": {"image_size": generator.bottom_size << cells},
        "network": {
            "space": generator.architecture.space,
            "bottom_size": generator.bottom_size,
            "latent_size": generator.latent_size,
            "discriminator": None,
        },
        "train": {"generator_channels": generator.channels},
        "search": {"stage_weights": [1] * cells, "iterations": cells},
    }
