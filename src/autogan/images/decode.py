"""From image files to square RGB pixels, with Pillow.

Every file becomes uint8 3×S×S: turned as its EXIF says, laid on white where it is transparent,
16 bits scaled to 8, converted to RGB, cropped to its centre square, resized with antialiasing. An
image that is S×S already is never resampled: its pixels are those in the file.
"""

import io
import os
import struct
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TypeAlias

import numpy as np
from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from autogan.basics.errors import UserError
from autogan.images.cache import Array

# What is opened, by Pillow's names. Not every reader of Pillow: some start other programs (EPS).
FORMATS = (
    "JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "TGA", "ICO", "ICNS", "JPEG2000",
    "AVIF", "QOI", "PCX", "SGI", "DDS", "PSD",
)  # fmt: skip
_OPENED_AS_JPEG = "MPO"  # photographs with a second view; Pillow has no reader of that name
# What the pictures after the first one are, where they are pictures of their own. Those of an MPO are
# the same view again, those of a PSD its layers, of which the first picture is made.
_FRAMES = {
    "GIF": "animated", "WEBP": "animated", "PNG": "animated", "AVIF": "animated", "TIFF": "pages",
}  # fmt: skip
# Where mode I means 16 bits: a PNG has no more, and Pillow scales a PGM of more than 8 bits to 65,535.
_WIDE_IS_16_BITS = ("PNG", "PPM")
_EXIF_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_FILES_PER_TASK = 64
_BYTES_PER_TASK = 2**23
_THREADS = max(2, min(8, os.cpu_count() or 2))  # Pillow lets others run while it decodes
_BYTES_IN_MEMORY = 2**28  # of files that are read and not yet decoded
_LARGE_PIXELS = 2**24
_ONE_LARGE_IMAGE = Lock()  # one of the largest that are allowed takes more than a GiB while decoded
_NAMED_BROKEN = 5

# What is counted, and how it is said: once for one image, once for many.
_SAYINGS = {
    "turned": ("image was turned", "images were turned", "as the EXIF data says"),
    "animated": ("animation gave", "animations gave", "only the first frame"),
    "pages": ("file of several pages gave", "files of several pages gave", "only the first page"),
    "grey": ("grey image became", "grey images became", "RGB"),
    "palette": ("palette image became", "palette images became", "RGB"),
    "deep": (
        "image of more than 8 bits was",
        "images of more than 8 bits were",
        "scaled down to 8 bits",
    ),
    "CMYK": ("CMYK image became", "CMYK images became", "RGB"),
    "other": ("image in another mode became", "images in other modes became", "RGB"),
    "transparent": ("transparent image was", "transparent images were", "laid on white"),
    "cropped": ("image was cropped", "images were cropped", "to the centre square"),
    "shrunk": ("image was", "images were", "scaled down to {size}×{size}"),
    "enlarged": ("image was", "images were", "enlarged to {size}×{size}"),
}


@dataclass(frozen=True)
class Damage:
    """Stands for the bytes of a file that cannot be had. reason: for people."""

    reason: str


Content: TypeAlias = bytes | Path | Damage
"""A file's bytes, or the path to read them from, or why there are none."""


@dataclass(frozen=True)
class File:
    """One image file.

    name: for messages.
    target: where its pixels go, uint8 3×S×S.
    """

    name: str
    content: Content
    target: Array


@dataclass
class _Result:
    kinds: Counter[str] = field(default_factory=Counter)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    broken: list[tuple[str, str]] = field(default_factory=list)  # name, reason


def image_suffixes() -> frozenset[str]:
    """The endings, lower case with a dot, of the files that are taken for images."""
    known = Image.registered_extensions()
    forms = (*FORMATS, _OPENED_AS_JPEG)
    return frozenset(suffix for suffix, form in known.items() if form in forms)


@dataclass(frozen=True)
class Decoded:
    """What is to be said of decoded files.

    notes: what was converted, for people. sizes: how many images were of each (width, height) in
    pixels, before they were turned or cropped. broken: names of the files that cannot be read, each with
    the reason, sorted; their targets hold nothing.
    """

    notes: tuple[str, ...]
    sizes: Counter[tuple[int, int]]
    broken: tuple[tuple[str, str], ...]


