"""What the numbers of a table depend on: settings, data, judge, and the program's own files."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from autogan.basics.errors import UserError
from autogan.method.context import Context
from autogan.settings.sections import Settings
from autogan.trials.table_values import Identity

ROOMS = ("basics/randomness.py", "images", "nets", "spaces", "gan", "judges", "method")
"""Of the package: the files whose code makes the numbers; those of the table's own are added."""
OWN = ("trials/collect.py", "trials/table_scores.py")


def recipe_of(settings: Settings) -> dict[str, Any]:
    """Every setting that the numbers depend on; where images and devices are does not count."""
    plain = settings.model_dump(mode="json")
    trials = {name: plain["trials"][name] for name in ("steps", "rungs", "reduction")}
    unused = ("start", "generator_steps", "validate_every_steps", "validation_images")
    train = {name: value for name, value in plain["train"].items() if name not in unused}
    return {
        "seed": plain["seed"],
        "log_every_steps": plain["log_every_steps"],  # of the loss curves
        "image_size": plain["data"]["image_size"],
        "precision": plain["compute"]["precision"],
        "network": plain["network"],
        "judge": {k: v for k, v in plain["judge"].items() if k != "inception_weights"},
        "train": train,
        "trials": trials,
        "evaluate": plain["evaluate"],
    }


def refuse_unfixed(settings: Settings) -> None:
    """Raises `UserError` for settings under which two machines would not do the same."""
    if settings.compute.precision == "auto":
        raise UserError(
            "compute.precision is auto, which each machine decides for itself. All trainings of a table "
            "need the same: set float32 or bfloat16."
        )


def identity_of(context: Context) -> Identity:
    """What all trainings of a table with these settings, data and judge share."""
    settings = context.settings
    return Identity(
        space=settings.network.space,
        stages=settings.cells,
        rungs=settings.trials.rung_steps,
        recipe=recipe_of(settings),
        data=context.data.digest,
        judge=context.judge.name,
        code=code_digest(),
    )


@cache
def code_digest() -> str:
    """SHA-256 in hex of the text of the files that numbers come from; computed once in a process."""
    package = Path(__file__).parents[1]
    files = [file for room in ROOMS for file in _python_files(package / room)]
    digest = hashlib.sha256()
    for file in sorted([*files, *(package / own for own in OWN)]):
        digest.update(f"{file.relative_to(package).as_posix()}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def _python_files(place: Path) -> list[Path]:
    return [place] if place.is_file() else list(place.rglob("*.py"))
