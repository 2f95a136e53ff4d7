"""The generator: latent → linear → cells → toRGB. Shared and derived generators are one class."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autogan.nets.layers import BatchNorm, initialise
from autogan.spaces.autogan.cell import Cell
from autogan.spaces.space import Architecture, SearchSpace


class Generator(nn.Module):
    """Images as a function of (weights, architecture, latents).

    With the full search space it is the shared generator of the search; with
    `SearchSpace.only(architecture)` it is that architecture's own network, whose weights are a
    subset of the shared ones under the same names.

    space: the options that are open in every cell.
    latent_size: length of a latent vector, whose entries are standard normal.
    channels: channels of every cell (256 in the paper's training from scratch, 128 in its search).
    bottom_size: side in pixels of the feature map that the first cell doubles (4 for CIFAR-10).
    """

    def __init__(
        self, space: SearchSpace, *, latent_size: int, channels: int, bottom_size: int
    ) -> None:
        super().__init__()
        self.space = space
        self.latent_size = latent_size
        self.channels = channels
        self.bottom_size = bottom_size
        self.project = nn.Linear(latent_size, channels * bottom_size**2)
        self.cells = nn.ModuleList(
            Cell(space, index, channels, channels) for index in range(len(space))
        )
        self.to_rgb_normalisation = BatchNorm(channels)
        self.to_rgb = nn.Conv2d(channels, 3, kernel_size=3, padding=1)

    @classmethod
    def for_architecture(
        cls,
        architecture: Architecture,
        *,
        latent_size: int = 128,
        channels: int = 256,
        bottom_size: int = 4,
        seed: int = 0,
    ) -> "Generator":
        """The freshly initialised network of one architecture, by default at the published widths.

        It is in training mode, as modules are when made; `.eval()` before images are drawn from it.
        """
        generator = cls(
            SearchSpace.only(architecture),
            latent_size=latent_size,
            channels=channels,
            bottom_size=bottom_size,
        )
        initialise(generator, torch.Generator().manual_seed(seed))
        return generator

    @property
    def architecture(self) -> Architecture:
        """The only architecture of a derived generator."""
        assert self.space.cardinality() == 1, "a shared generator has no architecture of its own"
        return self.space.first()

    def forward(
        self,
        latents: Tensor,
        architecture: Architecture | None = None,
        batch_statistics: bool = False,
        labels: Tensor | None = None,
    ) -> Tensor:
        """latents: B×latent_size → images B×3×S×S in [-1, 1], S = bottom_size · 2^cells.

        architecture: a member of the space, or of the space of its first cells (an earlier stage);
        may be left out where the space has one member.
        batch_statistics: in evaluation mode, normalise with the batch's own statistics.
        labels: int64 B, the classes that images are wanted of; this network has no use for them.
        """
        architecture = architecture or self.architecture
        assert len(architecture) <= len(self.cells), (len(architecture), len(self.cells))
        x = self.project(latents)  # B×(C·b·b)
        x = x.view(-1, self.channels, self.bottom_size, self.bottom_size)  # B×C×b×b
        if self.to_rgb.weight.is_contiguous(memory_format=torch.channels_last):
            x = x.contiguous(memory_format=torch.channels_last)
        skip_outs: list[Tensor] = []
        for cell, chosen in zip(self.cells, architecture.cells, strict=False):
            x, skip_out = cell(x, skip_outs, chosen, batch_statistics)
            skip_outs.append(skip_out)
        x = F.relu(self.to_rgb_normalisation(x, batch_statistics), inplace=True)
        return torch.tanh(self.to_rgb(x))  # B×3×S×S
