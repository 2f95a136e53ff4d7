"""Which file belongs to which split and class, read off the names alone.

Understood, each possibly inside one or more single folders: `train/CLASS/…` with `test/CLASS/…` (or
`val`), `CLASS/…`, `train/…` with `test/…` without classes, and a flat folder, perhaps with a labels.csv
(see `labels.py`). One class tells nothing apart: its images are taken as unlabelled, and a note says so.
A folder `unlabelled` beside class folders is no class: its images have no label. Case does not matter in
these names, `training`, `testing` and `unlabeled` are understood too, and class names of two Unicode forms
are one class.
"""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from autogan.basics.errors import UserError
from autogan.images.labels import Labels
from autogan.images.rules import shuffled

UNLABELLED = ("unlabelled", "unlabeled")
TRAIN = "train"
HELD_OUT = ("test", "val", "valid", "validation")  # the first one that is there is held out
_SPLITS = {TRAIN: TRAIN, "training": TRAIN, "testing": "test", **{name: name for name in HELD_OUT}}
"""By the folder's name in small letters."""
_SILENT = ("__MACOSX", "Thumbs.db", "desktop.ini")
_HELD_OUT_SHARE = 10  # one image of ten, where the source has no test split
_SHOWN_NAMES = 5


@dataclass(frozen=True)
class Split:
    """Names in their final, shuffled order, and their labels, -1 for an image that has none.

    labels None: without classes."""

    names: tuple[str, ...]
    labels: tuple[int, ...] | None


@dataclass(frozen=True)
class Layout:
    """Every image's split, place and label."""

    train: Split
    held_out: Split
    class_names: tuple[str, ...]
    notes: tuple[str, ...]


def arrange(
    names: Iterable[str],
    suffixes: frozenset[str],
    where: str,
    left_out: tuple[str, ...] = (),
    table: str | None = None,
    labels: Labels | None = None,
) -> Layout:
    """Sort relative `names` (with `/`) into splits and classes; `where` is named in messages.

    left_out: notes on what lies beside these names. table, labels: the labels.csv that lies beside loose
    images, and what it says of them.

    Raises UserError: no or one image; images beside class folders; other classes in test than in
    train; a class of one image where a tenth must be held out.
    """
    images, others = images_and_others(names, suffixes)
    others = [name for name in others if name != table]
    notes = list(left_out)
    if others:
        notes.append(
            f"1 file that is not an image was ignored ({others[0]})"
            if len(others) == 1
            else f"{len(others):,} files that are not images were ignored ({some(others)})"
        )
    if not images:
        found = f"only other files ({some(others)})" if others else "nothing"
        raise UserError(
            f"There are no images in {where}: it holds {found}. "
            + "".join(f"{note}. " for note in left_out)
            + "Images are known by their endings: .jpg, .png, .webp, .bmp, .tif, .gif and others."
        )
    if len(images) < 2:
        raise UserError(f"There is only one image in {where}; at least 2 are needed.")
    paths = {name: _parts(name) for name in images}
    folders = _shared_folders(paths.values())
    paths = {name: parts[len(folders) :] for name, parts in paths.items()}
    if labels is not None:
        return _by_table(labels, paths, where, notes)
    if folders and all(len(parts) == 1 for parts in paths.values()):
        notes.append(f"all images lie in one folder ({folders[-1]}): they are taken as unlabelled")
    tops = {parts[0] for parts in paths.values() if len(parts) > 1}
    flat = any(len(parts) == 1 for parts in paths.values())
    folder_of = _split_folders(tops, where)
    tests = [folder_of[split] for split in HELD_OUT if split in folder_of]
    train = folder_of.get(TRAIN)
    rest = sorted(tops - set(folder_of.values()))
    if train is None or not tests:
        if folder_of and not flat and all(_is_unlabelled(top) for top in rest):
            raise UserError(
                f"{where} holds {', '.join(f'{top}/' for top in sorted(tops))}. These are no classes, and a "
                f"{TRAIN}/ with a test/ beside it is needed to hold images out by folders. Give "
                f"{f'{where}/{train}' if train else 'a folder of classes'}, or add what is missing."
            )
        return _without_split(paths, where, notes)
    if rest or flat:
        raise UserError(
            f"{where} holds {train}/ and {tests[0]}/, and images beside them "
            f"({some(rest) if rest else 'at the top'}). Move these into {train}/."
        )
    if len(tests) > 1:
        unused = sum(parts[0] in tests[1:] for parts in paths.values())
        notes.append(f"{unused:,} images in {', '.join(tests[1:])} were not used")
    return _with_split(paths, train, tests[0], where, notes)


