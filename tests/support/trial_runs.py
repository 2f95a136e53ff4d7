"""A search by trials in miniature."""

from pathlib import Path
from typing import Any

from tiny import tiny

from autogan.settings.sections import Settings


def trials_settings(images: Path, **changes: Any) -> Settings:
    """Six trainings of 2 and 4 steps on two classes of images, of 16 pixels."""
    trials = {"count": 6, "steps": 2, "rungs": 2, "reduction": 2}
    given = {"trials": trials, "search": {"strategy": "random"}, **changes}
    if "trials" in changes:
        given["trials"] = {**trials, **changes["trials"]}
    return tiny(data={"source": f"folder:{images}"}, **given)
