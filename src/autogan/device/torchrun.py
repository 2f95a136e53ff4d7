"""What `torchrun` tells a process that it starts. Without torch, so that commands may ask at once."""

import os

from autogan.basics.errors import UserError


def started_count() -> int:
    """How many processes `torchrun` started; 1 without it. Raises `UserError` where it says no number."""
    text = os.environ.get("WORLD_SIZE", "1")
    if not text.isdecimal() or int(text) < 1:
        raise UserError(f"WORLD_SIZE is {text!r}, and not a number of processes. Unset it.")
    return int(text)
