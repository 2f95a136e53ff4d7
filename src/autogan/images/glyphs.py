"""The embedded data set: coloured capital letters of ten classes, drawn, not stored.

Each image is one letter in one of two bold fonts that come with matplotlib, turned, scaled, slanted and
shifted a little, in one strong colour on a calm background that contrasts with it. Every image has
a random generator of its own, so that images are independent of how the work is divided.
"""

import hashlib
import importlib.util
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache as cache_calls
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from autogan.basics.errors import UserError
from autogan.images import cache

VERSION = 3  # raised when any pixel changes
CLASSES = ("A", "E", "H", "J", "L", "O", "S", "T", "V", "X")  # no two alike when turned by 30°
TRAIN_IMAGES = 10_000
HELD_OUT_IMAGES = 2_000
FONTS = (
    "DejaVuSans-Bold.ttf",
    "DejaVuSansMono-Bold.ttf",
)
_STENCIL = 192  # pixels; the height of the letters that are drawn once and then transformed
_SUPERSAMPLING = 3
_STREAMS = {"train": 0, "held_out": 1}


@dataclass(frozen=True)
class _Pose:
    """How a letter lies in the frame; lengths in frame sides."""

    angle: float  # radians
    height: float
    shear: float
    shift: tuple[float, float]


def stored(
    size: int,
    cache_directory: Path | None = None,
    train_images: int = TRAIN_IMAGES,
    held_out_images: int = HELD_OUT_IMAGES,
) -> cache.Stored:
    """Glyphs at `size`×`size`, class-balanced and shuffled; the same ones every time.

    The digest is taken over the version and the sizes. Raises UserError where matplotlib, and with
    it the fonts, is missing.
    """
    key = f"glyphs recipe {VERSION} size {size} images {train_images} {held_out_images}"

    def build(entry: cache.Builder) -> cache.Contents:
        for part, number in (("train", train_images), ("held_out", held_out_images)):
            pixels, labels = entry.new(part, number, size, labelled=True)
            assert labels is not None
            labels[:] = balanced_labels(part, number)
            draw_into(pixels, labels, part)
        return cache.Contents(CLASSES, (), hashlib.sha256(key.encode()).hexdigest())

    return cache.load_or_build(key, cache_directory, build)


def balanced_labels(part: str, number: int) -> cache.Array:
    """int64 `number`: every class as often as the others (± 1), in a fixed random order."""
    labels = np.arange(number) % len(CLASSES)
    mixed: cache.Array = _generator(part, number).permutation(labels)
    return mixed


def draw_into(pixels: cache.Array, labels: cache.Array, part: str) -> None:
    """Draw the glyph of every label into `pixels`, uint8 N×3×S×S."""
    _stencil(FONTS[0], CLASSES[0])  # a missing font is told here, not by a thread
    size = pixels.shape[-1]

    def draw_some(start: int) -> None:
        for index in range(start, min(start + 250, len(labels))):
            image = draw(CLASSES[labels[index]], size, _generator(part, index))
            pixels[index] = image.transpose(2, 0, 1)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(draw_some, range(0, len(labels), 250)))


def draw(letter: str, size: int, random: np.random.Generator) -> cache.Array:
    """One image of `letter`, uint8 `size`×`size`×3."""
    stencil = _stencil(FONTS[random.integers(len(FONTS))], letter)
    pose = _Pose(
        angle=math.radians(random.uniform(-5, 5)),
        height=random.uniform(0.7, 0.8),
        shear=random.uniform(-0.05, 0.05),
        shift=(random.uniform(-0.04, 0.04), random.uniform(-0.04, 0.04)),
    )
    cover = _cover(stencil, pose, size)[..., None]  # S×S×1, 0..1
    ink, near, far = colours(random)
    direction = random.uniform(0, 2 * math.pi)
    steps = (np.arange(size) + 0.5) / size - 0.5
    ramp = steps[None, :] * math.cos(direction) + steps[:, None] * math.sin(direction)
    ramp = (ramp / math.sqrt(2) + 0.5)[..., None]  # S×S×1, 0..1
    ground = near * (1 - ramp) + far * ramp
    image: cache.Array = np.rint((ground + (ink - ground) * cover) * 255).astype(np.uint8)
    return image


