"""The pictures of a finished run that its report shows, and what its samples lie nearest to.

Samples beside held-out real images; the samples that come closest to a training image, each beside
the images it is closest to in the judge's feature space; ways from one latent to another; training
images of the kinds that the generator leaves out; samples of each class that it can be asked for.
"""

from pathlib import Path

import torch
from torch import Tensor

from autogan.files.pictures import grid, joined, save_picture
from autogan.gan.sampling import Wanted, sampled_images, save_interpolation
from autogan.images import ImageSet
from autogan.judges.base import Judgement, batches_of
from autogan.judges.values import ByClass, Modes
from autogan.method.context import Context
from autogan.runs.contents import Neighbours
from autogan.runs.file_names import PICTURES
from autogan.runs.record import class_pictures, missing_pictures
from autogan.spaces.networks import Generator

SAMPLES = 64
COLUMNS = 8
ENLARGE = 2
INTERPOLATED = 64
"""Images of the interpolation, a multiple of sampling.STEPS_IN_A_ROW."""
SHOWN_SAMPLES = 8
SHOWN_NEIGHBOURS = 7
MOST_SEARCHED = 50_000
"""Training images among which neighbours are looked for; they are shuffled, so the first will do."""


def write_gallery(generator: Generator, context: Context, folder: Path) -> Neighbours:
    """Writes all pictures of a derived generator into a run's folder."""
    (folder / PICTURES["real"]).parent.mkdir(exist_ok=True)
    seed, compute = context.settings.seed, context.compute
    wanted = Wanted.of(generator, SAMPLES, seed)
    samples = torch.cat(list(sampled_images(generator, wanted, compute)))
    real = context.data.held_out.pixels[:SAMPLES]
    save_picture(folder / PICTURES["samples"], grid(samples, columns=COLUMNS, enlarge=ENLARGE))
    save_picture(folder / PICTURES["real"], grid(real, columns=COLUMNS, enlarge=ENLARGE))
    ways = Wanted.of(generator, INTERPOLATED, seed)
    save_interpolation(generator, folder / PICTURES["interpolation"], ways, compute)
    both = torch.cat([samples, real])
    distances, indices = nearest_training_images(context, both, SHOWN_NEIGHBOURS)
    nearest, nearest_of_real = distances[:, 0].split([len(samples), len(real)])
    closest = nearest.argsort()[:SHOWN_SAMPLES]
    neighbours = context.data.train.pixels[indices[closest].flatten()]
    save_picture(
        folder / PICTURES["neighbours"],
        joined(
            grid(samples[closest], columns=1, enlarge=ENLARGE),
            grid(neighbours, columns=indices.shape[1], enlarge=ENLARGE),
        ),
    )
    return Neighbours(
        images=len(samples),
        searched=min(len(context.data.train), MOST_SEARCHED),
        generated_median=nearest.median().item(),
        held_out_median=nearest_of_real.median().item(),
    )


def write_missing(modes: Modes, train: ImageSet, folder: Path) -> None:
    """Writes a row of training images for each kind that is missing into a run's folder."""
    for place, file in missing_pictures(modes).items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        examples = train.pixels[list(modes.modes[place].examples)]
        save_picture(folder / file, grid(examples, columns=COLUMNS, enlarge=ENLARGE))


def write_classes(generator: Generator, by_class: ByClass, context: Context, folder: Path) -> None:
    """Writes a row of images of each class that is pictured into a run's folder."""
    files = class_pictures(by_class)
    names = [by_class.classes[label].name for label in files]
    wanted = Wanted.of(generator, COLUMNS, context.settings.seed, names)
    images = torch.cat(list(sampled_images(generator, wanted, context.compute)))
    for file, of_class in zip(files.values(), images.split(COLUMNS), strict=True):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        save_picture(folder / file, grid(of_class, columns=COLUMNS, enlarge=ENLARGE))


def nearest_training_images(context: Context, images: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Distances and indices, both N×count, of the training images nearest to uint8 N×3×S×S images.

    Looks through the first MOST_SEARCHED training images, batch by batch; nearest first.
    """
    searched = context.data.train.pixels[:MOST_SEARCHED]
    queries = context.judge.judge_all(batches_of(images)).features
    distances = torch.full((len(images), 0), torch.inf, device=queries.device)
    indices = torch.zeros((len(images), 0), dtype=torch.int64, device=queries.device)
    seen = 0
    for batch in batches_of(searched):
        judgement: Judgement = context.judge(batch)
        here = torch.arange(seen, seen + len(batch), device=queries.device)
        distances = torch.cat([distances, torch.cdist(queries, judgement.features)], 1)
        indices = torch.cat([indices, here.expand(len(images), -1)], 1)
        distances, kept = distances.topk(min(count, distances.shape[1]), largest=False)
        indices = indices.gather(1, kept)
        seen += len(batch)
    return distances.cpu(), indices.cpu()
