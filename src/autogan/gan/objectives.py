"""Objectives: what the two networks minimise, from the discriminator's logits."""

from abc import ABC, abstractmethod
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Discriminate(Protocol):
    """D for the architecture, the augmentation and the labels of a step."""

    def __call__(self, images: Tensor, *, generated: bool = False) -> Tensor:
        """Images B×3×S×S in [-1, 1], not augmented yet → logits B.

        generated: whether D is told the labels of the generated images, as in `discriminator_loss`, instead
        of those of the real ones. They differ where a real image has none: D then guesses its class.
        """


class Objective(nn.Module, ABC):
    """The losses of one kind of game; a subclass is all that another kind needs.

    A discriminator step calls `discriminator_loss`, then, if one is due, `penalty`; a generator step
    calls `generator_loss`. They may be recorded and replayed (see `capture`): they read no value back to
    the host and draw no random numbers. What an objective remembers from step to step, a running
    mean say, is a buffer that one of these methods changes in place; it is kept in checkpoints.
    Nothing else may change.
    """

    generator_sees_real: bool = False
    """Whether `generator_loss` wants the logits of real images; every generator step must then be
    given a fresh batch of them."""
    penalty_every_steps: int = 1
    """Discriminator steps from one call of `penalty` to the next; the first step calls it."""
    numbers: int = 0
    """Random numbers that `penalty` takes for each pair of images."""

    @abstractmethod
    def discriminator_loss(self, real_logits: Tensor, generated_logits: Tensor) -> Tensor:
        """What D minimises, a scalar, from its float32 logits of B real and B generated images.

        The two are paired: image i of each has the same label.
        """

    def penalty(
        self, discriminate: Discriminate, real: Tensor, generated: Tensor, numbers: Tensor
    ) -> Tensor | None:
        """What D minimises besides, a scalar; None where that is nothing.

        For what needs gradients of D's input. real, generated: B×3×S×S in [-1, 1], without a graph.
        numbers: B×`numbers`, float32, uniform in [0, 1). Each call of `discriminate` is one more pass
        through D.
        """
        return None

    @abstractmethod
    def generator_loss(self, generated_logits: Tensor, real_logits: Tensor | None) -> Tensor:
        """What G minimises, a scalar, from D's float32 logits of B generated images.

        real_logits: of B real ones, paired with them as in `discriminator_loss`, where
        `generator_sees_real`; else None.
        """

    def direction_loss(self, real_logits: Tensor, generated_logits: Tensor) -> Tensor:
        """What the direction of a D whose head is one minimises besides, a scalar (`SAN`).

        The logits are those of `discriminator_loss`, but with gradients to the direction alone, and
        there to the features alone. Only asked of objectives that have such a term.
        """
        raise NotImplementedError(f"{type(self).__name__} has no loss of a direction")

    def realness(self, real_logits: Tensor, generated_logits: Tensor) -> Tensor:
        """B values whose sign says how sure D is of the real images of a discriminator step."""
        return real_logits

    def restart(self) -> None:
        """Called when both networks get fresh weights: what was remembered of the old ones becomes 0."""
        for remembered in self.buffers():
            remembered.zero_()


