"""From what a user names, "glyphs" or "folder:PATH", to a DataSet that is ready to train on."""

from collections.abc import Callable
from pathlib import Path

from autogan.images.dataset import DataSet, from_stored
from autogan.images.sources import read_source


def load_data(
    source: str,
    size: int,
    cache_directory: Path | None = None,
    *,
    skip_broken: bool = False,
    limit_factor: float = 1.0,
    tell: Callable[[str], None] | None = None,
) -> DataSet:
    """The data set that `source` names, every image uint8 3×`size`×`size`.

    source: "glyphs"; "cifar10" or "stl10" (downloaded), or with ":PATH" to where their files lie;
        "folder:PATH" or a bare path: a folder or an archive (see `archives.SUFFIXES`) of images.
    size: 8..256 pixels.
    cache_directory: where the decoded images are kept; None: AUTOGAN_CACHE, or the platform's.
    skip_broken: whether image files that cannot be read are left out, which a note counts, or refused.
    limit_factor: multiplies the limits on files, on archives and on the pixels of an image.
    tell: is now and then given a line on how far the reading of files is.

    Raises UserError for whatever of these cannot be used, naming what to do about it.
    """
    name, stored = read_source(
        source,
        size,
        cache_directory,
        skip_broken=skip_broken,
        limit_factor=limit_factor,
        tell=tell,
    )
    return from_stored(name, stored, cache_directory)
