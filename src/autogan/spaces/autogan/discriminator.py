"""The discriminator: fixed by hand, growing with the generator (section 3.2)."""

import torch.nn.functional as F
from torch import Tensor, nn

from autogan.images.classes import Classes
from autogan.nets.residual_block import ResidualBlock
from autogan.nets.spectral_norm import SpectralNorm, Unnormalised, prepare_together
from autogan.spaces.discriminator_architecture import DiscriminatorArchitecture, pools
from autogan.spaces.pooled_discriminator import PooledDiscriminator


class AutoGanDiscriminator(PooledDiscriminator):
    """Images to one logit each, at every stage of the generator's growth.

    stages: number of generator cells at full growth. At stage s the first s+1 growing blocks run,
    then the last block, ReLU, global sum pooling and a linear layer without bias. Growing blocks
    pool, except the last of three or more.
    channels: channels of every block (64 in the paper's search, 128 from scratch). spectral_norm:
    whether all weights are spectrally normalised, as in the paper. direction_head, classes: see
    `PooledDiscriminator`.
    """

    def __init__(
        self,
        stages: int,
        channels: int,
        *,
        spectral_norm: bool = True,
        direction_head: bool = False,
        classes: Classes | None = None,
    ) -> None:
        super().__init__(stages, channels, classes=classes)
        wrap = SpectralNorm if spectral_norm else Unnormalised
        self.growing = nn.ModuleList(
            ResidualBlock(
                channels if index else 3,
                channels,
                pools=pools(index, stages),
                on_image=index == 0,
                wrap=wrap,
            )
            for index in range(stages)
        )
        self.last = ResidualBlock(channels, channels, pools=False, wrap=wrap)
        self.make_head(channels, wrap, direction_head=direction_head)

    def features(
        self,
        images: Tensor,
        stage: int | None,
        architecture: DiscriminatorArchitecture | None = None,
    ) -> Tensor:
        """As `PooledDiscriminator.features`; it has one architecture alone."""
        assert architecture is None, architecture
        growing = list(self.growing)[: None if stage is None else stage + 1]
        prepare_together([*growing, self.last, *self.head_layers()])
        x = images
        for block in growing:
            x = block(x)
        return F.relu(self.last(x), inplace=True).sum(dim=(2, 3))
