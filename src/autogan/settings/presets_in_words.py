"""Presets and their settings in words: one sentence each, and YAML that explains itself.

Imports no torch.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any

import yaml

from autogan.settings.loading import preset_text
from autogan.settings.sections import Settings

_COMMENT_COLUMN = 40
_WIDTH = 120


def preset_summary(name: str) -> str:
    """The first sentence of a preset's opening comment. Raises `UserError` for an unknown name."""
    opening = []
    for line in preset_text(name).splitlines():
        if not line.startswith("#"):
            break
        opening.append(line.removeprefix("#").strip())
    return " ".join(opening).split(". ")[0].removesuffix(".") + "."


def commented_yaml(settings: Settings) -> str:
    """The settings as YAML that loads again, with what each one means beside or above it."""
    return "\n".join(_lines(settings, settings.model_dump(mode="json"), "")) + "\n"


def _lines(section: Any, values: dict[str, Any], indent: str) -> Iterator[str]:
    meanings = field_meanings(type(section))
    for name, value in values.items():
        below = getattr(section, name)
        if isinstance(value, dict):
            yield f"{indent}{name}:  # {_one_line(inspect.getdoc(type(below)) or '')}"
            yield from _lines(below, value, indent + "  ")
            continue
        style = None if isinstance(value, list) else False  # lists in brackets
        shown = yaml.safe_dump({name: value}, default_flow_style=style, width=1000).strip()
        setting = f"{indent}{shown}"
        meaning = " ".join(meanings.get(name, "").split())
        if len(setting) >= _COMMENT_COLUMN or _COMMENT_COLUMN + len(meaning) > _WIDTH:
            for line in textwrap.wrap(meaning, _WIDTH - len(indent)):
                yield f"{indent}# {line}"
            yield setting
        else:
            yield f"{setting:<{_COMMENT_COLUMN}}# {meaning}"


def _one_line(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split())


def field_meanings(section: type) -> dict[str, str]:
    """The docstring that stands below each field of a class, its own fields before inherited ones."""
    meanings: dict[str, str] = {}
    for owner in section.__mro__:
        if not owner.__module__.startswith("autogan"):
            continue
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
        assert isinstance(tree, ast.ClassDef)
        for field, after in zip(tree.body, tree.body[1:], strict=False):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant)
                and isinstance(after.value.value, str)
            ):
                meanings.setdefault(field.target.id, inspect.cleandoc(after.value.value))
    return meanings
