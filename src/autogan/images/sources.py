"""From what a user names, "glyphs" or "folder:PATH", to its decoded images as arrays on disk.

Folders, archives and the glyphs need no torch here: looking at images takes a second and little memory.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from autogan.basics.errors import UserError, unknown_name
from autogan.files.paths import expanded
from autogan.images import archives, cache, decode, glyphs, layout
from autogan.images.folders import Files, Folder
from autogan.images.labels import Labels, labels_file, parse_labels
from autogan.images.rules import LOADER_VERSION, check_size

SOURCES = ("glyphs", "cifar10", "stl10", "folder")
_DOWNLOADED = ("cifar10", "stl10")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_TOLD_EVERY_IMAGES = 1000
Tell = Callable[[str], None] | None


def read_source(
    source: str,
    size: int,
    cache_directory: Path | None = None,
    *,
    skip_broken: bool = False,
    limit_factor: float = 1.0,
    tell: Tell = None,
) -> tuple[str, cache.Stored]:
    """The name for people, and the images, that `source` names; all as for `load.load_data`."""
    check_size(size)
    kind, path = _resolved(source)
    if kind == "glyphs":
        return "glyphs", glyphs.stored(size, cache_directory)
    if kind in _DOWNLOADED:
        from autogan.images import standard  # its readers need torch

        return standard.stored(kind, path, size, cache_directory)
    assert path is not None
    return _read_files(path, size, cache_directory, skip_broken, limit_factor, tell)


def check_source(source: str, *, limit_factor: float = 1.0, tell: Tell = None) -> None:
    """Raises the `UserError` that `read_source` would for names and labels: no image is opened.

    So a wrong path, one image, or classes that do not match are told before anything heavy begins.
    """
    kind, path = _resolved(source)
    if kind == "folder" and path is not None:
        files = _files(path, limit_factor, tell)
        names = files.names()
        table, labels = _labels(files, names)
        layout.arrange(names, decode.image_suffixes(), str(files.path), table=table, labels=labels)


def _resolved(source: str) -> tuple[str, Path | None]:
    """The kind of a source, one of SOURCES, and its path; None where it needs none."""
    kind, colon, rest = source.partition(":")
    if address := _ADDRESS.match(rest if kind in SOURCES else source):
        raise UserError(
            f"{source!r} is an address ({address[0]}), not a folder or a file on this machine. "
            "Download it first, then give folder:PATH."
        )
    if kind not in SOURCES:
        return "folder", _bare_path(source)
    if kind == "glyphs":
        if colon:
            raise UserError(f"The source 'glyphs' is built in and takes no path, got {source!r}.")
        return kind, None
    path = _path(rest) if rest else None
    if kind in _DOWNLOADED and colon and path is None:
        raise UserError(f"{source!r} names no path; give {kind}:PATH, or {kind} to download.")
    if kind == "folder" and path is None:
        raise UserError("The source 'folder' needs a path to a folder or an archive: folder:PATH.")
    return kind, path


def _path(text: str) -> Path:
    """A path that the system can be asked about. Raises UserError for any other."""
    path = expanded(text)
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return path
    except OSError as error:
        shown = text if len(text) <= 200 else f"{text[:200]}…"
        raise UserError(f"{shown!r} cannot be read: {error.strerror}.") from error
    except ValueError as error:  # a NUL
        raise UserError(f"{text[:200]!r} is no path: {error}.") from error
    return path


def _bare_path(source: str) -> Path:
    path = _path(source)
    if source and path.exists():
        return path
    if "/" in source or "\\" in source or archives.is_archive(path):
        raise UserError(
            f"There is no folder or archive {source!r}, nor an image source of that name "
            f"({', '.join(SOURCES)})."
        )
    raise unknown_name("image source", source, SOURCES)


def _read_files(
    path: Path,
    size: int,
    cache_directory: Path | None,
    skip_broken: bool,
    limit_factor: float,
    tell: Tell,
) -> tuple[str, cache.Stored]:
    files = _files(path, limit_factor, tell)
    skipping = " without broken files" if skip_broken else ""
    key = f"files {LOADER_VERSION} {size} {files.fingerprint()}{skipping}"

    def build(entry: cache.Builder) -> cache.Contents:
        names = files.names()
        table = _labels(files, names)
        plan, decoded = _fill(entry, files, names, table, size, limit_factor, tell)
        if not decoded.broken:
            return _contents(plan, decoded, plan.notes + decoded.notes)
        broken = decoded.broken
        number = len(plan.train.names) + len(plan.held_out.names)
        if not skip_broken or len(broken) == number:
            raise decode.broken_files(broken, number, str(path))
        # Splits and order depend on all names: without some of them, all is arranged anew.
        left_out = {name for name, _ in broken}
        kept = [name for name in names if name not in left_out]
        entry.restart()
        whole = plan
        plan, decoded = _fill(entry, files, kept, table, size, limit_factor, tell)
        if decoded.broken:  # they changed between two readings
            raise decode.broken_files(decoded.broken, number - len(left_out), str(path))
        notes = (*plan.notes, decode.skipped_files(broken), *decoded.notes)
        if gone := [name for name in whole.class_names if name not in plan.class_names]:
            notes = (*notes, f"no image can be read of {layout.some(gone)}, so they are no classes")
        return _contents(plan, decoded, notes)

    return f"folder:{path.resolve().name}", cache.load_or_build(key, cache_directory, build)


def _contents(
    plan: layout.Layout, decoded: decode.Decoded, notes: tuple[str, ...]
) -> cache.Contents:
    found = sorted(decoded.sizes.items(), key=lambda item: (-item[1], item[0]))
    sizes = tuple((*size, number) for size, number in found)
    return cache.Contents(plan.class_names, notes, original_sizes=sizes)


def _fill(
    entry: cache.Builder,
    files: Files,
    names: list[str],
    table: tuple[str | None, Labels | None],
    size: int,
    limit_factor: float,
    tell: Tell,
) -> tuple[layout.Layout, decode.Decoded]:
    """Arrange the files of these names and decode them into new arrays of the entry."""
    plan = layout.arrange(names, decode.image_suffixes(), str(files.path), files.notes(), *table)
    places: dict[str, tuple[cache.Array, int]] = {}
    for part, split in (("train", plan.train), ("held_out", plan.held_out)):
        pixels, labels = entry.new(part, len(split.names), size, split.labels is not None)
        if labels is not None:
            labels[:] = split.labels
        places.update((name, (pixels, place)) for place, name in enumerate(split.names))

    def wanted() -> Iterator[decode.File]:
        for done, (name, content) in enumerate(files.contents(list(places))):
            if tell is not None and done and done % _TOLD_EVERY_IMAGES == 0:
                tell(f"reading images: {done:,} of {len(places):,}")
            pixels, place = places[name]
            yield decode.File(name, content, pixels[place])

    return plan, decode.decode_all(wanted(), size, limit_factor)


def _labels(files: Files, names: list[str]) -> tuple[str | None, Labels | None]:
    """The name of the labels.csv that lies beside the images, and what it says; twice None without."""
    images, others = layout.images_and_others(names, decode.image_suffixes())
    table = labels_file(images, others)
    if table is None:
        return None, None
    ((_, content),) = files.contents([table])
    return table, parse_labels(content, table, images)


def _files(path: Path, limit_factor: float, tell: Tell) -> Files:
    if path.is_dir():
        return Folder(path, limit_factor, tell)
    if not path.exists():
        raise UserError(f"There is no folder or archive {str(path)!r}.")
    if not path.is_file():  # opening a pipe would wait for ever
        raise UserError(f"{path} is neither a folder nor a file.")
    if not archives.is_archive(path):
        raise UserError(
            f"{path} is a file, but neither a folder nor an archive of images "
            f"({', '.join(archives.SUFFIXES)})."
        )
    return archives.open_archive(path, limit_factor)
