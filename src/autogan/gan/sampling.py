"""Images of a derived generator, in every form they are asked for: streamed, never all in memory.

The seed names the latents, so that the same file, count and seed give the same images.
"""

import csv
import io
import shutil
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from autogan.basics.errors import UserError
from autogan.basics.formatting import binary_size
from autogan.basics.randomness import torch_generator
from autogan.device.compute import Compute
from autogan.files.pictures import grid, save_picture, stacked
from autogan.files.storage import aside_of, written_aside
from autogan.gan.generation import (
    SCORING_BATCH,
    generate,
    label_batches,
    latent_batches,
    shared_labels,
)
from autogan.images.labels import LABELS_FILE
from autogan.progress.base import Cost, Progress
from autogan.spaces.networks import Generator
from autogan.spaces.sizes import generator_size

MOST_IN_A_GRID = 10_000
"""More make a picture that hardly any program opens."""
STEPS_IN_A_ROW = 8
"""Images of a row that goes from one latent to another, both ends included."""
MOST_IN_A_ROW = 16
"""Images of one class in a row of a grid by class; more of them take more rows."""


@dataclass(frozen=True)
class Wanted:
    """What is asked of a generator. seed: names the latents.

    labels: int64 `count`, the classes of the images, for a generator with classes; else None.
    each: where images were asked for class by class, how many of each; the labels are in this order.
    """

    count: int
    seed: int
    labels: Tensor | None = None
    each: int | None = None

    @classmethod
    def of(
        cls, generator: Generator, count: int, seed: int, class_names: Sequence[str] = ()
    ) -> "Wanted":
        """`count` images of each class that is named; where none is, in the shares of all classes.

        Raises `UserError` for a class that the generator does not know.
        """
        classes = generator.classes
        if not class_names:
            labels = shared_labels(classes, count, seed, "samples/labels") if classes else None
            return cls(count, seed, labels)
        known = names_of_classes(generator)
        of_form = [unicodedata.normalize("NFC", name) for name in known]
        asked = dict.fromkeys(unicodedata.normalize("NFC", name) for name in class_names)
        for name in asked:
            if name not in of_form:
                raise UserError(f"There is no class {name!r}. There are: {some(known)}.")
        numbers = [of_form.index(name) for name in asked]
        chosen = torch.tensor(numbers).repeat_interleave(count)
        return cls(len(chosen), seed, chosen, count)


def names_of_classes(generator: Generator) -> tuple[str, ...]:
    """Those that images can be asked of; `UserError` for a generator without classes."""
    if generator.classes is None:
        raise UserError(
            "This generator makes images without classes, so no class can be asked for. A run with "
            "network.conditional=auto makes generators that are told classes."
        )
    return generator.classes.names


def some(names: Sequence[str], most: int = 50) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def sampled_images(generator: Generator, wanted: Wanted, compute: Compute) -> Iterator[Tensor]:
    """All images that are wanted: uint8 B×3×S×S on the CPU, batch by batch."""
    stream = torch_generator(wanted.seed, "samples")
    compute.place(generator)
    batches = latent_batches(
        wanted.count, lambda n: torch.randn((n, generator.latent_size), generator=stream)
    )
    for latents, labels in zip(batches, label_batches(wanted.labels), strict=False):
        yield generate(generator, latents, compute, labels=labels).cpu()


def save_grid(generator: Generator, file: Path, wanted: Wanted, compute: Compute) -> None:
    """One PNG with all images, each pixel drawn 2×2: as square as can be, or class by class a row."""
    refuse_large_grid(wanted.count)
    images = torch.cat(list(sampled_images(generator, wanted, compute)))
    save_picture(file, class_grid(images, wanted.each) if wanted.each else grid(images, enlarge=2))


def class_grid(images: Tensor, each: int, most: int = MOST_IN_A_ROW) -> Tensor:
    """A picture of uint8 N×3×S×S images, `each` of every class: a row or a block for each class."""
    columns = min(each, most)
    return stacked([grid(block, columns=columns, enlarge=2) for block in images.split(each)])


