"""Images of a derived generator, in every form they are asked for: streamed, never all in memory.

The seed names the latents, so that the same file, count and seed give the same images.
"""

import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from autogan.basics.errors import UserError
from autogan.basics.formatting import binary_size
from autogan.basics.randomness import torch_generator
from autogan.device.compute import Compute
from autogan.files.pictures import grid, save_picture
from autogan.files.storage import written_aside
from autogan.gan.generation import SCORING_BATCH, generate, latent_batches
from autogan.progress.base import Cost, Progress
from autogan.spaces.networks import Generator
from autogan.spaces.sizes import generator_size

MOST_IN_A_GRID = 10_000
"""More make a picture that hardly any program opens."""
STEPS_IN_A_ROW = 8
"""Images of a row that goes from one latent to another, both ends included."""


def sampled_images(
    generator: Generator, count: int, seed: int, compute: Compute
) -> Iterator[Tensor]:
    """`count` images from the latents that `seed` names: uint8 B×3×S×S on the CPU, batch by batch."""
    stream = torch_generator(seed, "samples")
    compute.place(generator)
    for latents in latent_batches(
        count, lambda n: torch.randn((n, generator.latent_size), generator=stream)
    ):
        yield generate(generator, latents, compute).cpu()


def save_grid(generator: Generator, file: Path, count: int, seed: int, compute: Compute) -> None:
    """One PNG with all images, as square as can be, each pixel drawn 2×2."""
    if count > MOST_IN_A_GRID:
        raise UserError(
            f"A grid holds at most {MOST_IN_A_GRID:,} images, not {count:,}. Write them with "
            "--separate or --npz."
        )
    images = torch.cat(list(sampled_images(generator, count, seed, compute)))
    save_picture(file, grid(images, enlarge=2))


def save_interpolation(
    generator: Generator, file: Path, count: int, seed: int, compute: Compute
) -> None:
    """One PNG whose rows each go from one latent to another in STEPS_IN_A_ROW images.

    The way is an arc: points on the straight line between two normal latents are shorter than what
    the generator was trained on.
    """
    rows, rest = divmod(count, STEPS_IN_A_ROW)
    if rest or count > MOST_IN_A_GRID:
        raise UserError(
            f"An interpolation has rows of {STEPS_IN_A_ROW} images, so --count must be a multiple "
            f"of {STEPS_IN_A_ROW} up to {MOST_IN_A_GRID:,}, not {count:,}."
        )
    stream = torch_generator(seed, "samples/interpolation")
    ends = torch.randn((2, rows, generator.latent_size), generator=stream)
    shares = torch.linspace(0, 1, STEPS_IN_A_ROW)
    latents = torch.stack([arc(ends[0], ends[1], float(share)) for share in shares], dim=1)
    compute.place(generator)
    batches = latents.flatten(0, 1).split(SCORING_BATCH)  # (rows·steps)×latent_size
    images = torch.cat([generate(generator, batch, compute).cpu() for batch in batches])
    save_picture(file, grid(images, columns=STEPS_IN_A_ROW, enlarge=2))


def arc(first: Tensor, second: Tensor, share: float) -> Tensor:
    """Spherical interpolation of B×L latents: `first` at share 0, `second` at share 1."""
    cosine = torch.cosine_similarity(first, second, dim=1).clamp(-1, 1)
    angle = torch.acos(cosine)[:, None]  # B×1
    near_parallel = angle.sin() < 1e-4
    weights = [
        torch.where(near_parallel, flat, torch.sin(flat * angle) / angle.sin())
        for flat in (torch.tensor(1 - share), torch.tensor(share))
    ]
    return weights[0] * first + weights[1] * second


def save_separately(
    generator: Generator, folder: Path, count: int, seed: int, compute: Compute, progress: Progress
) -> None:
    """One PNG for each image, 000000.png and on; the folder appears when all of them are there."""
    from PIL import Image

    digits = max(6, len(str(count - 1)))
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    aside.mkdir(parents=True)
    try:
        number = 0
        for images in sampled_images(generator, count, seed, compute):
            for image in images.permute(0, 2, 3, 1).numpy():  # S×S×3
                Image.fromarray(image).save(aside / f"{number:0{digits}}.png")
                number += 1
            progress.advance(sampling_cost(generator, len(images)))
        aside.replace(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def save_npz(
    generator: Generator, file: Path, count: int, seed: int, compute: Compute, progress: Progress
) -> None:
    """An .npz file whose `arr_0` is uint8 count×S×S×3, as programs that score images read it."""
    size = generator.bottom_size << len(generator.architecture)
    with (
        written_aside(file) as aside,
        zipfile.ZipFile(aside, "w", zipfile.ZIP_STORED) as archive,
        archive.open("arr_0.npy", "w", force_zip64=True) as array,
    ):
        header = {"descr": "|u1", "fortran_order": False, "shape": (count, size, size, 3)}
        np.lib.format.write_array_header_1_0(array, header)
        for images in sampled_images(generator, count, seed, compute):
            array.write(images.permute(0, 2, 3, 1).contiguous().numpy().tobytes())
            progress.advance(sampling_cost(generator, len(images)))


def sampling_cost(generator: Generator, count: int) -> Cost:
    """What generating `count` images takes."""
    size = generator_size(
        generator.architecture,
        latent_size=generator.latent_size,
        channels=generator.channels,
        bottom_size=generator.bottom_size,
    )
    return Cost("sampling", count / SCORING_BATCH, count * size.multiply_accumulates, count)


def refuse_too_large(target: Path, count: int, image_size: int) -> None:
    """Raises `UserError` where the disk of `target` has no room for `count` images as they are."""
    folder = next(parent for parent in target.absolute().parents if parent.exists())
    needed = count * 3 * image_size**2
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"{count:,} images need {binary_size(needed)}, but {folder} has only "
            f"{binary_size(free)} free."
        )
