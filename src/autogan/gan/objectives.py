"""Objectives: what the two networks minimise, from the discriminator's logits."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

Discriminate = Callable[[Tensor], Tensor]
"""Images B×3×S×S in [-1, 1], not augmented yet → logits B, for the architecture and the labels of a step."""


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


class NonSaturating(Objective):
    """The logistic objective in its non-saturating form (Goodfellow et al., 2014)."""

    def discriminator_loss(self, real_logits: Tensor, generated_logits: Tensor) -> Tensor:
        """E[softplus(−D(x))] + E[softplus(D(G(z)))]."""
        return F.softplus(-real_logits).mean() + F.softplus(generated_logits).mean()

    def generator_loss(self, generated_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        """E[softplus(−D(G(z)))]."""
        return F.softplus(-generated_logits).mean()


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


class Wasserstein(Objective):
    """The difference of means, for a D whose slope a penalty holds near 1 (Gulrajani et al., 2017)."""

    def discriminator_loss(self, real_logits: Tensor, generated_logits: Tensor) -> Tensor:
        """E[D(G(z))] − E[D(x)]."""
        return generated_logits.mean() - real_logits.mean()

    def generator_loss(self, generated_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        """−E[D(G(z))]."""
        return -generated_logits.mean()
