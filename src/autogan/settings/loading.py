"""From presets, files, options and `--set` to `Settings`. Nothing here imports torch.

Layers of nested dictionaries are laid over each other, and checked once, as a whole.
"""

import importlib.resources
import re
from collections.abc import Iterable, Iterator
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from autogan.basics.errors import UserError, unknown_name
from autogan.files.plain_yaml import parse_yaml, read_yaml
from autogan.settings.limits import LimitSettings
from autogan.settings.messages import explain, shown
from autogan.settings.sections import Settings

Tree = dict[str, Any]
"""Settings by name, sections as dictionaries in it; it need not hold all of them."""


MOST_PROBLEMS_SAID = 20
"""Of settings that cannot be used."""


OLD_NAMES = (
    "train.linear_decay",
    "trials.limits",
    *(f"trials.limits.{name}" for name in LimitSettings.model_fields),
)
"""Settings that earlier versions had, and that are read as those that took their place."""


MOST_LEVELS = 10
"""Of the dotted name of a setting; those that exist have three at most."""


def load_settings(
    preset: str | None = None,
    file: str | Path | None = None,
    overrides: Iterable[str] = (),
    changes: Tree | None = None,
    tree: Tree | None = None,
) -> Settings:
    """Settings in layers; what a later one says counts:

    - preset, by name, or `tree` (the settings of a run, say), or the defaults;
    - file: a YAML file;
    - changes: what options of their own, such as --data, ask for, or the program itself;
    - overrides: `section.name=value`, as a user wrote them after --set, the last one last.

    Raises `UserError` for an unknown preset or setting (with the nearest real one), for a value out
    of range (with the name, the value and what is allowed) and for settings that contradict.
    """
    layers = [
        tree or {} if preset is None else yaml.safe_load(preset_text(preset)),
        {} if file is None else _read_settings_file(Path(file)),
        changes or {},
        overrides_tree(overrides),
    ]
    return settings_from_tree(merged(*map(_in_present_names, layers)))


def settings_from_tree(tree: Tree) -> Settings:
    """Settings from one tree; raises `UserError` as `load_settings` does."""
    try:
        return Settings.model_validate(_in_present_names(tree))
    except ValidationError as error:
        problems, known = error.errors(), setting_names()
        said = [explain(problem, known) for problem in problems[:MOST_PROBLEMS_SAID]]
        if len(problems) > len(said):
            said.append(f"There are {len(problems) - len(said):,} more such mistakes.")
        raise UserError("\n".join(said)) from None


def settings_to_yaml(settings: Settings) -> str:
    """The resolved settings as YAML."""
    return yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False)


def merged(*layers: Tree) -> Tree:
    """One tree of several, section by section; what a later layer says counts."""
    result: Tree = {}
    for layer in layers:
        for name, value in layer.items():
            below = result.get(name)
            both = isinstance(below, dict) and isinstance(value, dict)
            result[name] = merged(below, value) if both else value  # type: ignore[arg-type]
    return result


def _in_present_names(tree: Tree) -> Tree:
    """The tree, with what OLD_NAMES name under the names of today.

    Done to each layer before they are laid over each other, so that the later one counts under both
    names.
    """
    return _with_limits_of_searches(_with_schedule(tree))


def _with_limits_of_searches(tree: Tree) -> Tree:
    """trials.limits as search.limits: first only searches by trials had limits."""
    trials = tree.get("trials") if isinstance(tree, dict) else None
    if not isinstance(trials, dict) or "limits" not in trials:
        return tree
    rest = {name: value for name, value in trials.items() if name != "limits"}
    search, before = tree.get("search", {}), trials["limits"]
    if not isinstance(search, dict):
        return tree  # refused later, as any section that is none
    now = search.get("limits", {})
    for limits in (before, now):
        if not isinstance(limits, dict):  # refused later, as any section that is none
            return {**tree, "trials": rest, "search": {**search, "limits": limits}}
    for name in before.keys() & now.keys():
        if before[name] != now[name]:
            raise UserError(
                f"Settings contradict each other: trials.limits.{name} is {shown(before[name])}, and "
                f"search.limits.{name} is {shown(now[name])}. Leave the first out: the second has "
                "taken its place."
            )
    return {**tree, "trials": rest, "search": merged({"limits": before}, search)}


