"""The discriminator: fixed by hand, growing with the generator (section 3.2)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autogan.nets.layers import initialise
from autogan.nets.residual_block import ResidualBlock
from autogan.nets.spectral_norm import Direction, SpectralNorm, Unnormalised
from autogan.spaces.networks import Discriminator


class AutoGanDiscriminator(Discriminator):
    """Images to one logit each, at every stage of the generator's growth.

    stages: number of generator cells at full growth. At stage s the first s+1 growing blocks run,
    then the last block, ReLU, global sum pooling and a linear layer without bias. Growing blocks
    pool, except the last of three or more.
    channels: channels of every block (64 in the paper's search, 128 from scratch). spectral_norm:
    whether all weights are spectrally normalised, as in the paper. direction_head: whether the linear
    layer is a direction, which is trained apart (SAN).
    """

    def __init__(
        self,
        stages: int,
        channels: int,
        *,
        spectral_norm: bool = True,
        direction_head: bool = False,
    ) -> None:
        super().__init__(stages, channels)
        wrap = SpectralNorm if spectral_norm else Unnormalised
        self.growing = nn.ModuleList(
            ResidualBlock(
                channels if index else 3,
                channels,
                pools=index < max(2, stages - 1),
                on_image=index == 0,
                wrap=wrap,
            )
            for index in range(stages)
        )
        self.last = ResidualBlock(channels, channels, pools=False, wrap=wrap)
        self.to_logit = (Direction if direction_head else wrap)(nn.Linear(channels, 1, bias=False))

    def initialise(self, generator: torch.Generator) -> None:
        """Xavier-uniform weights, zero biases and fresh singular vectors, in place."""
        initialise(self, generator)
        for module in self.modules():
            if isinstance(module, SpectralNorm):
                module.reset_vectors(generator)

    def forward(
        self, images: Tensor, stage: int | None = None, labels: Tensor | None = None
    ) -> Tensor:
        """images: B×3×H×W in [-1, 1], stage: 0 … stages-1, by default the last → logits B.

        labels: int64 B, the classes of the images; this network has no use for them.
        """
        return self.to_logit(self._features(images, stage)).squeeze(1)  # B

    @property
    def has_direction(self) -> bool:
        """As `Discriminator.has_direction`."""
        return isinstance(self.to_logit, Direction)

    def logits_apart(
        self, images: Tensor, stage: int | None = None, labels: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """As `Discriminator.logits_apart`."""
        assert isinstance(self.to_logit, Direction)
        logits, along = self.to_logit.apart(self._features(images, stage))
        return logits.squeeze(1), along.squeeze(1)  # B each

    def _features(self, images: Tensor, stage: int | None) -> Tensor:
        x = images
        for block in list(self.growing)[: None if stage is None else stage + 1]:
            x = block(x)
        return F.relu(self.last(x), inplace=True).sum(dim=(2, 3))  # B×C
