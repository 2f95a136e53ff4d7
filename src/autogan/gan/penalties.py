"""Penalties on the gradient of the discriminator with respect to its input, and the objective they join."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from autogan.gan.objectives import (
    BestScored,
    Discriminate,
    Extended,
    Hinge,
    LeCam,
    NonSaturating,
    Objective,
    RelativisticAverage,
    RelativisticPairing,
    Wasserstein,
)
from autogan.settings.game import Loss, ObjectiveSettings

LOSSES: dict[Loss, type[Objective]] = {
    "hinge": Hinge,
    "non-saturating": NonSaturating,
    "relativistic-pairing": RelativisticPairing,
    "relativistic-average": RelativisticAverage,
    "wasserstein": Wasserstein,
}


class Penalty(ABC):
    """A scalar that grows with the gradients of D where it looks."""

    numbers: int = 0
    """Random numbers that it takes for each pair of images."""

    @abstractmethod
    def __call__(
        self, discriminate: Discriminate, real: Tensor, generated: Tensor, numbers: Tensor
    ) -> Tensor:
        """As `Objective.penalty`."""


@dataclass(frozen=True)
class ZeroCentred(Penalty):
    """R1 on real images, R2 on generated ones: γ/2 · E‖∇D‖² (Mescheder et al., 2018).

    weight: γ. of_real: which of the two.
    """

    weight: float
    of_real: bool

    def __call__(
        self, discriminate: Discriminate, real: Tensor, generated: Tensor, numbers: Tensor
    ) -> Tensor:
        images = real if self.of_real else generated
        gradients = squared_gradients(discriminate, images, generated=not self.of_real)
        return self.weight / 2 * gradients.mean()


@dataclass(frozen=True)
class OneCentred(Penalty):
    """λ · E(‖∇D(x̂)‖ − 1)², x̂ at a random place between a real and a generated image, of whose label it is
    (Gulrajani et al., 2017).

    weight: λ.
    """

    weight: float
    numbers = 1

    def __call__(
        self, discriminate: Discriminate, real: Tensor, generated: Tensor, numbers: Tensor
    ) -> Tensor:
        between = torch.lerp(real, generated, numbers[:, :, None, None])
        # The slope of a square root at 0 is infinite: D may well be flat somewhere.
        lengths = (squared_gradients(discriminate, between, generated=True) + 1e-12).sqrt()
        return self.weight * (lengths - 1).square().mean()


def squared_gradients(discriminate: Discriminate, images: Tensor, *, generated: bool) -> Tensor:
    """‖∇D‖² of each image, summed over C, H and W, with a graph to D's weights: B, as precise as the images.

    generated: as of `Discriminate`.
    """
    images = images.detach().requires_grad_()
    logits = discriminate(images, generated=generated)
    (gradients,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradients.square().sum(dim=(1, 2, 3))


class Penalised(Extended):
    """The losses of one objective, with penalties beside them.

    every_steps: discriminator steps from one penalty to the next; it then counts as many times
    (lazy regularisation: Karras et al., 2020).
    """

    def __init__(self, game: Objective, penalties: Sequence[Penalty], every_steps: int = 1) -> None:
        super().__init__(game)
        self.penalties = penalties
        self.penalty_every_steps = every_steps
        self.numbers = sum(penalty.numbers for penalty in penalties)

    def penalty(
        self, discriminate: Discriminate, real: Tensor, generated: Tensor, numbers: Tensor
    ) -> Tensor:
        """The sum of all penalties, times the steps that it stands for."""
        shares = numbers.split([penalty.numbers for penalty in self.penalties], dim=1)
        total = sum(
            penalty(discriminate, real, generated, share)
            for penalty, share in zip(self.penalties, shares, strict=True)
        )
        assert isinstance(total, Tensor), "no penalty"
        return self.penalty_every_steps * total


def make_objective(settings: ObjectiveSettings) -> Objective:
    """The objective that settings name."""
    game = LOSSES[settings.loss]()
    if settings.lecam_penalty:
        game = LeCam(game, settings.lecam_penalty, settings.lecam_decay, settings.lecam_from_step)
    if settings.top_share < 1:
        game = BestScored(game, settings.top_share, settings.top_share_steps)
    penalties: list[Penalty] = []
    if settings.real_penalty:
        penalties.append(ZeroCentred(settings.real_penalty, of_real=True))
    if settings.generated_penalty:
        penalties.append(ZeroCentred(settings.generated_penalty, of_real=False))
    if settings.slope_penalty:
        penalties.append(OneCentred(settings.slope_penalty))
    return Penalised(game, penalties, settings.penalty_every_steps) if penalties else game
