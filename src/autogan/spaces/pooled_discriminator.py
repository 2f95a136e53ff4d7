"""What discriminators of several spaces share: from pooled features to a logit, a class, a direction."""

from abc import abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autogan.nets.layers import initialise
from autogan.nets.spectral_norm import Direction, SpectralNorm, Unnormalised
from autogan.spaces.discriminator_architecture import DiscriminatorArchitecture
from autogan.spaces.networks import Discriminator


class PooledDiscriminator(Discriminator):
    """A discriminator whose logit is read from pooled features h; a subclass computes these.

    Its layers are made by `make_head`, after the subclass's own. The logit is ψ(h), a linear layer without
    bias; with classes ψ(h) + ⟨e_y, h⟩, e_y learned for each class (Miyato and Koyama, 2018). Where some
    images are unlabelled it learns which class an image has, and takes its guess where it is not told
    (Lucic et al., 2019): a linear layer on h, which is never spectrally normalised.
    """

    def make_head(
        self, channels: int, wrap: type[Unnormalised], *, direction_head: bool = False
    ) -> None:
        """Makes the last layers, for h of so many `channels`.

        direction_head: whether ψ is a direction, which is trained apart (SAN); not beside classes.
        """
        assert not (direction_head and self.classes), "a direction beside classes"
        self.to_logit = (Direction if direction_head else wrap)(nn.Linear(channels, 1, bias=False))
        if self.classes:
            count = len(self.classes)
            self.of_class = wrap(nn.Linear(channels, count, bias=False))  # rows: the e_y
            if self.classes.unlabelled:
                self.to_class = nn.Linear(channels, count)

    def head_layers(self) -> list[nn.Module]:
        """The layers after the features that may be spectrally normalised; a forward pass uses each once."""
        return [self.to_logit, *([self.of_class] if self.classes else [])]

    @abstractmethod
    def features(
        self,
        images: Tensor,
        stage: int | None,
        architecture: DiscriminatorArchitecture | None = None,
    ) -> Tensor:
        """images: B×3×H×W in [-1, 1], stage: 0 … stages-1, by default the last → B×C.

        architecture: as of `Discriminator.forward`.
        """

    def initialise(self, generator: torch.Generator) -> None:
        """Fresh weights and fresh singular vectors, in place."""
        initialise(self, generator)
        for module in self.modules():
            if isinstance(module, SpectralNorm):
                module.reset_vectors(generator)

    def forward(
        self,
        images: Tensor,
        stage: int | None = None,
        labels: Tensor | None = None,
        architecture: DiscriminatorArchitecture | None = None,
    ) -> Tensor:
        """images: B×3×H×W in [-1, 1], stage: 0 … stages-1, by default the last → logits B.

        labels: int64 B, the classes of the images, -1 where it is to guess; without classes it has no
        use for them. architecture: as of `Discriminator.forward`.
        """
        h = self.features(images, stage, architecture)
        if not self.guesses_classes:
            return self._logits(h, labels)
        assert labels is not None
        return self._logits(h, known_or_guessed(labels, self.to_class(h)))

    def with_guesses(
        self,
        images: Tensor,
        stage: int | None,
        labels: Tensor,
        architecture: DiscriminatorArchitecture | None = None,
    ) -> tuple[Tensor, Tensor]:
        """As `Discriminator.with_guesses`."""
        h = self.features(images, stage, architecture)
        guesses = self.to_class(h)  # B×classes
        return self._logits(h, known_or_guessed(labels, guesses)), guesses

    @property
    def has_direction(self) -> bool:
        """As `Discriminator.has_direction`."""
        return isinstance(self.to_logit, Direction)

    def logits_apart(
        self,
        images: Tensor,
        stage: int | None = None,
        labels: Tensor | None = None,
        architecture: DiscriminatorArchitecture | None = None,
    ) -> tuple[Tensor, Tensor]:
        """As `Discriminator.logits_apart`."""
        assert isinstance(self.to_logit, Direction)
        logits, along = self.to_logit.apart(self.features(images, stage, architecture))
        return logits.squeeze(1), along.squeeze(1)  # B each

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