def _parts(name: str) -> tuple[str, ...]:
    """The parts of a path, as they compare: a Mac writes "é" in another form than other systems."""
    return PurePosixPath(unicodedata.normalize("NFC", name)).parts


def _split_folders(tops: Collection[str], where: str) -> dict[str, str]:
    """The folder of each split, by the name that it has here; a folder of another name is no split."""
    found: dict[str, str] = {}
    for top in sorted(tops):
        split = _SPLITS.get(top.casefold())
        if split is None:
            continue
        if split in found:
            raise UserError(f"{where} holds {found[split]}/ and {top}/: which one is meant?")
        found[split] = top
    return found


def _with_split(
    paths: dict[str, tuple[str, ...]], train: str, test: str, where: str, notes: list[str]
) -> Layout:
    """train, test: the folders."""
    parts = {
        split: {name: path[1:] for name, path in paths.items() if path[0] == split}
        for split in (train, test)
    }
    classes = {split: _classes(parts[split], f"{where}/{split}") for split in parts}
    if classes[train] != classes[test]:
        only_train = sorted(set(classes[train]) - set(classes[test]))
        only_test = sorted(set(classes[test]) - set(classes[train]))
        differences = [
            f"only in {split}: {some(names)}"
            for split, names in ((train, only_train), (test, only_test))
            if names
        ]
        raise UserError(
            f"{where}: {train} and {test} must hold the same class folders; "
            + "; ".join(differences)
            + "."
        )
    if len(parts[train]) < 2:
        raise UserError(f"There is only one image in {where}/{train}; at least 2 are needed.")
    labels = _two_or_more(classes[train], notes)
    class_of = {
        name: _folder_class(path) for split in parts.values() for name, path in split.items()
    }
    _note_unlabelled(class_of, labels, notes)
    kept, held_out = (
        _split(sorted(parts[split]), class_of, labels, purpose)
        for split, purpose in ((train, "train"), (test, "held out"))
    )
    return Layout(kept, held_out, labels, tuple(notes))


def _without_split(paths: dict[str, tuple[str, ...]], where: str, notes: list[str]) -> Layout:
    classes = _two_or_more(_classes(paths, where), notes)
    class_of = {name: _folder_class(path) if classes else "" for name, path in paths.items()}
    return _divided(class_of, classes, where, notes)


def _by_table(
    labels: Labels, paths: dict[str, tuple[str, ...]], where: str, notes: list[str]
) -> Layout:
    """Of loose images with a table of labels; all of them have a line in it."""
    named = sorted({label for name in paths if (label := labels[name]) is not None})
    classes = _two_or_more(tuple(named), notes)
    if not named:
        notes.append("no image has a label: they are taken as images without classes")
    class_of = {name: labels[name] if classes else "" for name in paths}
    return _divided(class_of, classes, where, notes)


