"""CIFAR-10 and STL-10 in their original files, read and checked by torchvision.

torchvision is imported only when one of these is loaded: it is slow to import.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from autogan.basics.errors import UserError
from autogan.images import cache
from autogan.images.dataset import resize_into
from autogan.images.rules import LOADER_VERSION, shuffled


@dataclass(frozen=True)
class Standard:
    """What there is to know about a source before its files are there.

    class_name: in torchvision.datasets. folder: what unpacking its archive makes. native_size: in
    pixels. train: the splits to train on, by torchvision's names.
    """

    title: str
    class_name: str
    folder: str
    native_size: int
    train: tuple[str, ...]
    note: str | None


STANDARD = {
    "cifar10": Standard("CIFAR-10", "CIFAR10", "cifar-10-batches-py", 32, ("train",), None),
    "stl10": Standard(
        "STL-10",
        "STL10",
        "stl10_binary",
        96,
        ("train", "unlabeled"),
        "labelled and unlabelled images are trained on together; label -1: not labelled",
    ),
}


def stored(
    kind: str, path: Path | None, size: int, cache_directory: Path | None
) -> tuple[str, cache.Stored]:
    """Title and images of CIFAR-10 or STL-10 (`kind` in STANDARD), resized to `size`.

    Held out: the test split.

    path: the folder that holds the unpacked files (or the folder that the archive makes, in it);
        None: download them once to `data` in the cache. torchvision compares every file with its
        published checksum, so what the cache holds needs no second look at the files.

    Raises UserError where the files are missing, damaged or cannot be downloaded.
    """
    about = STANDARD[kind]
    root = _root(about, path, cache_directory)
    key = f"{kind} {LOADER_VERSION} {size} {_published_checksums(about)}"

    def build(entry: cache.Builder) -> cache.Contents:
        names = _fill(entry, "train", about, about.train, root, path is None, size)
        _fill(entry, "held_out", about, ("test",), root, path is None, size)
        notes = [about.note] if about.note else []
        if size != about.native_size:
            notes.append(f"all images were scaled from {about.native_size} to {size} pixels")
        return cache.Contents(names, tuple(notes))

    return about.title, cache.load_or_build(key, cache_directory, build)


def _fill(
    entry: cache.Builder,
    part: str,
    about: Standard,
    splits: tuple[str, ...],
    root: Path,
    download: bool,
    size: int,
) -> tuple[str, ...]:
    """Write the shuffled images of `splits` into one part of the entry; returns the class names."""
    opened = [_open(about, split, root, download) for split in splits]
    numbers = [len(data) for data in opened]
    order = shuffled(sum(numbers), f"{about.title} {part}")
    places = np.empty_like(order)
    places[order] = np.arange(len(order))  # image i of the source goes to places[i]
    pixels, labels = entry.new(part, len(order), size, labelled=True)
    assert labels is not None
    done = 0
    for data, number in zip(opened, numbers, strict=True):
        images, own_labels = _pixels_and_labels(data)
        labels[places[done : done + number]] = own_labels
        for start in range(0, number, 1000):
            batch = torch.from_numpy(np.ascontiguousarray(images[start : start + 1000]))
            small = np.empty((len(batch), 3, size, size), np.uint8)
            resize_into(small, batch)
            pixels[places[done + start : done + start + len(batch)]] = small
        done += number
    return tuple(opened[0].classes)


def _pixels_and_labels(data: Any) -> tuple[cache.Array, cache.Array]:
    """N×3×S×S and N, from torchvision's N×S×S×3 and list (CIFAR-10) or as they are (STL-10)."""
    if hasattr(data, "targets"):
        return data.data.transpose(0, 3, 1, 2), np.asarray(data.targets, np.int64)
    return data.data, np.asarray(data.labels, np.int64)


def _open(about: Standard, split: str, root: Path, download: bool) -> Any:
    kind = _torchvision_class(about)
    which = {"train": split == "train"} if about.class_name == "CIFAR10" else {"split": split}
    try:
        opened = kind(root, download=download, **which)
        if not hasattr(opened, "classes"):
            raise FileNotFoundError(f"{opened.class_names_file} is missing")
        return opened
    except (OSError, RuntimeError, EOFError, ValueError) as error:
        if download:
            raise UserError(
                f"{about.title} could not be downloaded: {error}. Fetch {kind.url} by hand "
                f"and put it at {root / kind.filename} (md5 {kind.tgz_md5})."
            ) from error
        raise UserError(
            f"The files of {about.title} in {root / about.folder} are incomplete or damaged: "
            f"{error}. Fetch {kind.url} (md5 {kind.tgz_md5}) and unpack it in {root}."
        ) from error


def _root(about: Standard, path: Path | None, cache_directory: Path | None) -> Path:
    """The folder above the unpacked one, as torchvision wants it."""
    if path is None:
        return (cache_directory or cache.default_cache_directory()) / "data"
    if path.name == about.folder and path.is_dir():
        return path.parent
    if not (path / about.folder).is_dir():
        url = _torchvision_class(about).url
        raise UserError(
            f"There is no folder {path / about.folder}. Fetch {url} and unpack it in {path}, or "
            f"leave the path out to have {about.title} downloaded."
        )
    return path


def _published_checksums(about: Standard) -> str:
    made = _torchvision_class(about)
    return repr((made.train_list, made.test_list))


def _torchvision_class(about: Standard) -> Any:
    from torchvision import datasets  # type: ignore[import-untyped, unused-ignore]

    return getattr(datasets, about.class_name)
