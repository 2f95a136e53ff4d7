"""Training of the domain judge: batches with augmentation, one loop."""

import hashlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autogan.errors import UserError
from autogan.judges.base import batches_of, resize
from autogan.judges.network import ResidualClassifier, build, initialise
from autogan.judges.recipe import JudgeRecipe

if TYPE_CHECKING:
    from autogan.images import DataSet, ImageSet

Progress = Callable[[int, int], None]
"""Called after every step with (steps done, steps in all)."""


def labelled(images: "ImageSet", class_count: int, of: str) -> tuple[Tensor, Tensor]:
    """The images that have a label, and their labels: uint8 N×3×S×S, int64 N.

    This is the judge's task. A task that needs no labels would be made here.
    """
    if images.labels is None or class_count < 2 or not bool((images.labels >= 0).any()):
        raise UserError(
            f"{of} has no labelled images of two or more classes, and the domain judge learns from "
            "classes: give a folder with one sub-folder per class."
        )
    chosen = images.labels >= 0
    labels = images.labels[chosen]
    assert int(labels.max()) < class_count
    return images.pixels[chosen], labels


def resized_pixels(pixels: Tensor, size: int) -> Tensor:
    """uint8 N×3×H×H → uint8 N×3×size×size, by the resizing that judging does."""
    if pixels.shape[-1] == size:
        return pixels
    parts = [resize(part.float(), size).round().to(torch.uint8) for part in batches_of(pixels)]
    return torch.cat(parts)


def train_network(
    data: "DataSet",
    recipe: JudgeRecipe,
    seed: int,
    device: torch.device,
    precision: str,
    on_progress: Progress | None,
) -> ResidualClassifier:
    """A trained network, on `device`, in evaluation mode.

    On a CPU the same data, recipe, seed and number of threads give the same weights bit for bit.
    Nothing is drawn from torch's global generator. precision: "float32" or "bfloat16" (autocast).
    """
    if precision not in ("float32", "bfloat16"):
        raise UserError(f"Unknown precision {precision!r}. Known: bfloat16, float32.")
    pixels, labels = labelled(data.train, len(data.class_names), f"The data set {data.name}")
    if len(labels) < 2:
        raise UserError(f"The data set {data.name} has one labelled training image; give more.")
    pixels = resized_pixels(pixels, recipe.image_size).to(device)
    labels = labels.to(device)

    network = build(recipe.width, len(data.class_names))
    initialise(network, _generator(seed, "weights"))
    network.to(device).train()
    optimiser = torch.optim.SGD(
        _parameter_groups(network, recipe.weight_decay),
        lr=recipe.learning_rate,
        momentum=0.9,
        nesterov=True,
        fused=True,
    )
    batch_size = min(recipe.batch_size, len(labels))
    steps = recipe.epochs * (len(labels) // batch_size)
    stream = _batches(pixels, labels, batch_size, recipe, _generator(seed, "batches"))
    for step in range(steps):
        images, targets = next(stream)
        for group in optimiser.param_groups:
            group["lr"] = recipe.learning_rate * schedule((step + 0.5) / steps, recipe.warmup_share)
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            _, logits = network(images)
        loss = F.cross_entropy(logits.float(), targets, label_smoothing=recipe.label_smoothing)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if on_progress is not None:
            on_progress(step + 1, steps)
    return network.eval()


def schedule(progress: float, warmup_share: float) -> float:
    """The learning rate as a share of its peak: a triangle. progress: 0 (start) to 1 (end)."""
    if progress < warmup_share:
        return progress / warmup_share
    return (1.0 - progress) / (1.0 - warmup_share)


def augment(images: Tensor, recipe: JudgeRecipe, generator: torch.Generator) -> Tensor:
    """uint8 B×3×S×S → float B×3×S×S with values 0 to 255: shift, mirror, lower resolution.

    The first `low_resolution_share` of the batch (whose order is random) is reduced, so that
    every batch has the same mixture and batch normalisation sees what it will see when judging.
    """
    count, _, size, _ = images.shape
    x = images.float()
    if recipe.shift:
        margin = recipe.shift
        offsets = torch.randint(2 * margin + 1, (2, count, 1), generator=generator)
        rows, columns = (torch.arange(size) + offsets).to(x.device)  # B×S each
        padded = F.pad(x, (margin,) * 4, mode="reflect").permute(0, 2, 3, 1)  # B×H×W×3
        batch = torch.arange(count, device=x.device)[:, None, None]
        x = padded[batch, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    if recipe.flip:
        mirrored = torch.rand(count, generator=generator) < 0.5
        x = torch.where(mirrored.to(x.device)[:, None, None, None], x.flip(3), x)
    reduced = round(recipe.low_resolution_share * count)
    if reduced:
        half, quarter = x[: reduced // 2], x[reduced // 2 : reduced]
        parts = [(half, size // 2), (quarter, size // 4)]
        lower = [resize(resize(part, small), size) for part, small in parts if len(part)]
        x = torch.cat([*lower, x[reduced:]])
    return x


def _batches(
    pixels: Tensor,
    labels: Tensor,
    batch_size: int,
    recipe: JudgeRecipe,
    generator: torch.Generator,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless augmented batches; each epoch in a new order, without its incomplete last batch."""
    while True:
        order = torch.randperm(len(labels), generator=generator).to(labels.device)
        for first in range(0, len(labels) - batch_size + 1, batch_size):
            chosen = order[first : first + batch_size]
            yield augment(pixels[chosen], recipe, generator), labels[chosen]


def _parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Weight decay for convolution and linear weights only."""
    matrices = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in network.parameters() if parameter.ndim <= 1]
    return [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


def _generator(seed: int, purpose: str) -> torch.Generator:
    """The named generator of (seed, purpose), on the CPU so that every device draws the same."""
    digest = hashlib.sha256(f"judge {purpose} {seed}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