def decode_all(files: Iterable[File], size: int, limit_factor: float = 1.0) -> Decoded:
    """Decode all files into their targets.

    limit_factor: multiplies Pillow's limit on the pixels of an image.
    """
    total = _Result()
    with _pixel_limit(limit_factor), ThreadPoolExecutor(_THREADS) as pool:
        running: deque[tuple[int, Future[_Result]]] = deque()
        for task in _tasks(files):
            running.append((_held(task), pool.submit(_decode_some, task, size)))
            while len(running) > 2 * _THREADS or sum(n for n, _ in running) > _BYTES_IN_MEMORY:
                _add(total, running.popleft()[1].result())
        for _, future in running:
            _add(total, future.result())
    notes = tuple(say(kind, total.kinds[kind], size) for kind in _SAYINGS if total.kinds[kind])
    return Decoded(notes, total.sizes, tuple(sorted(total.broken)))


@contextmanager
def _pixel_limit(factor: float) -> Iterator[None]:
    """Pillow's limit is one of the process; inside it is `factor` times itself."""
    before = Image.MAX_IMAGE_PIXELS
    if before is not None:
        Image.MAX_IMAGE_PIXELS = int(before * factor)
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def say(kind: str, number: int, size: int) -> str:
    """A note: `number` images were converted in this way."""
    one, many, what = _SAYINGS[kind]
    return f"{number:,} {one if number == 1 else many} {what.format(size=size)}"


def decode(content: Content, size: int) -> tuple[Array, set[str], tuple[int, int]]:
    """One image as uint8 S×S×3, the kinds of conversion that it took (see `_SAYINGS`), its own size.

    The size is (width, height) in pixels, as the file's head says it.

    Raises whatever Pillow raises for a broken file, and ValueError for damage and for one without a
    known range.
    """
    if isinstance(content, Damage):
        raise ValueError(content.reason)
    stream = io.BytesIO(content) if isinstance(content, bytes) else content
    kinds: set[str] = set()
    with Image.open(stream, formats=FORMATS) as image:
        most = Image.MAX_IMAGE_PIXELS
        if most is not None and image.width * image.height > most:
            raise ValueError(
                f"{image.width}×{image.height} pixels; at most {most:,} are allowed "
                "(data.limit_factor)"
            )
        if getattr(image, "is_animated", False) and image.format in _FRAMES:
            kinds.add(_FRAMES[image.format])
        own_size = image.size  # asked before a draft and an orientation change it
        # A JPEG may be decoded at half, a quarter or an eighth: never below three times the size.
        image.draft(None, (3 * size, 3 * size))
        with _ONE_LARGE_IMAGE if image.width * image.height > _LARGE_PIXELS else nullcontext():
            image.load()
            # Asked after loading: Pillow has turned a TIFF by then, and forgotten its orientation.
            turn = _TURNS.get(_orientation(image))
            rgb = _to_rgb(image, kinds)
        if turn is not None:
            rgb = rgb.transpose(turn)
            kinds.add("turned")
    if rgb.width != rgb.height:
        kinds.add("cropped")
    side = min(rgb.size)
    if rgb.size != (size, size):
        left, top = (rgb.width - side) // 2, (rgb.height - side) // 2
        box = (left, top, left + side, top + side)
        if side == size:
            rgb = rgb.crop(box)
        else:
            kinds.add("shrunk" if side > size else "enlarged")
            rgb = rgb.resize((size, size), Image.Resampling.LANCZOS, box, reducing_gap=3.0)
    return np.asarray(rgb), kinds, own_size


def _orientation(image: Image.Image) -> int:
    """As the EXIF data says it; 1, as stored, where there are none or they are damaged."""
    try:
        orientation: int = image.getexif().get(_EXIF_ORIENTATION, 1)
    except (SyntaxError, struct.error, ValueError, OSError):
        return 1
    return orientation


