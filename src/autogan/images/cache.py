"""Decoded data sets on disk: .npy files, mapped, checked on reading and rebuilt if damaged.

An entry is a folder named by the key of its source. It is written aside and moved into place in
one step, so several processes may fill one cache: the second takes what the first has made.
"""

import hashlib
import json
import os
import shutil
import time
import uuid
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import Any, TypeAlias

import numpy as np
import platformdirs

from autogan.basics.errors import UserError
from autogan.basics.formatting import binary_size
from autogan.files.texts import MOST_BYTES_OF_RESULTS, read_text

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

OriginalSizes: TypeAlias = tuple[tuple[int, int, int], ...]
"""Width and height in pixels of image files before they were brought to one size, and how many have
them, the most frequent first; () where a source knows one size only."""

ENTRY_VERSION = 2
_ABANDONED_SECONDS = 24 * 3600  # unfinished entries older than this belong to no living process
_CHUNK_BYTES = 2**24
_DAMAGE = (
    OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, RecursionError, TokenError
)  # fmt: skip
"""What reading a damaged entry raises: its JSON may hold anything."""


@dataclass(frozen=True)
class Contents:
    """What a builder says about the arrays it has written; digest None: taken from the contents."""

    class_names: tuple[str, ...]
    notes: tuple[str, ...]
    digest: str | None = None
    original_sizes: OriginalSizes = ()


@dataclass(frozen=True, eq=False)
class Stored:
    """An entry as read: read-only maps by name ("train_pixels", "held_out_labels", …)."""

    arrays: dict[str, Array]
    class_names: tuple[str, ...]
    notes: tuple[str, ...]
    digest: str
    original_sizes: OriginalSizes


