"""The generator of the modern space: latent → linear → cells → toRGB, and a mapping to styles."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autogan.images.classes import Classes
from autogan.nets.gates import Gates
from autogan.nets.layers import BatchNorm
from autogan.nets.modulation import MappingNetwork
from autogan.spaces.architecture import Architecture
from autogan.spaces.modern.cell import Cell, Surroundings
from autogan.spaces.modern.decisions import MODULATED, cells_of
from autogan.spaces.networks import Generator
from autogan.spaces.operations import CLASS_NUMBERS
from autogan.spaces.space import SearchSpace
from autogan.spaces.widths import Channels, each_width


class ModernGenerator(Generator):
    """Images as a function of (weights, architecture, latents).

    Its two ends are those of AutoGAN's generator, so that cells of all kinds can share them. Arguments
    as of `Generator`; with one width for each cell, only architectures of all cells can be run. With
    classes, the learned numbers of an image's class stand beside its latent wherever that is used.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        latent_size: int,
        channels: Channels,
        bottom_size: int,
        classes: Classes | None = None,
    ) -> None:
        super().__init__(
            space,
            latent_size=latent_size,
            channels=channels,
            bottom_size=bottom_size,
            classes=classes,
        )
        number, inputs = 0, latent_size
        if classes:
            number, inputs = len(classes), latent_size + CLASS_NUMBERS
            self.class_embedding = nn.Embedding(number, CLASS_NUMBERS)
        self.widths = widths = each_width(channels, space.stages)
        if any(MODULATED in decision.options for decision in space.decisions):
            self.mapping = MappingNetwork(inputs)
        self.project = nn.Linear(inputs, widths[0] * bottom_size**2)
        self.cells = nn.ModuleList(
            Cell(space, index, widths, inputs, bottom_size << index + 1, number)
            for index in range(space.stages)
        )
        self.to_rgb_normalisation = BatchNorm(widths[-1], number)
        self.to_rgb = nn.Conv2d(widths[-1], 3, kernel_size=3, padding=1)

    def forward(
        self,
        latents: Tensor,
        architecture: Architecture | None = None,
        batch_statistics: bool = False,
        labels: Tensor | None = None,
        gates: Gates | None = None,
    ) -> Tensor:
        """latents: B×latent_size → images B×3×S×S in [-1, 1], S = bottom_size · 2^cells.

        architecture: a member of the space, or of the space of its first cells (an earlier stage);
        may be left out where the space has one member.
        batch_statistics: in evaluation mode, normalise with the batch's own statistics.
        labels: int64 B, the classes that images are wanted of; a generator without classes has no use
        for them, one with classes raises `UserError` where they are missing.
        gates: for each decision of the last cell, by its name, a scalar that the outputs of the taken
        option are multiplied by. Without them nothing is multiplied.
        """
        architecture = architecture or self.architecture
        assert len(architecture) <= len(self.cells), (len(architecture), len(self.cells))
        assert self.widths[len(architecture) - 1] == self.widths[-1], "to_rgb has another width"
        if self.classes:
            labels = self.known_labels(labels)
            latents = torch.cat([latents, self.class_embedding(labels)], dim=1)
        chosen = cells_of(architecture)
        modulated = any(cell.block == MODULATED for cell in chosen)
        styles = self.mapping(latents) if modulated else None
        around = Surroundings(latents, styles, batch_statistics, labels)
        x = self.project(latents)  # B×(C·b·b)
        x = x.view(-1, self.widths[0], self.bottom_size, self.bottom_size)  # B×C×b×b
        if self.to_rgb.weight.is_contiguous(memory_format=torch.channels_last):
            x = x.contiguous(memory_format=torch.channels_last)
        skip_outs: list[Tensor] = []
        *earlier, last = list(self.cells)[: len(chosen)]
        for cell, own in [*((cell, None) for cell in earlier), (last, gates)]:
            x, skip_out = cell(x, skip_outs, chosen, around, own)
            skip_outs.append(skip_out)
        x = F.relu(self.to_rgb_normalisation(x, batch_statistics, labels), inplace=True)
        return torch.tanh(self.to_rgb(x))  # B×3×S×S