def _bits_of_a_channel(image: Image.Image) -> int:
    """Of a wide image: 16, or 12 where a TIFF says so."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        bits: tuple[int, ...] = image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (16,))
        return 12 if bits[0] == 12 else 16
    return 16


def _to_rgb(image: Image.Image, kinds: set[str]) -> Image.Image:
    """The loaded `image` as RGB; what was done is added to `kinds`."""
    mode = image.mode
    if mode == "RGB" and "transparency" not in image.info:
        return image
    if mode == "F":
        raise ValueError("floating-point pixels have no known range; convert to 8 or 16 bits")
    if mode == "I" and image.format not in _WIDE_IS_16_BITS:
        raise ValueError("32-bit pixels have no known range; convert to 8 or 16 bits")
    if mode == "I" or mode.startswith("I;16"):
        values = np.asarray(image)
        largest = 2 ** _bits_of_a_channel(image) - 1
        kinds.add("deep")
        scaled = np.empty(values.shape, np.uint8)
        for row, wide in zip(scaled, values, strict=True):  # all at once would take eight times it
            row[:] = (wide.astype(np.int64) * 255 + largest // 2) // largest
        transparent = image.info.get("transparency")  # one of the wide values
        image = Image.fromarray(scaled)
        if transparent is not None:
            opaque = np.where(values == transparent, np.uint8(0), np.uint8(255))
            image = Image.merge("LA", (image, Image.fromarray(opaque)))
    elif mode in ("1", "L", "LA", "La"):
        kinds.add("grey")
    elif mode in ("P", "PA"):
        kinds.add("palette")
    elif mode == "CMYK":
        kinds.add("CMYK")
    elif mode not in ("RGB", "RGBA", "RGBa", "RGBX", "YCbCr"):
        kinds.add("other")
    if not image.has_transparency_data:
        return image.convert("RGB")
    whole = image.convert("RGBA")
    least, _ = whole.getchannel("A").getextrema()
    if isinstance(least, int | float) and least < 255:
        kinds.add("transparent")
        whole = Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole)
    return whole.convert("RGB")


def _tasks(files: Iterable[File]) -> Iterator[list[File]]:
    """Portions small enough to lie in memory, large enough that handing them over costs nothing."""
    task: list[File] = []
    held = 0
    for file in files:
        task.append(file)
        held += _held([file])
        if len(task) == _FILES_PER_TASK or held >= _BYTES_PER_TASK:
            yield task
            task, held = [], 0
    if task:
        yield task


def _held(task: list[File]) -> int:
    """Bytes that the files of a task take in memory."""
    return sum(len(file.content) for file in task if isinstance(file.content, bytes))


def _decode_some(task: list[File], size: int) -> _Result:
    result = _Result()
    for file in task:
        try:
            pixels, kinds, own_size = decode(file.content, size)
        except MemoryError:
            raise
        except Exception as error:  # Pillow's readers raise nearly anything for a broken file
            result.broken.append((file.name, _reason(error)))
            continue
        file.target[:] = pixels.transpose(2, 0, 1)
        result.kinds.update(kinds)
        result.sizes[own_size] += 1
    return result


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not an image that Pillow can read"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _add(total: _Result, part: _Result) -> None:
    total.kinds.update(part.kinds)
    total.sizes.update(part.sizes)
    total.broken.extend(part.broken)


def broken_files(broken: tuple[tuple[str, str], ...], number: int, where: str) -> UserError:
    """The refusal of `number` files of which some are broken: names five, and how many more."""
    lines = [f"  {name}: {reason}" for name, reason in broken[:_NAMED_BROKEN]]
    if len(broken) > _NAMED_BROKEN:
        lines.append(f"  and {len(broken) - _NAMED_BROKEN:,} more")
    return UserError(
        f"{len(broken):,} of {number:,} images in {where} cannot be read. Remove or replace them, or "
        "leave them out with --skip-broken:\n" + "\n".join(lines)
    )


def skipped_files(broken: tuple[tuple[str, str], ...]) -> str:
    """The note on files that were left out: how many, and the names of five."""
    names = ", ".join(f"{name}: {reason}" for name, reason in broken[:_NAMED_BROKEN])
    more = f" and {len(broken) - _NAMED_BROKEN:,} more" if len(broken) > _NAMED_BROKEN else ""
    what = "1 file" if len(broken) == 1 else f"{len(broken):,} files"
    return f"{what} that cannot be read {'was' if len(broken) == 1 else 'were'} left out ({names}{more})"
