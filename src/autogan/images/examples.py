"""Example images to try the program with, drawn, not stored: fruit on a table.

Small pictures, each with its own light, colours, pose and background, made of shaded spheres: JPEG
files of 96×80 pixels in one folder per fruit. The same call always draws the same images. They are free
of rights (CC0): use and pass them on as you like.
"""

import colorsys
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageFilter

from autogan.basics.errors import UserError
from autogan.images.cache import Array

IMAGES_A_CLASS = 200
WIDTH, HEIGHT = 96, 80
SUPERSAMPLING = 2
Colour: TypeAlias = tuple[float, float, float]  # red, green, blue: 0 to 1


@dataclass(frozen=True)
class Sphere:
    """x, y, radius: in image heights, y downwards from the centre. squash: its height by its width."""

    x: float
    y: float
    radius: float
    colour: Colour
    squash: float = 1.0
    depth: float = 0.0


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """From a colour wheel, hue in turns."""
    return colorsys.hsv_to_rgb(hue % 1, min(saturation, 1), min(value, 1))


def chain(
    points: list[tuple[float, float, float]], colour: Colour, depth: float = 0
) -> list[Sphere]:
    """Spheres along a line through points (x, y, radius), close enough to look like one body."""
    spheres = []
    for (x, y, r), (x2, y2, r2) in itertools.pairwise(points):
        steps = max(2, math.ceil(math.hypot(x2 - x, y2 - y) / (0.2 * min(r, r2))))
        for t in np.linspace(0, 1, steps):
            spheres.append(
                Sphere(x + t * (x2 - x), y + t * (y2 - y), r + t * (r2 - r), colour, depth=depth)
            )
    return spheres


def apple(random: np.random.Generator) -> list[Sphere]:
    skin = hsv(random.choice([0.98, 0.0, 0.02, 0.22, 0.13]), random.uniform(0.7, 0.95), 0.85)
    lean = random.uniform(-0.05, 0.05)
    body = [Sphere(s * 0.035, 0, 0.26, skin, 0.9) for s in (-1, 1)]
    stem = chain([(0, -0.2, 0.018), (lean, -0.34, 0.016)], hsv(0.08, 0.6, 0.35), 0.1)
    leaf = chain([(lean, -0.3, 0.02), (lean + 0.08, -0.35, 0.04), (lean + 0.16, -0.36, 0.01)],
                 hsv(0.31, 0.7, 0.55), 0.1)  # fmt: skip
    return [*body, *stem, *(leaf if random.random() < 0.6 else [])]


def pear(random: np.random.Generator) -> list[Sphere]:
    skin = hsv(random.uniform(0.15, 0.24), random.uniform(0.6, 0.85), random.uniform(0.7, 0.9))
    lean = random.uniform(-0.06, 0.06)
    body = chain([(0, 0.06, 0.23), (lean / 2, -0.1, 0.15), (lean, -0.22, 0.11)], skin)
    return [*body, *chain([(lean, -0.3, 0.018), (2 * lean, -0.4, 0.014)], hsv(0.08, 0.6, 0.3))]


def banana(random: np.random.Generator) -> list[Sphere]:
    skin = hsv(random.uniform(0.12, 0.17), random.uniform(0.75, 0.95), random.uniform(0.85, 1))
    side, bend = random.choice([-1, 1]), random.uniform(0.75, 1.0)
    points = []
    for t in np.linspace(-1, 1, 9):
        radius = 0.085 * (1 - 0.72 * abs(t) ** 3)
        points.append((side * 0.36 * math.sin(t * bend) / math.sin(bend), 0.2 * math.cos(2.2 * t * bend)
                       - 0.02, radius))  # fmt: skip
    ends = [Sphere(*points[i][:2], 0.03, hsv(0.09, 0.7, 0.3), depth=0.03) for i in (0, -1)]
    return [*chain(points, skin), *ends]


def grapes(random: np.random.Generator) -> list[Sphere]:
    hue, saturation, value = ((0.8, 0.6, 0.5), (0.23, 0.55, 0.75))[int(random.integers(2))]
    spheres = []
    for row, number in enumerate((4, 5, 4, 3, 2, 1)):
        for i in range(number):
            x = (i - (number - 1) / 2) * 0.13 + random.normal(0, 0.012)
            shade = hsv(hue + random.normal(0, 0.01), saturation, value * random.uniform(0.85, 1.1))
            spheres.append(Sphere(x, -0.2 + 0.1 * row, 0.075, shade, depth=random.uniform(0, 0.06)))
    return [*spheres, *chain([(0, -0.24, 0.018), (0.03, -0.37, 0.016)], hsv(0.09, 0.6, 0.4))]


def lemon(random: np.random.Generator) -> list[Sphere]:
    skin = hsv(random.uniform(0.14, 0.17), random.uniform(0.8, 0.95), random.uniform(0.9, 1))
    tilt = random.uniform(-0.35, 0.35)
    points = [(x * math.cos(tilt), x * math.sin(tilt), r)
              for x, r in ((-0.3, 0.04), (-0.18, 0.13), (0, 0.2), (0.18, 0.13), (0.3, 0.05))]  # fmt: skip
    return chain(points, skin)


