"""From the options of a command to its settings and its folder."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from autogan.basics.errors import UserError
from autogan.cli.common import data_changes
from autogan.cli.console import say_lines

if TYPE_CHECKING:
    from autogan.settings.sections import Settings


def resolved(
    preset: str | None,
    data: str | None,
    skip_broken: bool,
    config: Path | None,
    overrides: list[str] | None,
    resume: bool,
    out: Path | None,
    space: str | None = None,
    discriminator: str | None = None,
) -> "Settings":
    """space, discriminator: of the architecture that is trained and against which, where given."""
    from autogan.settings.loading import load_settings, merged
    from autogan.spaces.discriminator_architecture import told_discriminator

    given, changes = overrides or (), data_changes(data, skip_broken)
    if space is not None:
        changes = merged(changes, {"network": {"space": space}})
    if discriminator is not None:
        changes = merged(changes, {"network": {"discriminator": discriminator}})
    if resume and not (preset or config):
        from autogan.runs.config import read_settings
        from autogan.runs.seeds import holds_seeds, read_seeds_settings

        folder = required(out)
        made = read_seeds_settings(folder) if holds_seeds(folder) else read_settings(folder)
        own = made.model_dump(mode="json")
        settings = load_settings(None, None, given, changes, tree=own)
    else:
        settings = load_settings(preset, config, given, changes)
    told_discriminator(settings.network.discriminator, settings.cells)  # refuses what is none
    return settings


def required(out: Path | None) -> Path:
    if out is None:
        raise UserError("Where should the run be written? Give --out FOLDER.")
    return out


def printed(settings: "Settings", dry_run: bool, as_json: bool) -> bool:
    """Whether the settings were printed, and nothing else is to be done."""
    if dry_run and as_json:
        print(json.dumps(settings.model_dump(mode="json")))
    elif dry_run:
        from autogan.settings.loading import settings_to_yaml

        say_lines(settings_to_yaml(settings))
    return dry_run
