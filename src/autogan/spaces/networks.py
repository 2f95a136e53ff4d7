"""What the networks of every space offer to those who train them, score them and keep them."""

from abc import abstractmethod

import torch
from torch import Tensor, nn

from autogan.basics.errors import UserError
from autogan.images.classes import Classes
from autogan.nets.layers import initialise
from autogan.spaces.architecture import Architecture
from autogan.spaces.discriminator_architecture import DiscriminatorArchitecture
from autogan.spaces.space import SearchSpace
from autogan.spaces.widths import Channels


class Generator(nn.Module):
    """Images as a function of (weights, architecture, latents).

    space: the options that are open; a space of one member makes it a derived generator.
    latent_size: length of a latent vector, whose entries are standard normal.
    channels: channels of every cell, or of each.
    bottom_size: side in pixels of the feature map that the first stage doubles.
    classes: that images are made of, each asked for by its label; None: it takes no labels.
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
        super().__init__()
        self.space = space
        self.latent_size = latent_size
        self.channels = channels
        self.bottom_size = bottom_size
        self.classes = classes

    @staticmethod
    def for_architecture(
        architecture: Architecture,
        *,
        latent_size: int = 128,
        channels: Channels = 256,
        bottom_size: int = 4,
        classes: Classes | None = None,
        seed: int = 0,
    ) -> "Generator":
        """The freshly initialised network of one architecture, by default at the published widths.

        It is in training mode, as modules are when made; `.eval()` before images are drawn from it.
        """
        generator = SearchSpace.only(architecture).generator(
            latent_size=latent_size, channels=channels, bottom_size=bottom_size, classes=classes
        )
        initialise(generator, torch.Generator().manual_seed(seed))
        return generator

    def known_labels(self, labels: Tensor | None) -> Tensor:
        """`labels`, which a generator of classes must be given; else raises `UserError`."""
        assert self.classes is not None, "a generator without classes"
        if labels is None:
            raise UserError(
                f"This generator makes images of {len(self.classes)} classes: give it labels, "
                f"one number from 0 to {len(self.classes) - 1} for each latent."
            )
        return labels

    def class_parameters(self) -> list[nn.Parameter]:
        """What tells classes apart: their numbers beside the latent, their gains and biases."""
        return [weight for name, weight in self.named_parameters() if "class_" in name]

    @property
    def architecture(self) -> Architecture:
        """The only architecture of a derived generator."""
        assert self.space.cardinality() == 1, "a shared generator has no architecture of its own"
        return self.space.first()


class Discriminator(nn.Module):
    """Images to one logit each, at every stage of the generator's growth.

    stages: number of stages at full growth; channels: of every block. classes: of the images; None
    where labels make no difference. guesses_classes: whether images may come without their label (-1);
    it then learns from the others to tell the class.
    """

    def __init__(self, stages: int, channels: int, *, classes: Classes | None = None) -> None:
        super().__init__()
        self.classes = classes
        self.guesses_classes = classes is not None and classes.unlabelled
        self.stages = stages
        self.channels = channels

    @abstractmethod
    def initialise(self, generator: torch.Generator) -> None:
        """Draws fresh weights, and all else that a fresh network starts from, in place."""

    @abstractmethod
    def forward(
        self,
        images: Tensor,
        stage: int | None = None,
        labels: Tensor | None = None,
        architecture: DiscriminatorArchitecture | None = None,
    ) -> Tensor:
        """images: B×3×H×W in [-1, 1], stage: by default the last → logits B.

        labels: int64 B, for discriminators that have a use for them. architecture: which of its options
        to take, for one that several options are open in; None: it has only one way to go.
        """

    def with_guesses(
        self,
        images: Tensor,
        stage: int | None,
        labels: Tensor,
        architecture: DiscriminatorArchitecture | None = None,
    ) -> tuple[Tensor, Tensor]:
        """As `forward`, and beside the logits those of each image's class, B×classes.

        For discriminators that guess classes; only they have it.
        """
        raise NotImplementedError(f"{type(self).__name__} guesses no classes")

    @property
    def has_direction(self) -> bool:
        """Whether the last layer is a direction, which has a loss of its own."""
        return False

    def logits_apart(
        self,
        images: Tensor,
        stage: int | None = None,
        labels: Tensor | None = None,
        architecture: DiscriminatorArchitecture | None = None,
    ) -> tuple[Tensor, Tensor]:
        """As `forward`, and the same values with gradients to the direction alone: B each.

        Only asked of those that have a direction.
        """
        raise NotImplementedError(f"{type(self).__name__} has no direction")
