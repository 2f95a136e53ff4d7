"""Paths as people write them."""

from pathlib import Path

from autogan.basics.errors import UserError


def expanded(path: str | Path) -> Path:
    """The path with the home folder that a `~` or `~name` at its beginning stands for.

    Raises `UserError` for the home of nobody.
    """
    try:
        return Path(path).expanduser()
    except (RuntimeError, ValueError) as error:  # a NUL in the name
        raise UserError(f"{str(path)[:200]!r} is no path: {error}.") from error
