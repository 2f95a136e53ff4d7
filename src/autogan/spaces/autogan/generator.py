"""The generator: latent → linear → cells → toRGB. Shared and derived generators are one class."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autogan.images.classes import Classes
from autogan.nets.gates import Gates
from autogan.nets.layers import BatchNorm
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.cell import Cell
from autogan.spaces.autogan.decisions import cells_of
from autogan.spaces.networks import Generator
from autogan.spaces.operations import CLASS_NUMBERS
from autogan.spaces.space import SearchSpace
from autogan.spaces.widths import Channels, each_width


class AutoGanGenerator(Generator):
    """Images as a function of (weights, architecture, latents).

    With the full search space it is the shared generator of the search; with
    `SearchSpace.only(architecture)` it is that architecture's own network, whose weights are a
    subset of the shared ones under the same names.

    space: the options that are open in every cell.
    latent_size: length of a latent vector, whose entries are standard normal.
    channels: channels of every cell (256 in the paper's training from scratch, 128 in its search),
    or of each cell's output; then only architectures of all cells can be run, since the last layer
    reads the last cell's channels.
    bottom_size: side in pixels of the feature map that the first cell doubles (4 for CIFAR-10).
    classes: that images are made of. Each class then has CLASS_NUMBERS learned numbers, which stand
    beside the latent and reach every architecture, and gains and biases in every batch normalisation.
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
        self.widths = widths = each_width(channels, space.stages)
        number, inputs = 0, latent_size
        if classes:
            number, inputs = len(classes), latent_size + CLASS_NUMBERS
            self.class_embedding = nn.Embedding(number, CLASS_NUMBERS)
        self.project = nn.Linear(inputs, widths[0] * bottom_size**2)
        self.cells = nn.ModuleList(
            Cell(space, index, widths, number) for index in range(space.stages)
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
        x = self.project(latents)  # B×(C·b·b)
        x = x.view(-1, self.widths[0], self.bottom_size, self.bottom_size)  # B×C×b×b
        if self.to_rgb.weight.is_contiguous(memory_format=torch.channels_last):
            x = x.contiguous(memory_format=torch.channels_last)
        skip_outs: list[Tensor] = []
        last = len(architecture) - 1
        for index, (cell, chosen) in enumerate(
            zip(self.cells, cells_of(architecture), strict=False)
        ):
            own = gates if index == last else None
            x, skip_out = cell(x, skip_outs, chosen, batch_statistics, labels, own)
            skip_outs.append(skip_out)
        x = self.to_rgb_normalisation(x, batch_statistics, labels)
        x = F.relu(x, inplace=True)
        return torch.tanh(self.to_rgb(x))  # B×3×S×S
