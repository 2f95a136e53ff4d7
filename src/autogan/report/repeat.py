"""The commands that repeat a run, and that train what it has found for longer."""

import json
import shlex
from pathlib import Path

from autogan.basics.errors import UserError
from autogan.basics.trees import leaves
from autogan.runs.ended_training import TRAINING, read_ended_training
from autogan.runs.file_names import checkpoint_files
from autogan.runs.record import RunRecord
from autogan.settings.loading import load_settings, preset_names
from autogan.settings.sections import Settings


def repeat_command(record: RunRecord) -> str | None:
    """One command line, by the nearest preset and what differs from it.

    None where the run has settings that this version does not know.
    """
    settings = record.settings
    if settings is None:
        return None
    architecture = record.task.architecture if record.task else None
    if record.command == "train" and architecture is None and record.results:
        architecture = record.results.architecture
    parts = ["autogan", record.command]
    if record.task and record.task.start:
        parts += ["--from", record.task.start]
        for override in _differing(_before(record.task.start), settings):
            parts += ["--set", override]
        return f"{shlex.join(parts)} --out NEW_FOLDER"
    if record.command == "train":
        parts += ["--arch", str(architecture or "ARCHITECTURE")]
    if record.task and record.task.by_trials:
        parts += ["--method", "trials"]
    preset, overrides = _nearest(settings)
    if preset is not None:
        parts += ["--preset", preset]
    for override in overrides:
        parts += ["--set", override]
    return f"{shlex.join(parts)} --out NEW_FOLDER"


def longer_command(record: RunRecord) -> str | None:
    """One command line that trains what the run has found for longer; None where no state was left for it."""
    if not record.results or not record.settings or not checkpoint_files(record.folder, TRAINING):
        return None
    steps = 4 * record.settings.train.generator_steps
    parts = ["autogan", "train", "--from", str(record.folder)]
    return f"{shlex.join(parts)} --set train.generator_steps={steps} --out NEW_FOLDER"


def _nearest(settings: Settings) -> tuple[str | None, list[str]]:
    """The preset that the fewest overrides turn into `settings`, and these overrides."""
    found: list[tuple[str | None, list[str]]] = [
        (preset, _differing(load_settings(preset), settings)) for preset in (None, *preset_names())
    ]
    return min(found, key=lambda pair: len(pair[1]))


def _differing(given: Settings | None, wanted: Settings) -> list[str]:
    """What --set must say, beside what is given, for what is wanted."""
    before = leaves(given.model_dump(mode="json")) if given else {}
    return [
        f"{name}={json.dumps(value, ensure_ascii=False)}"
        for name, value in leaves(wanted.model_dump(mode="json")).items()
        if name not in before or before[name] != value
    ]


def _before(start: str) -> Settings | None:
    """The settings of the run that another one went on from; None where they cannot be read any more."""
    try:
        return read_ended_training(Path(start)).settings
    except UserError:
        return None


def all_settings(record: RunRecord) -> dict[str, dict[str, str]]:
    """Every setting as it stands in config.yaml, by section; those of no section under "run".

    A dash stands for what is unset.
    """
    sections: dict[str, dict[str, str]] = {}
    for name, value in leaves(record.settings_tree).items():
        section, dot, rest = name.partition(".")
        if not dot:
            section, rest = "run", name
        text = value if isinstance(value, str) else json.dumps(value)
        sections.setdefault(section, {})[rest] = "–" if value in (None, "") else text
    return sections
