"""How fast images are read: from files the first time, from the cache later, batch by batch.

Needs Pillow and the other libraries of the data's side; `run_suite` leaves it out where they are not.
"""

import os
import random
import tempfile
import time
from pathlib import Path

import torch

from autogan.images import load_data
from autogan.images.batches import Batches

SIZE = 32
CLASSES = 10
BATCH = 64


def loading(images: int) -> dict[str, float]:
    """Reads a folder of `images` JPEG files of 32×32, made for this and removed, in an empty cache.

    first_seconds: from files to images that are ready; later_seconds: the same from the cache, the
    median of three times; first_images_per_second; batch_images_per_second: of shuffled batches of 64.
    """
    with tempfile.TemporaryDirectory() as place:
        folder, cached = Path(place) / "images", Path(place) / "cache"
        _write(folder, images)
        first, later = _seconds(folder, cached), [_seconds(folder, cached) for _ in range(3)]
        pixels = load_data(f"folder:{folder}", SIZE, cached).train.pixels
        batches = Batches(pixels, BATCH, seed=0, purpose="bench")
        began = time.perf_counter()
        taken = 0
        while time.perf_counter() - began < 1:
            taken += len(batches.next())
        return {
            "images": images,
            "first_seconds": round(first, 3),
            "later_seconds": round(sorted(later)[1], 3),
            "first_images_per_second": round(images / first, 1),
            "batch_images_per_second": round(taken / (time.perf_counter() - began), 1),
        }


def _write(folder: Path, images: int) -> None:
    """Noise, which is compressed less than photographs, and so takes longer to decode."""
    from PIL import Image

    stream = random.Random(0)
    for number in range(CLASSES):
        (folder / f"class{number}").mkdir(parents=True)
    for number in range(images):
        tensor = torch.frombuffer(bytearray(stream.randbytes(3 * SIZE * SIZE)), dtype=torch.uint8)
        picture = Image.fromarray(tensor.view(SIZE, SIZE, 3).numpy())
        picture.save(folder / f"class{number % CLASSES}" / f"{number:06d}.jpg", quality=75)


def _seconds(folder: Path, cached: Path) -> float:
    os.sync()  # so that writing the files is not counted as reading them
    began = time.perf_counter()
    load_data(f"folder:{folder}", SIZE, cached)
    return time.perf_counter() - began
