"""The sizes of images as they lie on disk, read from their headers alone."""

import io
from collections import Counter
from pathlib import Path, PurePosixPath

from PIL import Image

from autogan.images import archives, decode
from autogan.images.folders import Files, Folder

BUILT_IN = ("glyphs", "cifar10", "stl10")


def original_sizes(source: str) -> Counter[tuple[int, int]]:
    """How many images have each (width, height) in pixels, before they are turned or cropped.

    source: "folder:PATH" or a path, already known to hold images; none for the other sources,
    whose images have one size of their own. Files that are no images are left out.
    """
    if source.partition(":")[0] in BUILT_IN:
        return Counter()
    path = Path(source.removeprefix("folder:")).expanduser()
    files: Files = Folder(path) if path.is_dir() else archives.open_archive(path)
    suffixes = decode.image_suffixes()
    images = [name for name in files.names() if PurePosixPath(name).suffix.lower() in suffixes]
    sizes: Counter[tuple[int, int]] = Counter()
    for _, content in files.contents(images):
        stream = io.BytesIO(content) if isinstance(content, bytes) else content
        try:
            with Image.open(stream, formats=decode.FORMATS) as image:
                sizes[image.size] += 1
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            continue  # a broken file: loading has named it, or was told to skip it
    return sizes
