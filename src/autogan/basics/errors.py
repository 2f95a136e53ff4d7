"""Exceptions for what a user gave or chose: the message says what to do next."""

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """Something that a user gave cannot be used.

    The message names what was wrong and what is allowed. The command line prints it without a
    traceback and exits with code 2.
    """


class Diverged(UserError):
    """Training went wrong: losses or weights are no finite numbers any more."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UserError:
    """An error for an unknown `name` that offers the nearest known one, and lists all of them."""
    names = sorted(set(known))
    nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    return UserError(f"Unknown {kind} {name!r}.{hint} Known: {', '.join(names)}.")
