"""A generator as one self-describing safetensors file: weights, architecture, how it was made."""

import json
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from autogan.basics.errors import UserError
from autogan.files.storage import load_tensors, save_tensors
from autogan.images.classes import Classes
from autogan.images.rules import LARGEST_SIZE as LARGEST_IMAGE
from autogan.spaces.architecture import Architecture
from autogan.spaces.networks import Generator
from autogan.spaces.space import SearchSpace
from autogan.spaces.widths import parse_widths, widths_text

FORMAT = "autogan-generator-1"
LARGEST_SIZE = 2**20
"""Of latents and channels. torch takes no number of more than 63 bits."""


@dataclass(frozen=True)
class SavedGenerator:
    """A loaded generator, in evaluation mode, and what its file says about it.

    origin: how it was made: settings, data set, training steps; {} where the file does not say.
    """

    generator: Generator
    origin: dict[str, Any]


def save_generator(
    path: Path, generator: Generator, state: dict[str, Tensor], origin: dict[str, Any]
) -> None:
    """Writes the weights `state` of `generator`, a derived one, with its description."""
    described = {
        "format": FORMAT,
        "architecture": str(generator.architecture),
        "latent_size": str(generator.latent_size),
        "channels": widths_text(generator.channels),
        "bottom_size": str(generator.bottom_size),
        "origin": json.dumps(origin),
    }
    if generator.classes:
        described["classes"] = json.dumps(generator.classes.to_plain(), ensure_ascii=False)
    save_tensors(path, state, described)


def load_generator(path: str | Path) -> SavedGenerator:
    """Reads a generator file; raises `UserError` where it is missing or is none."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"There is no generator file {path}.")
    try:
        state, metadata = load_tensors(path)
        if metadata.get("format") != FORMAT:
            raise ValueError(f"its metadata does not say {FORMAT!r}")
        with torch.device("meta"):  # without memory: what the file claims may be of any size
            claimed = _described_generator(metadata)
        if _shapes(claimed.state_dict()) != _shapes(state):
            raise ValueError(
                "its weights do not fit the architecture and the widths that it states"
            )
        generator = _described_generator(metadata)
        generator.load_state_dict(state)
        origin = json.loads(metadata["origin"])
        if not isinstance(origin, dict):
            raise ValueError("its origin is not told by name")
    except (ValueError, KeyError, RuntimeError) as error:  # RuntimeError: of torch, of deep JSON
        reason = textwrap.shorten(str(error), 500)
        raise UserError(f"{path} is not a generator of autogan: {reason}") from None
    return SavedGenerator(generator.eval(), origin)


def _shapes(state: dict[str, Tensor]) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in state.items()}


def _described_generator(metadata: dict[str, str]) -> Generator:
    architecture = Architecture.parse(metadata["architecture"])
    latent_size, bottom_size = int(metadata["latent_size"]), int(metadata["bottom_size"])
    channels = parse_widths(metadata["channels"])
    widths = channels if isinstance(channels, tuple) else (channels,)
    if not all(0 < size <= LARGEST_SIZE for size in (latent_size, *widths)):
        raise ValueError(f"a size that it states is not from 1 to {LARGEST_SIZE:,}")
    largest_bottom = LARGEST_IMAGE >> len(architecture)  # noise is placed in memory, on any device
    if not 0 < bottom_size <= largest_bottom:
        raise ValueError(
            f"bottom_size is {bottom_size}; for images of at most {LARGEST_IMAGE} pixels a generator of "
            f"{len(architecture)} cells has from 1 to {largest_bottom}"
        )
    classes = None  # of files without classes, and of those of before there were any
    if "classes" in metadata:
        classes = Classes.from_plain(json.loads(metadata["classes"]))
    return SearchSpace.only(architecture).generator(
        latent_size=latent_size, channels=channels, bottom_size=bottom_size, classes=classes
    )