class Builder:
    """Hands out the arrays of a new entry; they are files, so a large data set needs no memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.arrays: dict[str, Array] = {}

    def restart(self) -> None:
        """Takes back the arrays that were handed out."""
        for name in self.arrays:
            (self.folder / f"{name}.npy").unlink()
        self.arrays.clear()

    def new(self, part: str, number: int, size: int, labelled: bool) -> tuple[Array, Array | None]:
        """Pixels, uint8 `number`×3×`size`×`size`, and labels, int64 `number` (None: unlabelled)."""
        self._need(number * (3 * size * size + 8))
        pixels = self._create(f"{part}_pixels", (number, 3, size, size), np.uint8)
        labels = self._create(f"{part}_labels", (number,), np.int64) if labelled else None
        return pixels, labels

    def _create(self, name: str, shape: tuple[int, ...], dtype: type) -> Array:
        path = self.folder / f"{name}.npy"
        array = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
        self.arrays[name] = array
        return array

    def _need(self, wanted: int) -> None:
        free = shutil.disk_usage(self.folder).free
        if free < wanted:  # a mapped file on a full disk would end the process without a word
            raise UserError(
                f"The cache needs {binary_size(wanted)}, but {self.folder.parent} has only "
                f"{binary_size(free)} free. Free some space, or set AUTOGAN_CACHE to a folder "
                "on a larger disk."
            )


def default_cache_directory() -> Path:
    """AUTOGAN_CACHE where it is set, else the platform's folder for caches.

    Raises `UserError` where that names the home of nobody.
    """
    chosen = os.environ.get("AUTOGAN_CACHE")
    try:
        return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("autogan")
    except RuntimeError:  # a home of nobody
        raise UserError(f"AUTOGAN_CACHE is {chosen!r}, and there is no such home folder.") from None


def load_or_build(key: str, directory: Path | None, build: Callable[[Builder], Contents]) -> Stored:
    """The entry for `key`; `build` is called only where there is none, or a damaged one.

    Raises UserError where the cache cannot be written; errors of `build` leave nothing behind.
    """
    root = (directory or default_cache_directory()) / "datasets"
    entry = root / hashlib.sha256(f"{ENTRY_VERSION} {key}".encode()).hexdigest()[:32]
    stored = _read_or_warn(entry)
    if stored is not None:
        return stored
    aside = _new_folder(root)
    try:
        builder = Builder(aside)
        contents = build(builder)
        try:
            _finish(builder, contents)
            _move_into_place(aside, entry)
        except OSError as error:
            raise _unwritable(root, error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return _read(entry)


def _read_or_warn(entry: Path) -> Stored | None:
    try:
        if not entry.exists():
            return None
        return _read(entry)
    except _DAMAGE as error:
        reason = str(error)
    warnings.warn(
        f"The cached images in {entry} are damaged ({reason}); they are made anew.", stacklevel=4
    )
    return None


def _read(entry: Path) -> Stored:
    head = json.loads(read_text(entry / "entry.json", MOST_BYTES_OF_RESULTS))
    if head["check"] != _head_check(head):
        raise ValueError("entry.json does not match its checksum")
    arrays = {}
    for name, expected in head["files"].items():
        file = entry / f"{name}.npy"
        if not file.is_file():  # opening a pipe would wait for ever
            raise ValueError(f"there is no file {name}.npy")
        # Not copy-on-write ("c"): systems refuse such a map where the file is larger than memory.
        array = np.load(file, mmap_mode="r", allow_pickle=False)
        found = {"shape": list(array.shape), "dtype": str(array.dtype), "crc32": _crc32(array)}
        if found != expected:
            raise ValueError(f"{name}.npy is {found}, expected {expected}")
        arrays[name] = array
    sizes = tuple((width, height, number) for width, height, number in head["original_sizes"])
    names, notes = tuple(head["class_names"]), tuple(head["notes"])
    return Stored(arrays, names, notes, head["digest"], sizes)


def _finish(builder: Builder, contents: Contents) -> None:
    """Write the files out, and beside them entry.json, which says what they must be."""
    for array in builder.arrays.values():
        assert isinstance(array, np.memmap)
        array.flush()
    files = {}
    for name, array in sorted(builder.arrays.items()):
        files[name] = {
            "shape": list(array.shape),
            "dtype": str(array.dtype),
            "crc32": _crc32(array),
        }
    head: dict[str, Any] = {
        "files": files,
        "class_names": contents.class_names,
        "notes": contents.notes,
        "original_sizes": contents.original_sizes,
        "digest": contents.digest or _digest(builder.arrays, contents.class_names),
    }
    head["check"] = _head_check(head)
    builder.arrays.clear()  # Windows moves no folder with a mapped file in it
    (builder.folder / "entry.json").write_text(json.dumps(head, indent=1), encoding="utf-8")


def _digest(arrays: dict[str, Array], class_names: tuple[str, ...]) -> str:
    digest = hashlib.sha256(json.dumps(class_names).encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        for chunk in _chunks(array):
            digest.update(chunk)
    return digest.hexdigest()


def _crc32(array: Array) -> int:
    check = 0
    for chunk in _chunks(array):
        check = zlib.crc32(chunk, check)
    return check


def _chunks(array: Array) -> Iterator[bytes]:
    """The bytes of a mapped array, read from its file: through the map they would stay resident."""
    assert isinstance(array, np.memmap) and array.filename is not None
    with open(array.filename, "rb") as file:
        file.seek(array.offset)
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


def _head_check(head: dict[str, Any]) -> int:
    body = {name: value for name, value in head.items() if name != "check"}
    return zlib.crc32(json.dumps(body, sort_keys=True).encode())


def _new_folder(root: Path) -> Path:
    try:
        root.mkdir(parents=True, exist_ok=True)
        for old in root.glob(".building-*"):
            with suppress(FileNotFoundError):  # another process has just moved it into place
                if time.time() - old.stat().st_mtime > _ABANDONED_SECONDS:
                    shutil.rmtree(old, ignore_errors=True)
        return _aside(root)
    except OSError as error:
        raise _unwritable(root, error) from error


def _aside(root: Path) -> Path:
    folder = root / f".building-{uuid.uuid4().hex}"
    folder.mkdir()  # not tempfile's: a cache may be shared, so its rights follow the umask
    return folder


def _move_into_place(aside: Path, entry: Path) -> None:
    try:
        os.replace(aside, entry)
        return
    except OSError:  # there is one already: another process's, or the damaged one
        if not entry.exists():
            raise
    try:
        _read(entry)
    except Exception:  # whatever is wrong with it, ours is better
        trash = _aside(entry.parent)
        os.replace(entry, trash / "damaged")
        os.replace(aside, entry)
        shutil.rmtree(trash, ignore_errors=True)


def _unwritable(root: Path, error: OSError) -> UserError:
    return UserError(
        f"The cache {root} cannot be written: {error}. Set AUTOGAN_CACHE to a folder that can."
    )
