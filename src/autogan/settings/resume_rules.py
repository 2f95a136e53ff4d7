"""Which settings a run may go on with: its own, but for those that leave its results alone."""

from collections.abc import Collection, Iterator
from typing import Any

from autogan.basics.errors import UserError
from autogan.settings.loading import settings_from_tree
from autogan.settings.sections import Settings

MAY_CHANGE = (
    "log_every_steps",
    "checkpoint_every_minutes",
    "compute.device",
    "compute.capture",
    "search.scorers",
)
"""What may change with --resume. Another device, or another number of processes with other shares of the
processor, computes the same but for rounding; recorded steps compute the same."""


MAY_CHANGE_AFTER_ITS_END = (
    "log_every_steps",
    "checkpoint_every_minutes",
    "compute",
    "evaluate",
    "train.generator_steps",
    "train.learning_rate",
    "train.validate_every_steps",
    "train.validation_images",
)
"""What may be otherwise in a run that goes on from where the training of another one ended: settings or
sections. All else made the state that it goes on from."""


def refuse_changes(before: dict[str, Any], now: Settings, whose: str) -> None:
    """Raises `UserError` that lists the settings that are not as before, but for MAY_CHANGE.

    before: the tree of settings that the run was made with; where it is of an older version and lacks
    a setting, the default stands for it. whose: names the run in the message.
    """
    complete = settings_from_tree(before).model_dump(mode="json")
    differing = list(_differences(complete, now.model_dump(mode="json"), MAY_CHANGE))
    if differing:
        raise UserError(
            f"{whose} was made with other settings, and cannot go on with these:\n  "
            + "\n  ".join(differing)
            + f"\nOnly {', '.join(MAY_CHANGE)} may change. Leave the others out, or begin a new run "
            "with another --out."
        )


def refuse_another_game(ended: Settings, now: Settings, whose: str) -> None:
    """Raises `UserError` that lists the settings in which a run that goes on from an ended training is not as
    that was, but for MAY_CHANGE_AFTER_ITS_END. whose: names the training in the message."""
    trees = ended.model_dump(mode="json"), now.model_dump(mode="json")
    differing = list(_differences(*trees, MAY_CHANGE_AFTER_ITS_END))
    if differing:
        raise UserError(
            f"{whose} was made with other settings, and cannot go on with these:\n  "
            + "\n  ".join(differing)
            + f"\nOnly {', '.join(MAY_CHANGE_AFTER_ITS_END)} may change."
        )


def _differences(
    before: dict[str, Any], now: dict[str, Any], may_change: Collection[str], prefix: str = ""
) -> Iterator[str]:
    """Both trees hold all settings, so they have the same names. may_change: settings and sections."""
    for key, value in before.items():
        name = prefix + key
        if name in may_change:
            continue
        if isinstance(value, dict):
            yield from _differences(value, now[key], may_change, f"{name}.")
        elif value != now[key]:
            yield f"{name}: {value} before, {now[key]} now"
