"""Folders that are made for an output, and taken away again where nothing comes of it.

`--out a/b/c` makes up to three folders. A run that is refused leaves none of them behind, and none of
those that were there before are touched.
"""

import contextlib
from collections.abc import Sequence
from pathlib import Path


def make_folders(folder: Path) -> list[Path]:
    """Makes a folder and those above it; the ones that were not there before, the outermost first.

    Raises `OSError` where that fails; those that were made by then are gone again.
    """
    made: list[Path] = []
    try:
        for each in (*reversed(folder.parents), folder):
            if not each.is_dir():
                # Another process may be faster: then the folder is its own to take away.
                with contextlib.suppress(FileExistsError):
                    each.mkdir()
                    made.append(each)
        folder.mkdir(exist_ok=True)  # raises where a file stands there
    except OSError:
        remove_made_folders(made)
        raise
    return made


def remove_made_folders(made: Sequence[Path]) -> None:
    """Takes away what `make_folders` made, the innermost first, as far as nothing lies in it."""
    for folder in reversed(made):
        try:
            folder.rmdir()
        except OSError:  # something lies in it, or somebody took it away
            return
