"""The command that repeats a run: the nearest preset, and what differs from it."""

import json
import shlex

from autogan.basics.trees import leaves
from autogan.runs.record import RunRecord
from autogan.settings.loading import load_settings, preset_names
from autogan.settings.sections import Settings


def repeat_command(record: RunRecord) -> str | None:
    """One command line; None where the run has settings that this version does not know."""
    settings = record.settings
    if settings is None:
        return None
    architecture = record.task.architecture if record.task else None
    if record.command == "train" and architecture is None and record.results:
        architecture = record.results.architecture
    parts = ["autogan", record.command]
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


def _nearest(settings: Settings) -> tuple[str | None, list[str]]:
    """The preset that the fewest overrides turn into `settings`, and these overrides."""
    wanted = leaves(settings.model_dump(mode="json"))
    found: list[tuple[str | None, list[str]]] = []
    for preset in (None, *preset_names()):
        given = leaves(load_settings(preset).model_dump(mode="json"))
        differing = [
            f"{name}={json.dumps(v, ensure_ascii=False)}"
            for name, v in wanted.items()
            if given[name] != v
        ]
        found.append((preset, differing))
    return min(found, key=lambda pair: len(pair[1]))


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