def save_interpolation(generator: Generator, file: Path, wanted: Wanted, compute: Compute) -> None:
    """One PNG whose rows each go from one latent to another in STEPS_IN_A_ROW images.

    The way is an arc: points on the straight line between two normal latents are shorter than what
    the generator was trained on. A row is of one class where the generator has classes.
    """
    count, seed = wanted.count, wanted.seed
    if (wanted.each or count) % STEPS_IN_A_ROW or count > MOST_IN_A_GRID:
        raise UserError(
            f"An interpolation has rows of {STEPS_IN_A_ROW} images, so --count must be a multiple "
            f"of {STEPS_IN_A_ROW} up to {MOST_IN_A_GRID:,}, not {wanted.each or count:,}."
        )
    rows = count // STEPS_IN_A_ROW
    stream = torch_generator(seed, "samples/interpolation")
    ends = torch.randn((2, rows, generator.latent_size), generator=stream)
    shares = torch.linspace(0, 1, STEPS_IN_A_ROW)
    latents = torch.stack([arc(ends[0], ends[1], float(share)) for share in shares], dim=1)
    compute.place(generator)
    labels = None
    if wanted.labels is not None:
        labels = wanted.labels[::STEPS_IN_A_ROW].repeat_interleave(STEPS_IN_A_ROW)
    batches = latents.flatten(0, 1).split(SCORING_BATCH)  # (rows·steps)×latent_size
    images = torch.cat(
        [
            generate(generator, batch, compute, labels=of_batch).cpu()
            for batch, of_batch in zip(batches, label_batches(labels), strict=False)
        ]
    )
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
    generator: Generator, folder: Path, wanted: Wanted, compute: Compute, progress: Progress
) -> None:
    """One PNG for each image, 000000.png and on; the folder appears when all of them are there.

    Of a generator with classes, labels.csv names the class of each, as image sources read it.
    """
    from PIL import Image

    digits = max(6, len(str(wanted.count - 1)))
    aside = aside_of(folder)
    aside.mkdir(parents=True)
    try:
        number = 0
        for images in sampled_images(generator, wanted, compute):
            for image in images.permute(0, 2, 3, 1).numpy():  # S×S×3
                Image.fromarray(image).save(aside / f"{number:0{digits}}.png")
                number += 1
            progress.advance(sampling_cost(generator, len(images)))
        if generator.classes and wanted.labels is not None:
            with (aside / LABELS_FILE).open("w", encoding="utf-8", newline="") as file:
                table = csv.writer(file)
                table.writerow(("file", "label"))
                for number, label in enumerate(wanted.labels.tolist()):
                    table.writerow((f"{number:0{digits}}.png", generator.classes.names[label]))
        aside.replace(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def save_npz(
    generator: Generator, file: Path, wanted: Wanted, compute: Compute, progress: Progress
) -> None:
    """An .npz file whose `arr_0` is uint8 count×S×S×3, as programs that score images read it.

    Of a generator with classes also `labels`, int64 count, and `class_names` in their order.
    """
    size = generator.bottom_size << len(generator.architecture)
    with (
        written_aside(file) as aside,
        zipfile.ZipFile(aside, "w", zipfile.ZIP_STORED) as archive,
    ):
        with archive.open("arr_0.npy", "w", force_zip64=True) as array:
            shape = (wanted.count, size, size, 3)
            header = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(array, header)
            for images in sampled_images(generator, wanted, compute):
                array.write(images.permute(0, 2, 3, 1).contiguous().numpy().tobytes())
                progress.advance(sampling_cost(generator, len(images)))
        if generator.classes and wanted.labels is not None:
            names = np.array(generator.classes.names)
            for name, values in (("labels", wanted.labels.numpy()), ("class_names", names)):
                content = io.BytesIO()
                np.lib.format.write_array(content, values, allow_pickle=False)
                archive.writestr(f"{name}.npy", content.getvalue())


def sampling_cost(generator: Generator, count: int) -> Cost:
    """What generating `count` images takes."""
    size = generator_size(
        generator.architecture,
        latent_size=generator.latent_size,
        channels=generator.channels,
        bottom_size=generator.bottom_size,
        classes=generator.classes,
    )
    return Cost("sampling", count / SCORING_BATCH, count * size.multiply_accumulates, count)


def refuse_large_grid(count: int) -> None:
    """Raises `UserError` for more images than a grid holds."""
    if count > MOST_IN_A_GRID:
        raise UserError(
            f"A grid holds at most {MOST_IN_A_GRID:,} images, not {count:,}. Write them with "
            "--separate or --npz."
        )


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
