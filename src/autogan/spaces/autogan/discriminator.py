"""The discriminator: fixed by hand, growing with the generator (section 3.2)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autogan.images.classes import Classes
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
    layer is a direction, which is trained apart (SAN); not beside classes.
    classes: of images; the logit is then ψ(h) + ⟨e_y, h⟩, h the pooled features and e_y learned for each
    class (Miyato and Koyama, 2018). Where some images are unlabelled it learns which class an image has,
    and takes its guess where it is not told (Lucic et al., 2019): a linear layer on h, which is never
    spectrally normalised.
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
        assert not (direction_head and classes), "a direction beside classes"
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
        if classes:
            self.of_class = wrap(nn.Linear(channels, len(classes), bias=False))  # rows: the e_y
            if classes.unlabelled:
                self.to_class = nn.Linear(channels, len(classes))

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

        labels: int64 B, the classes of the images, -1 where it is to guess; without classes it has no
        use for them.
        """
        h = self._features(images, stage)
        if not self.guesses_classes:
            return self._logits(h, labels)
        assert labels is not None
        return self._logits(h, known_or_guessed(labels, self.to_class(h)))

    def with_guesses(
        self, images: Tensor, stage: int | None, labels: Tensor
    ) -> tuple[Tensor, Tensor]:
        """As `Discriminator.with_guesses`."""
        h = self._features(images, stage)
        guesses = self.to_class(h)  # B×classes
        return self._logits(h, known_or_guessed(labels, guesses)), guesses

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
        """The pooled features: B×C."""
        x = images
        for block in list(self.growing)[: None if stage is None else stage + 1]:
            x = block(x)
        return F.relu(self.last(x), inplace=True).sum(dim=(2, 3))

    def _logits(self, h: Tensor, labels: Tensor | None) -> Tensor:
        """h: B×C → logits B; labels: int64 B without -1, where there are classes."""
        logits: Tensor = self.to_logit(h).squeeze(1)
        if not self.classes:
            return logits
        assert labels is not None
        return logits + (F.embedding(labels, self.of_class.weight()).to(h.dtype) * h).sum(1)


def known_or_guessed(labels: Tensor, guesses: Tensor) -> Tensor:
    """`labels`, int64 B, and where these are -1 the likeliest class of `guesses`, B×classes."""
    return torch.where(labels >= 0, labels, guesses.argmax(1))
