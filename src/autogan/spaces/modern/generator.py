"""The generator of the modern space: latent → linear → cells → toRGB, and a mapping to styles."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autogan.nets.layers import BatchNorm
from autogan.nets.modulation import MappingNetwork
from autogan.spaces.architecture import Architecture
from autogan.spaces.modern.cell import Cell, Surroundings
from autogan.spaces.modern.decisions import MODULATED, cells_of
from autogan.spaces.networks import Generator
from autogan.spaces.space import SearchSpace
from autogan.spaces.widths import Channels, each_width


class ModernGenerator(Generator):
    """Images as a function of (weights, architecture, latents).

    Its two ends are those of AutoGAN's generator, so that cells of all kinds can share them. Arguments
    as of `Generator`; with one width for each cell, only architectures of all cells can be run.
    """

    def __init__(
        self, space: SearchSpace, *, latent_size: int, channels: Channels, bottom_size: int
    ) -> None:
        super().__init__(space, latent_size=latent_size, channels=channels, bottom_size=bottom_size)
        self.widths = widths = each_width(channels, space.stages)
        if any(MODULATED in decision.options for decision in space.decisions):
            self.mapping = MappingNetwork(latent_size)
        self.project = nn.Linear(latent_size, widths[0] * bottom_size**2)
        self.cells = nn.ModuleList(
            Cell(space, index, widths, latent_size, bottom_size << index + 1)
            for index in range(space.stages)
        )
        self.to_rgb_normalisation = BatchNorm(widths[-1])
        self.to_rgb = nn.Conv2d(widths[-1], 3, kernel_size=3, padding=1)

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
        assert self.widths[len(architecture) - 1] == self.widths[-1], "to_rgb has another width"
        chosen = cells_of(architecture)
        modulated = any(cell.block == MODULATED for cell in chosen)
        styles = self.mapping(latents) if modulated else None
        around = Surroundings(latents, styles, batch_statistics)
        x = self.project(latents)  # B×(C·b·b)
        x = x.view(-1, self.widths[0], self.bottom_size, self.bottom_size)  # B×C×b×b
        if self.to_rgb.weight.is_contiguous(memory_format=torch.channels_last):
            x = x.contiguous(memory_format=torch.channels_last)
        skip_outs: list[Tensor] = []
        for cell in list(self.cells)[: len(chosen)]:
            x, skip_out = cell(x, skip_outs, chosen, around)
            skip_outs.append(skip_out)
        x = F.relu(self.to_rgb_normalisation(x, batch_statistics), inplace=True)
        return torch.tanh(self.to_rgb(x))  # B×3×S×S
