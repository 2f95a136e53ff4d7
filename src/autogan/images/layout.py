"""Which file belongs to which split and class, read off the names alone.

Understood, each possibly inside one or more single folders: `train/CLASS/…` with `test/CLASS/…` (or
`val`), `CLASS/…`, `train/…` with `test/…` without classes, and a flat folder. One class tells nothing
apart: its images are taken as unlabelled, and a note says so.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from autogan.basics.errors import UserError
from autogan.images.rules import shuffled

LABELS_FILE = "labels.csv"
TRAIN = "train"
HELD_OUT = ("test", "val", "valid", "validation")  # the first one that is there is held out
_SILENT = ("__MACOSX", "Thumbs.db", "desktop.ini")
_HELD_OUT_SHARE = 10  # one image of ten, where the source has no test split
_SHOWN_NAMES = 5


@dataclass(frozen=True)
class Split:
    """Names in their final, shuffled order, and their labels; labels None: without classes."""

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
    names: Iterable[str], suffixes: frozenset[str], where: str, left_out: tuple[str, ...] = ()
) -> Layout:
    """Sort relative `names` (with `/`) into splits and classes; `where` is named in messages.

    left_out: notes on what lies beside these names.

    Raises UserError: no or one image; images beside class folders; other classes in test than in
    train; a class of one image where a tenth must be held out.
    """
    images, others = _images(names, suffixes)
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
    paths = {name: PurePosixPath(name).parts for name in images}
    folders = _shared_folders(paths.values())
    paths = {name: parts[len(folders) :] for name, parts in paths.items()}
    if folders and all(len(parts) == 1 for parts in paths.values()):
        notes.append(f"all images lie in one folder ({folders[-1]}): they are taken as unlabelled")
    tops = {parts[0] for parts in paths.values() if len(parts) > 1}
    flat = any(len(parts) == 1 for parts in paths.values())
    tests = [name for name in HELD_OUT if name in tops]
    if TRAIN not in tops or not tests:
        return _without_split(paths, where, notes)
    rest = sorted(tops - {TRAIN, *tests})
    if rest or flat:
        raise UserError(
            f"{where} holds {TRAIN}/ and {tests[0]}/, and images beside them "
            f"({some(rest) if rest else 'at the top'}). Move these into {TRAIN}/."
        )
    if len(tests) > 1:
        unused = sum(parts[0] in tests[1:] for parts in paths.values())
        notes.append(f"{unused:,} images in {', '.join(tests[1:])} were not used")
    return _with_split(paths, tests[0], where, notes)


def _with_split(
    paths: dict[str, tuple[str, ...]], test: str, where: str, notes: list[str]
) -> Layout:
    parts = {
        split: {name: path[1:] for name, path in paths.items() if path[0] == split}
        for split in (TRAIN, test)
    }
    classes = {split: _classes(parts[split], f"{where}/{split}") for split in parts}
    if classes[TRAIN] != classes[test]:
        only_train = sorted(set(classes[TRAIN]) - set(classes[test]))
        only_test = sorted(set(classes[test]) - set(classes[TRAIN]))
        differences = [
            f"only in {split}: {some(names)}"
            for split, names in ((TRAIN, only_train), (test, only_test))
            if names
        ]
        raise UserError(
            f"{where}: {TRAIN} and {test} must hold the same class folders; "
            + "; ".join(differences)
            + "."
        )
    if len(parts[TRAIN]) < 2:
        raise UserError(f"There is only one image in {where}/{TRAIN}; at least 2 are needed.")
    labels = _two_or_more(classes[TRAIN], notes)
    train, held_out = (
        _split(sorted(parts[split]), parts[split], labels, purpose)
        for split, purpose in ((TRAIN, "train"), (test, "held out"))
    )
    return Layout(train, held_out, labels, tuple(notes))


def _without_split(paths: dict[str, tuple[str, ...]], where: str, notes: list[str]) -> Layout:
    classes = _two_or_more(_classes(paths, where), notes)
    members: dict[str, list[str]] = defaultdict(list)
    for name in sorted(paths):
        members[paths[name][0] if classes else ""].append(name)
    kept: list[str] = []
    held: list[str] = []
    for class_name, names in sorted(members.items()):
        if len(names) < 2:
            raise UserError(
                f"The class {class_name!r} in {where} has a single image: at least 2 are needed, "
                "because one of ten is held out to judge by. Add images or remove the class."
            )
        number = max(1, round(len(names) / _HELD_OUT_SHARE))
        order = shuffled(len(names), f"held out of {class_name}")
        held += (names[i] for i in order[:number])
        kept += (names[i] for i in order[number:])
    notes.append(f"{len(held):,} of {len(paths):,} images were held out to judge by")
    return Layout(
        _split(sorted(kept), paths, classes, "train"),
        _split(sorted(held), paths, classes, "held out"),
        classes,
        tuple(notes),
    )


def _split(
    names: list[str], paths: dict[str, tuple[str, ...]], classes: tuple[str, ...], purpose: str
) -> Split:
    mixed = [names[i] for i in shuffled(len(names), purpose)]
    label_of = {name: label for label, name in enumerate(classes)}
    labels = tuple(label_of[paths[name][0]] for name in mixed) if classes else None
    return Split(tuple(mixed), labels)


def _classes(paths: dict[str, tuple[str, ...]], where: str) -> tuple[str, ...]:
    """Class names, sorted; () for a flat folder. Folders below a class belong to it."""
    flat = sorted(name for name, parts in paths.items() if len(parts) == 1)
    folders = sorted({parts[0] for parts in paths.values() if len(parts) > 1})
    if flat and folders:
        raise UserError(
            f"{where} holds images ({some(flat)}) beside folders of images ({some(folders)}). "
            "Put every image into a class folder, or all of them into one flat folder."
        )
    return tuple(folders)


def _two_or_more(classes: tuple[str, ...], notes: list[str]) -> tuple[str, ...]:
    """The classes, or () where there is one only, which is noted."""
    if len(classes) != 1:
        return classes
    notes.append(f"there is only one class ({classes[0]}): its images are taken as unlabelled")
    return ()


def _images(names: Iterable[str], suffixes: frozenset[str]) -> tuple[list[str], list[str]]:
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
