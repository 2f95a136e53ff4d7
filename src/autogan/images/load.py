"""From what a user names, "glyphs" or "folder:PATH", to a DataSet that is ready to train on."""

from collections.abc import Iterator
from pathlib import Path

from autogan.basics.errors import UserError, unknown_name
from autogan.images import archives, cache, decode, glyphs, layout, standard
from autogan.images.dataset import LOADER_VERSION, DataSet, check_size, from_stored
from autogan.images.folders import Files, Folder

SOURCES = ("glyphs", "cifar10", "stl10", "folder")


def load_data(
    source: str,
    size: int,
    cache_directory: Path | None = None,
    *,
    skip_broken: bool = False,
    limit_factor: float = 1.0,
) -> DataSet:
    """The data set that `source` names, every image uint8 3×`size`×`size`.

    source: "glyphs"; "cifar10" or "stl10" (downloaded), or with ":PATH" to where their files lie;
        "folder:PATH" or a bare path: a folder or an archive (see `archives.SUFFIXES`) of images.
    size: 8..256 pixels.
    cache_directory: where the decoded images are kept; None: AUTOGAN_CACHE, or the platform's.
    skip_broken: whether image files that cannot be read are left out, which a note counts, or refused.
    limit_factor: multiplies the limits on archives and on the pixels of an image.

    Raises UserError for whatever of these cannot be used, naming what to do about it.
    """
    check_size(size)
    kind, colon, rest = source.partition(":")
    path = Path(rest).expanduser() if rest else None
    if kind not in SOURCES:
        kind, path = "folder", _bare_path(source)
    if kind == "glyphs":
        if colon:
            raise UserError(f"The source 'glyphs' is built in and takes no path, got {source!r}.")
        return glyphs.load(size, cache_directory)
    if kind in standard.STANDARD:
        if colon and path is None:
            raise UserError(f"{source!r} names no path; give {kind}:PATH, or {kind} to download.")
        return standard.load(kind, path, size, cache_directory)
    if path is None:
        raise UserError("The source 'folder' needs a path to a folder or an archive: folder:PATH.")
    return _load_files(path, size, cache_directory, skip_broken, limit_factor)


def _bare_path(source: str) -> Path:
    path = Path(source).expanduser()
    if source and path.exists():
        return path
    if "/" in source or "\\" in source or archives.is_archive(path):
        raise UserError(
            f"There is no folder or archive {source!r}, nor an image source of that name "
            f"({', '.join(SOURCES)})."
        )
    raise unknown_name("image source", source, SOURCES)


def _load_files(
    path: Path,
    size: int,
    cache_directory: Path | None,
    skip_broken: bool,
    limit_factor: float,
) -> DataSet:
    files = _files(path, limit_factor)
    skipping = " without broken files" if skip_broken else ""
    key = f"files {LOADER_VERSION} {size} {files.fingerprint()}{skipping}"

    def build(entry: cache.Builder) -> cache.Contents:
        names = files.names()
        plan, decoded = _fill(entry, files, names, size, limit_factor)
        if not decoded.broken:
            return cache.Contents(plan.class_names, plan.notes + decoded.notes)
        broken = decoded.broken
        number = len(plan.train.names) + len(plan.held_out.names)
        if not skip_broken or len(broken) == number:
            raise decode.broken_files(broken, number, str(path))
        # Splits and order depend on all names: without some of them, all is arranged anew.
        left_out = {name for name, _ in broken}
        kept = [name for name in names if name not in left_out]
        plan, decoded = _fill(entry, files, kept, size, limit_factor)
        if decoded.broken:  # they changed between two readings
            raise decode.broken_files(decoded.broken, number - len(left_out), str(path))
        notes = (*plan.notes, decode.skipped_files(broken), *decoded.notes)
        return cache.Contents(plan.class_names, notes)

    stored = cache.load_or_build(key, cache_directory, build)
    return from_stored(f"folder:{path.resolve().name}", stored, cache_directory)


def _fill(
    entry: cache.Builder, files: Files, names: list[str], size: int, limit_factor: float
) -> tuple[layout.Layout, decode.Decoded]:
    """Arrange the files of these names and decode them into new arrays of the entry."""
    plan = layout.arrange(names, decode.image_suffixes(), str(files.path))
    places: dict[str, tuple[cache.Array, int]] = {}
    for part, split in (("train", plan.train), ("held_out", plan.held_out)):
        pixels, labels = entry.new(part, len(split.names), size, split.labels is not None)
        if labels is not None:
            labels[:] = split.labels
        places.update((name, (pixels, place)) for place, name in enumerate(split.names))

    def wanted() -> Iterator[decode.File]:
        for name, content in files.contents(list(places)):
            pixels, place = places[name]
            yield decode.File(name, content, pixels[place])

    return plan, decode.decode_all(wanted(), size, limit_factor)


def _files(path: Path, limit_factor: float) -> Files:
    if path.is_dir():
        return Folder(path)
    if not path.exists():
        raise UserError(f"There is no folder or archive {str(path)!r}.")
    if not archives.is_archive(path):
        raise UserError(
            f"{path} is a file, but neither a folder nor an archive of images "
            f"({', '.join(archives.SUFFIXES)})."
        )
    return archives.open_archive(path, limit_factor)