def colours(random: np.random.Generator) -> tuple[cache.Array, cache.Array, cache.Array]:
    """A letter's colour and the two ends of its background, each sRGB, 3, 0..1.

    Chosen in OKLCH, where equal steps of lightness look equal: a light letter on a dark ground of
    another hue.
    """
    hue = random.uniform(0, 2 * math.pi)
    ground_hue = hue + random.uniform(0.5, 1.5) * math.pi
    ink = _srgb(random.uniform(0.76, 0.86), 0.17, hue)
    lightness, chroma = random.uniform(0.24, 0.40), random.uniform(0.04, 0.1)
    spread = random.uniform(0, 0.6) if random.random() < 0.7 else 0.0  # 0: a plain background
    near = _srgb(lightness - 0.05 * spread, chroma, ground_hue - spread)
    far = _srgb(lightness + 0.05 * spread, chroma, ground_hue + spread)
    return ink, near, far


def _cover(stencil: Image.Image, pose: _Pose, size: int) -> cache.Array:
    """How much of each pixel the posed letter covers: S×S, 0..1."""
    fine = size * _SUPERSAMPLING
    # Pillow wants, for every pixel of the result, where in the stencil it comes from.
    scale = _STENCIL / (pose.height * fine)
    cos, sin = math.cos(pose.angle) * scale, math.sin(pose.angle) * scale
    x_of_x, x_of_y = cos + pose.shear * -sin, sin + pose.shear * cos
    y_of_x, y_of_y = -sin, cos
    centre_x, centre_y = fine * (0.5 + pose.shift[0]), fine * (0.5 + pose.shift[1])
    matrix = (
        x_of_x,
        x_of_y,
        stencil.width / 2 - x_of_x * centre_x - x_of_y * centre_y,
        y_of_x,
        y_of_y,
        stencil.height / 2 - y_of_x * centre_x - y_of_y * centre_y,
    )
    posed = stencil.transform(
        (fine, fine), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR
    )
    return np.asarray(posed.reduce(_SUPERSAMPLING), np.float64) / 255


@cache_calls
def _stencil(font: str, letter: str) -> Image.Image:
    """`letter`, 192 pixels high, its box in the middle of an image with room to turn; mode L."""
    drawn = ImageFont.truetype(str(_fonts_folder() / font), 256)
    left, top, right, bottom = drawn.getbbox(letter)
    image = Image.new("L", (round(right - left), round(bottom - top)))
    ImageDraw.Draw(image).text((-left, -top), letter, fill=255, font=drawn)
    width = min(round(image.width * _STENCIL / image.height), _STENCIL)
    image = image.resize((width, _STENCIL), Image.Resampling.LANCZOS)
    stencil = Image.new("L", (2 * _STENCIL, 2 * _STENCIL))
    stencil.paste(image, (_STENCIL - width // 2, _STENCIL // 2))
    return stencil


def _fonts_folder() -> Path:
    """Found without importing matplotlib, which takes a second."""
    found = importlib.util.find_spec("matplotlib")
    if found is None or found.origin is None:
        raise UserError("The glyphs are drawn with fonts of matplotlib: pip install matplotlib.")
    return Path(found.origin).parent / "mpl-data" / "fonts" / "ttf"


def _generator(part: str, index: int) -> np.random.Generator:
    seed = np.random.SeedSequence(entropy=VERSION, spawn_key=(_STREAMS[part], index))
    return np.random.Generator(np.random.PCG64(seed))


def _srgb(lightness: float, chroma: float, hue: float) -> cache.Array:
    """OKLCH (Ottosson, 2020) to sRGB, 3, 0..1; what sRGB cannot show is made less colourful.

    Plain floats: for three numbers they are ten times as fast as arrays.
    """
    for _ in range(8):
        a, b = chroma * math.cos(hue), chroma * math.sin(hue)
        long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
        medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
        short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
        linear = (
            4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
            -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
            -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
        )
        if min(linear) >= 0 and max(linear) <= 1:
            break
        chroma *= 0.85
    return np.array([_encoded(min(max(value, 0.0), 1.0)) for value in linear])


def _encoded(linear: float) -> float:
    """sRGB's transfer curve."""
    return 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
