"""What is wrong with a setting, in words that a user can act on."""

import difflib
import reprlib
from typing import Any

from autogan.basics.errors import unknown_name
from autogan.settings.base import FORMS


def explain(problem: Any, known_names: list[str]) -> str:
    """What pydantic found wrong with one setting, as a sentence.

    known_names: the dotted names of all settings, of which the nearest to an unknown one is offered.
    """
    name = ".".join(str(part) for part in problem["loc"] if part not in FORMS)
    message = problem["msg"].removeprefix("Value error, ").removesuffix(".")
    if problem["type"] == "literal_error":  # expected: "'a', 'b' or 'c'"
        words = problem["ctx"]["expected"].replace(" or ", ", ").replace("'", "")
        message = f"allowed: {words}"
    if problem["type"] == "extra_forbidden":
        section = name.rpartition(".")[0]
        beside = [known for known in known_names if known.rpartition(".")[0] == section]
        nearest = difflib.get_close_matches(name, known_names, n=1, cutoff=0.5)
        return str(unknown_name("setting", name, beside + nearest))
    if not name or problem["type"] == "value_error":
        where = f"{name}: " if name else ""
        return f"Settings contradict each other: {where}{message}."
    return f"Setting {name} cannot be {shown(problem['input'])}: {message}."


def shown(value: Any) -> str:
    """A value in a message: whole where it is short."""
    shortened = reprlib.Repr()
    shortened.maxstring = shortened.maxother = 200
    shortened.maxlevel = 2
    return shortened.repr(value)
