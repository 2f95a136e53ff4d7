"""From presets, files and overrides to `Settings`. Nothing here imports torch."""

import importlib.resources
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from autogan.basics.errors import UserError, unknown_name
from autogan.files.plain_yaml import parse_yaml, read_yaml
from autogan.settings.messages import explain, shown
from autogan.settings.sections import Settings


def preset_names() -> list[str]:
    """The names of the presets that are installed with the package."""
    folder = importlib.resources.files("autogan.settings") / "presets"
    return sorted(
        f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml")
    )


def load_settings(
    preset: str | None = None,
    file: str | Path | None = None,
    overrides: Iterable[str] = (),
    tree: dict[str, Any] | None = None,
) -> Settings:
    """A preset (or `tree`, or the defaults), under a YAML file, under `section.name=value` overrides.

    Raises `UserError` for an unknown preset or setting (with the nearest real one), for a value out
    of range (with the name, the value and what is allowed) and for settings that contradict.
    """
    tree = tree or {}
    if preset is not None:
        if preset not in preset_names():
            raise unknown_name("preset", preset, preset_names())
        text = (
            importlib.resources.files("autogan.settings") / "presets" / f"{preset}.yaml"
        ).read_text()
        tree = yaml.safe_load(text)
    if file is not None:
        tree = _merged(tree, _read_settings_file(Path(file)))
    for override in overrides:
        tree = _merged(tree, _override_tree(override))
    return settings_from_tree(tree)


def settings_from_tree(tree: dict[str, Any]) -> Settings:
    """Settings from nested dictionaries; raises `UserError` as `load_settings` does."""
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        raise UserError(
            "\n".join(explain(problem, setting_names()) for problem in error.errors())
        ) from None


def settings_to_yaml(settings: Settings) -> str:
    """The resolved settings as YAML."""
    return yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False)


def _read_settings_file(file: Path) -> dict[str, Any]:
    tree = read_yaml(file)
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise UserError(f"{file} must hold sections and settings (name: value).")
    return tree


def _override_tree(override: str) -> dict[str, Any]:
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
    for part in reversed(name.strip().split(".")):
        tree = {part: tree}
    result: dict[str, Any] = tree
    return result


def _number_or_text(text: str) -> float | str:
    """YAML 1.1 reads 2e-4 as text; people mean a number."""
    try:
        return float(text)
    except ValueError:
        return text


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for name, value in over.items():
        below = result.get(name)
        both = isinstance(below, dict) and isinstance(value, dict)
        result[name] = _merged(below, value) if both else value  # type: ignore[arg-type]
    return result


def setting_names() -> list[str]:
    """The dotted names of all sections and settings."""

    def below(tree: dict[str, Any], prefix: str) -> Iterator[str]:
        for name, value in tree.items():
            yield prefix + name
            if isinstance(value, dict):
                yield from below(value, f"{prefix}{name}.")

    return list(below(Settings().model_dump(), ""))
