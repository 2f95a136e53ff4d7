"""What a run's folder says, read without torch, whatever state the run is in.

A run that has just begun, was interrupted, or was made by a newer version still has a record: what
cannot be used is left out, and a plain sentence in `problems` says so.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from autogan.settings.sections import Settings
from autogan.settings.loading import setting_names, settings_from_tree
from autogan.basics.errors import UserError
from autogan.files.plain_yaml import read_yaml
from autogan.spaces.architecture import Architecture
from autogan.basics.version import RESULTS_SCHEMA

_FIELDS = {
    "losses": ("part", "step", "discriminator_loss", "generator_loss"),
    "controller": ("iteration", "step"),
    "child": ("architecture", "stage", "iteration", "purpose", "reward"),
    "iteration": ("iteration", "stage", "steps"),
    "grow": ("iteration", "stage"),
    "reset": ("iteration", "stage"),
    "validation": ("part", "generator_steps", "inception_score", "frechet_distance"),
    "candidate": ("architecture", "generator_steps", "validation"),
    "finished": (),
}
"""The events of log.jsonl and the fields that the report reads of each."""

PICTURES = {
    "samples": "samples.png",
    "real": "pictures/real.png",
    "neighbours": "pictures/neighbours.png",
    "interpolation": "pictures/interpolation.png",
}
"""The pictures of a finished run by name, relative to its folder."""


@dataclass(frozen=True)
class RunRecord:
    """One run, as its folder tells of it.

    settings: the tree of config.yaml as it stands there, perhaps with names that are unknown here.
    events: the lines of log.jsonl that are understood, in their order.
    results, architectures, derived, data: the content of the JSON files, or None.
    problems: sentences on what is there but could not be used.
    """

    folder: Path
    settings: dict[str, Any]
    environment: dict[str, Any]
    task: dict[str, Any] | None
    events: list[dict[str, Any]]
    data: dict[str, Any] | None
    architectures: dict[str, Any] | None
    derived: dict[str, Any] | None
    results: dict[str, Any] | None
    timings: dict[str, float]
    problems: tuple[str, ...]

    @property
    def name(self) -> str:
        """What people call the run: the name of its folder."""
        return self.folder.resolve().name

    @property
    def command(self) -> str:
        """The command that the run is of: "run", "search" or "train"."""
        if self.task:
            return str(self.task["command"])
        return "run" if self.of("child") or not self.of("validation") else "train"

    @property
    def ended(self) -> bool:
        """Whether the run came to its end, even where its results cannot be read here."""
        return self.results is not None or bool(self.of("finished"))

    @cached_property
    def known_settings(self) -> Settings | None:
        """The settings with their types; None where they are not all known to this version."""
        try:
            return settings_from_tree(self.settings)
        except UserError:
            return None

    def setting(self, name: str) -> Any:
        """One setting by its dotted name; None where the folder does not give it."""
        value: Any = self.settings
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return value

    @cached_property
    def _by_event(self) -> dict[str, list[dict[str, Any]]]:
        grouped: dict[str, list[dict[str, Any]]] = {}
        for line in self.events:
            grouped.setdefault(line["event"], []).append(line)
        return grouped

    def of(self, event: str, **fields: Any) -> list[dict[str, Any]]:
        """The log's lines of one event, of those that have these values."""
        lines = self._by_event.get(event, [])
        return [line for line in lines if all(line.get(k) == v for k, v in fields.items())]


def read_record(folder: Path) -> RunRecord:
    """Reads a run's folder; raises `UserError` where it holds no run or nothing can be read of it."""
    config = _read_config(folder)
    problems: list[str] = []
    settings = config["settings"]
    unknown = sorted(set(_names(settings)) - set(setting_names()))
    if unknown:
        problems.append(
            f"This version of autogan does not know some settings of the run: {', '.join(unknown)}."
        )

    def read(name: str) -> Any:
        return _read_json(folder / name, problems)

    return RunRecord(
        folder=folder,
        settings=settings,
        environment=_dictionary(config.get("environment")) or {},
        task=_dictionary(config.get("task")),
        events=_read_log(folder / "log.jsonl", problems),
        data=read("data.json"),
        architectures=_drawable(read("architectures.json"), problems),
        derived=read("derive.json"),
        results=_understood(read("results.json"), problems),
        timings=read("timings.json") or {},
        problems=tuple(problems),
    )


def _read_config(folder: Path) -> dict[str, Any]:
    config = folder / "config.yaml"
    if not config.is_file():
        raise UserError(f"{folder} holds no run: there is no config.yaml in it.")
    tree = read_yaml(config)
    if not isinstance(tree, dict) or not isinstance(tree.get("settings"), dict):
        raise UserError(f"{config} is not the description of a run: it has no settings.")
    return tree


def _dictionary(value: Any) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None


def _names(tree: dict[str, Any], prefix: str = "") -> list[str]:
    names = []
    for name, value in tree.items():
        names.append(f"{prefix}{name}")
        if isinstance(value, dict):
            names += _names(value, f"{prefix}{name}.")
    return names


def _read_json(file: Path, problems: list[str]) -> dict[str, Any] | None:
    if not file.is_file():
        return None
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        problems.append(f"{file.name} cannot be read: {error}.")
        return None
    if not isinstance(value, dict):
        problems.append(f"{file.name} does not hold what a run writes there.")
        return None
    return value


def _read_log(file: Path, problems: list[str]) -> list[dict[str, Any]]:
    """The lines that are understood; a last line that is cut off is being written at this moment."""
    if not file.is_file():
        return []
    lines = file.read_text(encoding="utf-8", errors="replace").split("\n")
    events, strange = [], 0
    for line in filter(None, lines[:-1]):
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if _is_event(event):
            events.append(event)
        else:
            strange += 1
    if strange:
        problems.append(
            f"{strange} of the {len(events) + strange} lines of log.jsonl are of a kind that this "
            "version does not know, or damaged; they are left out."
        )
    return events


def _is_event(event: Any) -> bool:
    if not isinstance(event, dict) or event.get("event") not in _FIELDS:
        return False
    if not all(field in event for field in _FIELDS[event["event"]]):
        return False
    return event["event"] != "child" or _is_architecture(event["architecture"])


def _is_architecture(text: str) -> bool:
    try:
        Architecture.parse(text)
    except UserError:
        return False
    return True


def _drawable(found: dict[str, Any] | None, problems: list[str]) -> dict[str, Any] | None:
    """The content of architectures.json, if this version knows all architectures in it."""
    children = (
        [child for level in (*found["stages"], found["ranking"]) for child in level]
        if found
        else []
    )
    if all(_is_architecture(child["architecture"]) for child in children):
        return found
    problems.append(
        "architectures.json has options that this version of autogan does not know; the tree of "
        "beams is left out."
    )
    return None


def _understood(results: dict[str, Any] | None, problems: list[str]) -> dict[str, Any] | None:
    if results is None:
        return None
    schema = results.get("schema")
    if schema == RESULTS_SCHEMA:
        return results
    problems.append(
        f"results.json is of schema {schema}; this version of autogan reads schema {RESULTS_SCHEMA}. "
        "The scores are left out: make the report with the version that made the run, or a newer one."
    )
    return None
