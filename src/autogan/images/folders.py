"""A folder of images on disk."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from autogan.basics.errors import UserError
from autogan.images.decode import Damage, image_suffixes
from autogan.images.walk import walk


class Files(Protocol):
    """What a folder and an archive have in common; asked in the order of the methods."""

    path: Path

    def fingerprint(self) -> str:
        """Changes when the contents do; quick, because it is asked for at every start."""

    def names(self) -> list[str]:
        """The relative names, with `/`, of all files. Only asked where nothing is cached."""

    def notes(self) -> tuple[str, ...]:
        """What is there and was left out of the names, for people."""

    def contents(self, wanted: Sequence[str]) -> Iterator[tuple[str, bytes | Path | Damage]]:
        """Each wanted name, in any order, with its bytes or the path to read them from."""


class Folder:
    """A folder; `walk.py` says which links in it are followed.

    The fingerprint is taken over the folder's path and each file's relative name, size and time of
    change, not over the contents. Measured for 60,000 small files in the system's memory, on two busy
    cores: 0.6 s against 0.9 s; but reading grows with the bytes and the disk (20 GB would take minutes), and
    this is asked at every start. A data set's digest is always over its contents.
    """

    def __init__(
        self, path: Path, limit_factor: float = 1.0, tell: Callable[[str], None] | None = None
    ) -> None:
        """limit_factor: multiplies the limit on files. tell: is given lines on how far it is."""
        self.path = path
        try:
            self._found = walk(path, image_suffixes(), limit_factor, tell)
        except OSError as error:
            where = error.filename or path
            raise UserError(
                f"The folder {path} cannot be read: {error.strerror} ({where}). "
                "Change its rights, or move it away."
            ) from error
        for name in self._found.files:
            try:
                name.encode()
            except UnicodeEncodeError:
                raise UserError(
                    f"In the folder {path}, the name {os.fsencode(name)!r} is not UTF-8. Rename it."
                ) from None

    def fingerprint(self) -> str:
        digest = hashlib.sha256(f"{self.path.resolve()}\0".encode(errors="surrogateescape"))
        for name, (size, changed_ns) in self._found.files.items():
            line = f"{name}\0{size}\0{changed_ns}\0"
            digest.update(line.encode(errors="surrogateescape"))
        for note in self.notes():  # they are kept with the images
            digest.update(f"{note}\0".encode())
        return digest.hexdigest()

    def names(self) -> list[str]:
        return list(self._found.files)

    def notes(self) -> tuple[str, ...]:
        return self._found.notes()

    def contents(self, wanted: Sequence[str]) -> Iterator[tuple[str, bytes | Path | Damage]]:
        for name in sorted(wanted):
            yield name, self.path / name
