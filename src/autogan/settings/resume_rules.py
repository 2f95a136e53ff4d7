"""Which settings a run may go on with: its own, but for those that leave its results alone."""

from collections.abc import Iterator
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


def refuse_changes(before: dict[str, Any], now: Settings, whose: str) -> None:
    """Raises `UserError` that lists the settings that are not as before, but for MAY_CHANGE.

    before: the tree of settings that the run was made with; where it is of an older version and lacks
    a setting, the default stands for it. whose: names the run in the message.
    """
    complete = settings_from_tree(before).model_dump(mode="json")
    differing = list(_differences(complete, now.model_dump(mode="json")))
    if differing:
        raise UserError(
            f"{whose} was made with other settings, and cannot go on with these:\n  "
            + "\n  ".join(differing)
            + f"\nOnly {', '.join(MAY_CHANGE)} may change. Leave the others out, or begin a new run "
            "with another --out."
        )


def _differences(before: dict[str, Any], now: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Both trees hold all settings, so they have the same names."""
    for key, value in before.items():
        name = prefix + key
        if isinstance(value, dict):
            yield from _differences(value, now[key], f"{name}.")
        elif value != now[key] and name not in MAY_CHANGE:
            yield f"{name}: {value} before, {now[key]} now"