def _divided(
    class_of: Mapping[str, str | None],
    classes: tuple[str, ...],
    where: str,
    notes: list[str],
) -> Layout:
    """A tenth of each class, and of what has no label, is held out. class_of: by name."""
    members: dict[str | None, list[str]] = defaultdict(list)
    for name in sorted(class_of):
        members[class_of[name]].append(name)
    _note_unlabelled(class_of, classes, notes)
    kept: list[str] = []
    held: list[str] = []
    for class_name, names in sorted(members.items(), key=lambda item: (item[0] is None, item)):
        if class_name is None:
            number = round(len(names) / _HELD_OUT_SHARE)
            order = shuffled(len(names), "held out without a label")
            held += (names[i] for i in order[:number])
            kept += (names[i] for i in order[number:])
            continue
        if len(names) < 2:
            raise UserError(
                f"The class {class_name!r} in {where} has a single image: at least 2 are needed, "
                "because one of ten is held out to judge by. Add images or remove the class."
            )
        number = max(1, round(len(names) / _HELD_OUT_SHARE))
        order = shuffled(len(names), f"held out of {class_name}")
        held += (names[i] for i in order[:number])
        kept += (names[i] for i in order[number:])
    notes.append(f"{len(held):,} of {len(class_of):,} images were held out to judge by")
    return Layout(
        _split(sorted(kept), class_of, classes, "train"),
        _split(sorted(held), class_of, classes, "held out"),
        classes,
        tuple(notes),
    )


def _split(
    names: list[str],
    class_of: Mapping[str, str | None],
    classes: tuple[str, ...],
    purpose: str,
) -> Split:
    mixed = [names[i] for i in shuffled(len(names), purpose)]
    label_of: dict[str | None, int] = {name: label for label, name in enumerate(classes)}
    label_of[None] = -1
    labels = tuple(label_of[class_of[name]] for name in mixed) if classes else None
    return Split(tuple(mixed), labels)


def _folder_class(path: tuple[str, ...]) -> str | None:
    """The class folder that a path begins with; None for the folder of unlabelled images."""
    return None if _is_unlabelled(path[0]) else path[0]


def _is_unlabelled(folder: str) -> bool:
    return folder.casefold() in UNLABELLED


def _note_unlabelled(
    class_of: Mapping[str, str | None], classes: tuple[str, ...], notes: list[str]
) -> None:
    labelled = sum(class_name is not None for class_name in class_of.values())
    if classes and labelled < len(class_of):
        notes.append(
            f"{len(class_of):,} images, {labelled:,} of them labelled in {len(classes)} classes"
        )


def _classes(paths: dict[str, tuple[str, ...]], where: str) -> tuple[str, ...]:
    """Class names, sorted; () for a flat folder. Folders below a class belong to it; the folder of
    unlabelled images is none."""
    flat = sorted(name for name, parts in paths.items() if len(parts) == 1)
    folders = sorted({parts[0] for parts in paths.values() if len(parts) > 1})
    if flat and folders:
        raise UserError(
            f"{where} holds images ({some(flat)}) beside folders of images ({some(folders)}). "
            "Put every image into a class folder, or all of them into one flat folder."
        )
    return tuple(folder for folder in folders if not _is_unlabelled(folder))


def _two_or_more(classes: tuple[str, ...], notes: list[str]) -> tuple[str, ...]:
    """The classes, or () where there is one only, which is noted."""
    if len(classes) != 1:
        return classes
    notes.append(f"there is only one class ({classes[0]}): its images are taken as unlabelled")
    return ()


def images_and_others(
    names: Iterable[str], suffixes: frozenset[str]
) -> tuple[list[str], list[str]]:
    """Images and other files; hidden ones, and those that systems leave behind, are neither."""
    images: list[str] = []
    others: list[str] = []
    for name in names:
        path = PurePosixPath(name)
        if any(is_silent(part) for part in path.parts):
            continue
        (images if path.suffix.lower() in suffixes else others).append(name)
    repeated = [name for name, times in Counter(images).items() if times > 1]
    assert not repeated, repeated
    return images, sorted(others)


def _shared_folders(paths: Collection[tuple[str, ...]]) -> tuple[str, ...]:
    """The leading folders that all of them share."""
    depth = 0
    first = next(iter(paths))
    while all(len(path) > depth + 1 and path[depth] == first[depth] for path in paths):
        depth += 1
    return first[:depth]


def is_silent(part: str) -> bool:
    """Whether a file or folder of this name is passed over: hidden, or left behind by a system."""
    return part.startswith(".") or part in _SILENT


def some(names: list[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - _SHOWN_NAMES:,} more" if len(names) > _SHOWN_NAMES else ""
    return ", ".join(names[:_SHOWN_NAMES]) + more