def _with_schedule(tree: Tree) -> Tree:
    """What version 0.1.0 called train.linear_decay as a value of train.schedule."""
    train = tree.get("train") if isinstance(tree, dict) else None
    if not isinstance(train, dict) or "linear_decay" not in train:
        return tree
    falls = train["linear_decay"]
    if falls not in (False, True):
        raise UserError(f"Setting train.linear_decay cannot be {shown(falls)}: true or false.")
    named = "linear" if falls else "constant"
    rest = {name: value for name, value in train.items() if name != "linear_decay"}
    schedule = rest.get("schedule", {})
    if not isinstance(schedule, dict):
        return {**tree, "train": rest}  # refused later, as any section that is none
    if schedule.get("learning_rate", named) != named:
        raise UserError(
            f"Settings contradict each other: train.linear_decay is {str(falls).lower()}, and "
            f"train.schedule.learning_rate is {shown(schedule['learning_rate'])}. Leave the first out: "
            "the second has taken its place."
        )
    return {**tree, "train": merged(rest, {"schedule": {"learning_rate": named}})}


def overrides_tree(overrides: Iterable[str]) -> Tree:
    """What a user wrote after --set, as a tree; raises `UserError` for what is no name=value."""
    return merged(*map(_override_tree, overrides))


def preset_names() -> list[str]:
    """The names of the presets that are installed with the package, numbers in them in their order."""
    files = (file.name for file in _preset_folder().iterdir())
    names = (name.removesuffix(".yaml") for name in files if name.endswith(".yaml"))
    return sorted(names, key=_with_numbers)


def _with_numbers(name: str) -> list[str | int]:
    """A key that puts own-16 before own-128: words and numbers in turn."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def preset_text(name: str) -> str:
    """The YAML of a preset, with its comments; raises `UserError` for an unknown name."""
    if name not in preset_names():
        raise unknown_name("preset", name, preset_names())
    return (_preset_folder() / f"{name}.yaml").read_text(encoding="utf-8")


def setting_names() -> list[str]:
    """The dotted names of all sections and settings."""

    def below(tree: Tree, prefix: str) -> Iterator[str]:
        for name, value in tree.items():
            yield prefix + name
            if isinstance(value, dict):
                yield from below(value, f"{prefix}{name}.")

    return list(below(Settings().model_dump(), ""))


def _preset_folder() -> Traversable:
    return importlib.resources.files("autogan.settings") / "presets"


def _read_settings_file(file: Path) -> Tree:
    tree = read_yaml(file)
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise UserError(f"{file} must hold sections and settings (name: value).")
    return tree


def _override_tree(override: str) -> Tree:
    name, equals, value = override.partition("=")
    if not equals or not name.strip():
        raise UserError(f"--set takes section.name=value, not {override!r}.")
    try:
        parsed = parse_yaml(value)
    except ValueError:
        raise UserError(f"--set {name}: cannot read the value {shown(value)}.") from None
    quoted = value.strip()[:1] in ("'", '"')
    if isinstance(parsed, str) and not quoted:
        parsed = _number_or_text(parsed)
    tree: Any = parsed
    parts = name.strip().split(".")
    if len(parts) > MOST_LEVELS:
        raise UserError(f"--set {shown(name)}: no setting lies that deep.")
    for part in reversed(parts):
        tree = {part: tree}
    result: Tree = tree
    return result


def _number_or_text(text: str) -> float | str:
    """YAML 1.1 reads 2e-4 as text; people mean a number."""
    try:
        return float(text)
    except ValueError:
        return text