class Hinge(Objective):
    """The hinge objective (paper section 3.3)."""

    def discriminator_loss(self, real_logits: Tensor, generated_logits: Tensor) -> Tensor:
        """E[max(0, 1 − D(x))] + E[max(0, 1 + D(G(z)))]."""
        return F.relu(1 - real_logits).mean() + F.relu(1 + generated_logits).mean()

    def generator_loss(self, generated_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        """−E[D(G(z))]."""
        return -generated_logits.mean()

    def direction_loss(self, real_logits: Tensor, generated_logits: Tensor) -> Tensor:
        """E[D(G(z))] − E[D(x)]."""
        return generated_logits.mean() - real_logits.mean()


class NonSaturating(Objective):
    """The logistic objective in its non-saturating form (Goodfellow et al., 2014)."""

    def discriminator_loss(self, real_logits: Tensor, generated_logits: Tensor) -> Tensor:
        """E[softplus(−D(x))] + E[softplus(D(G(z)))]."""
        return F.softplus(-real_logits).mean() + F.softplus(generated_logits).mean()

    def generator_loss(self, generated_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        """E[softplus(−D(G(z)))]."""
        return F.softplus(-generated_logits).mean()

    def direction_loss(self, real_logits: Tensor, generated_logits: Tensor) -> Tensor:
        """E_r[D(G(z))] − E_r[D(x)], each a mean with the weights r = σ(−D), held fixed.

        r is the slope of G's loss: so a direction is best for the measures that G's gradient goes by
        (Takida et al., 2024).
        """
        means = []
        for logits in (generated_logits, real_logits):
            weights = logits.detach().neg().sigmoid()
            means.append((weights * logits).sum() / weights.sum())
        return means[0] - means[1]


class RelativisticPairing(Objective):
    """Each generated image against a real one (Jolicoeur-Martineau, 2018; Huang et al., 2024).

    Needs both gradient penalties, on real and on generated images, to converge.
    """

    generator_sees_real = True

    def discriminator_loss(self, real_logits: Tensor, generated_logits: Tensor) -> Tensor:
        """E[softplus(−(D(x) − D(G(z))))]."""
        return F.softplus(generated_logits - real_logits).mean()

    def generator_loss(self, generated_logits: Tensor, real_logits: Tensor | None) -> Tensor:
        """E[softplus(−(D(G(z)) − D(x)))]."""
        assert real_logits is not None
        return F.softplus(real_logits - generated_logits).mean()

    def realness(self, real_logits: Tensor, generated_logits: Tensor) -> Tensor:
        """D(x) − D(G(z)): a logit alone means nothing."""
        return real_logits - generated_logits


class RelativisticAverage(Objective):
    """Each image against the mean of the other kind (Jolicoeur-Martineau, 2018)."""

    generator_sees_real = True

    def discriminator_loss(self, real_logits: Tensor, generated_logits: Tensor) -> Tensor:
        """½ (E[softplus(−(D(x) − E D(G(z))))] + E[softplus(D(G(z)) − E D(x))])."""
        above = real_logits - generated_logits.mean()
        below = generated_logits - real_logits.mean()
        return (F.softplus(-above).mean() + F.softplus(below).mean()) / 2

    def generator_loss(self, generated_logits: Tensor, real_logits: Tensor | None) -> Tensor:
        """The same with real and generated exchanged."""
        assert real_logits is not None
        return self.discriminator_loss(generated_logits, real_logits)

    def realness(self, real_logits: Tensor, generated_logits: Tensor) -> Tensor:
        """D(x) − E[D(G(z))]: a logit alone means nothing."""
        return real_logits - generated_logits.mean()


class Wasserstein(Objective):
    """The difference of means, for a D whose slope a penalty holds near 1 (Gulrajani et al., 2017)."""

    def discriminator_loss(self, real_logits: Tensor, generated_logits: Tensor) -> Tensor:
        """E[D(G(z))] − E[D(x)]."""
        return generated_logits.mean() - real_logits.mean()

    def generator_loss(self, generated_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        """−E[D(G(z))]."""
        return -generated_logits.mean()


class Extended(Objective):
    """The losses of another objective; a subclass adds to one of them.

    What it does not add to, it hands on.
    """

    def __init__(self, game: Objective) -> None:
        super().__init__()
        self.game = game
        self.generator_sees_real = game.generator_sees_real
        self.penalty_every_steps = game.penalty_every_steps
        self.numbers = game.numbers

    def discriminator_loss(self, real_logits: Tensor, generated_logits: Tensor) -> Tensor:
        """That of the game."""
        return self.game.discriminator_loss(real_logits, generated_logits)

    def penalty(
        self, discriminate: Discriminate, real: Tensor, generated: Tensor, numbers: Tensor
    ) -> Tensor | None:
        """That of the game."""
        return self.game.penalty(discriminate, real, generated, numbers)

    def generator_loss(self, generated_logits: Tensor, real_logits: Tensor | None) -> Tensor:
        """That of the game."""
        return self.game.generator_loss(generated_logits, real_logits)

    def direction_loss(self, real_logits: Tensor, generated_logits: Tensor) -> Tensor:
        """That of the game."""
        return self.game.direction_loss(real_logits, generated_logits)

    def realness(self, real_logits: Tensor, generated_logits: Tensor) -> Tensor:
        """That of the game."""
        return self.game.realness(real_logits, generated_logits)


class LeCam(Extended):
    """λ · (E[max(0, D(x) − a_g)²] + E[max(0, a_r − D(G(z)))²]) added to D's loss (Tseng et al., 2021).

    a_r and a_g are moving averages of D(x) and D(G(z)), this step's included: D may not go far beyond
    what it says of the other kind on average, which holds it where there are few images.

    weight: λ. decay: of both averages; the first step sets them. from_step: discriminator steps before
    the term counts.
    """

    def __init__(self, game: Objective, weight: float, decay: float, from_step: int) -> None:
        super().__init__(game)
        self.weight = weight
        self.decay = decay
        self.from_step = from_step
        self.register_buffer("real_mean", torch.zeros(()))
        self.register_buffer("generated_mean", torch.zeros(()))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.real_mean: Tensor
        self.generated_mean: Tensor
        self.steps: Tensor

    def discriminator_loss(self, real_logits: Tensor, generated_logits: Tensor) -> Tensor:
        """That of the game, and the term from its step on."""
        share = torch.where(self.steps == 0, torch.ones_like(self.real_mean), 1 - self.decay)
        means = ((self.real_mean, real_logits), (self.generated_mean, generated_logits))
        for mean, logits in means:
            mean.lerp_(logits.detach().mean(), share)
        # Copies: the next step must not change what this one's backward pass needs.
        of_real, of_generated = self.real_mean.clone(), self.generated_mean.clone()
        above = F.relu(real_logits - of_generated).square().mean()
        below = F.relu(of_real - generated_logits).square().mean()
        weight = (self.steps >= self.from_step).to(above.dtype) * self.weight
        self.steps += 1
        return super().discriminator_loss(real_logits, generated_logits) + weight * (above + below)


class BestScored(Extended):
    """G learns from the k images of a step alone that D scores best (Sinha et al., 2020).

    k falls evenly from all B to share · B over so many generator steps, and then stays. The loss is
    that of all images; its gradient is that of the k, which count B/k times as much: for a loss that is
    a mean over images, the gradient of the mean over the k. All B are computed in any case, so that a
    recorded step serves every k.
    """

    def __init__(self, game: Objective, share: float, steps: int) -> None:
        super().__init__(game)
        self.share = share
        self.over_steps = steps
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.steps: Tensor

    def generator_loss(self, generated_logits: Tensor, real_logits: Tensor | None) -> Tensor:
        """That of the game, with the gradient of the best."""
        count = len(generated_logits)
        values = generated_logits.detach()
        passed = (self.steps.to(values.dtype) / self.over_steps).clamp(max=1)
        kept = (count * (1 - (1 - self.share) * passed)).round().clamp(min=1)
        self.steps += 1
        rank = values.argsort(descending=True, stable=True).argsort()  # B, the best is 0
        weights = torch.where(rank < kept, count / kept, 0.0)
        return super().generator_loss(values + weights * (generated_logits - values), real_logits)