def cherries(random: np.random.Generator) -> list[Sphere]:
    skin = hsv(random.uniform(0.95, 1.0), random.uniform(0.85, 1), random.uniform(0.5, 0.8))
    top = (random.uniform(-0.08, 0.08), -0.38)
    spheres = []
    for side in (-1, 1):
        x, y = side * random.uniform(0.15, 0.19), 0.1 + random.uniform(-0.06, 0.06)
        stem = chain([(x, y - 0.12, 0.014), (x * 0.7, y - 0.3, 0.013), (*top, 0.013)],
                     hsv(0.25, 0.6, 0.5), -0.1)  # fmt: skip
        spheres += [Sphere(x, y, 0.15, skin), *stem]
    return spheres


FRUIT: dict[str, Callable[[np.random.Generator], list[Sphere]]] = {
    f.__name__: f for f in (apple, banana, cherries, grapes, lemon, pear)
}


def draw(fruit: str, random: np.random.Generator) -> Image.Image:
    """One picture, WIDTH×HEIGHT."""
    width, height = WIDTH * SUPERSAMPLING, HEIGHT * SUPERSAMPLING
    scale = random.uniform(0.85, 1.1) * height
    left, top = width / 2 + random.normal(0, 3), height * random.uniform(0.5, 0.56)
    light = np.array([random.uniform(-0.6, 0.6), -0.75, 0.65])
    light /= np.linalg.norm(light)
    picture = table(width, height, random)
    depth = np.full((height, width), -np.inf)
    body = np.zeros((height, width, 3))
    for sphere in FRUIT[fruit](random):
        shade(sphere, body, depth, light, (left, top, scale))
    covered = np.isfinite(depth)
    shadow = Image.fromarray((covered * 150).astype(np.uint8)).resize((width, height // 3))
    fallen = Image.new("L", (width, height))
    lowest = int(covered.any(1).nonzero()[0].max())
    fallen.paste(shadow, (-int(light[0] * 25), lowest - height // 3 + 12))
    dark = np.asarray(fallen.filter(ImageFilter.GaussianBlur(7)), float)[..., None] / 255
    picture = np.where(covered[..., None], body, picture * (1 - 0.8 * dark))
    picture += random.normal(0, 0.012, picture.shape)
    whole = Image.fromarray((picture.clip(0, 1) * 255).astype(np.uint8))
    return whole.resize((WIDTH, HEIGHT), Image.Resampling.BOX)


def table(width: int, height: int, random: np.random.Generator) -> Array:
    """Background, H×W×3: a wall, lighter towards the top, above a table with a soft edge."""
    wall = np.array(hsv(random.uniform(0, 1), random.uniform(0.05, 0.3), random.uniform(0.6, 0.95)))
    wood = np.array(
        hsv(random.uniform(0.05, 0.12), random.uniform(0.2, 0.5), random.uniform(0.4, 0.75))
    )
    y = np.linspace(0, 1, height)[:, None, None]
    edge = 1 / (1 + np.exp(-(y - random.uniform(0.55, 0.7)) * 60))
    rows = (1 - edge) * wall * (1.1 - 0.35 * y) + edge * wood * (0.6 + 0.5 * y)
    return np.broadcast_to(rows, (height, width, 3)).copy()


def shade(
    sphere: Sphere, body: Array, depth: Array, light: Array, frame: tuple[float, float, float]
) -> None:
    """Draws a sphere into `body` (H×W×3) where it lies before what `depth` (H×W) already holds."""
    left, top, scale = frame
    x, y, radius = left + sphere.x * scale, top + sphere.y * scale, sphere.radius * scale
    first = (max(0, int(y - radius)), max(0, int(x - radius)))
    part = np.s_[first[0] : int(y + radius) + 2, first[1] : int(x + radius) + 2]
    rows, columns = body[part].shape[:2]
    if not rows or not columns:
        return
    v = (np.arange(rows)[:, None] + first[0] - y) / (radius * sphere.squash)
    u = (np.arange(columns)[None] + first[1] - x) / radius
    inside = 1 - u**2 - v**2
    w = np.sqrt(inside.clip(0))  # (u, v, w) is the surface's direction
    height = np.where(inside > 0, w * sphere.radius + sphere.depth, -np.inf)
    front = height > depth[part]
    facing = (u * light[0] + v * light[1] + w * light[2]).clip(0)
    shine = 0.5 * facing**24
    colour = (0.28 + 0.85 * facing)[..., None] * sphere.colour + shine[..., None]
    body[part][front] = colour[front]
    depth[part][front] = height[front]


def write_fruit(folder: Path, count: int = IMAGES_A_CLASS) -> None:
    """Draws `count` images of each fruit into FOLDER/FRUIT/NUMBER.jpg.

    Raises UserError where `folder` exists or cannot be written.
    """
    try:
        folder.mkdir(parents=True)
        for number, fruit in enumerate(FRUIT):
            (folder / fruit).mkdir()
            for i in range(count):
                image = draw(fruit, np.random.default_rng((number, i)))
                image.save(folder / fruit / f"{i:04}.jpg", quality=92)
    except FileExistsError as error:
        raise UserError(f"{folder} exists already. Choose another folder.") from error
    except OSError as error:
        raise UserError(f"The images cannot be written to {folder}: {error.strerror}.") from error
