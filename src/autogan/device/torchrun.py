"""What `torchrun` tells a process that it starts. Without torch, so that commands may ask at once."""

import os

from autogan.basics.errors import UserError

TOLD = ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
"""What it tells each of several processes beside their number."""


def started_count() -> int:
    """How many processes `torchrun` started; 1 without it.

    Raises `UserError` where it says no number, and where of several not all is told that they need.
    """
    text = os.environ.get("WORLD_SIZE", "1")
    if not text.isdecimal() or int(text) < 1:
        raise UserError(f"WORLD_SIZE is {text!r}, and not a number of processes. Unset it.")
    count = int(text)
    missing = [name for name in TOLD if not os.environ.get(name)]
    if count > 1 and missing:
        raise UserError(
            f"WORLD_SIZE is {count}, but torchrun did not start this process: it lacks "
            f"{', '.join(missing)}. Unset WORLD_SIZE, or start with torchrun."
        )
    return count
