"""The two losses of a training, read back from the device for the journal."""

import math

from torch import Tensor

from autogan.basics.errors import Diverged
from autogan.runs.events import Losses


def read_losses(
    part: str,
    step: int,
    discriminator_loss: Tensor,
    generator_loss: Tensor,
    stage: int | None = None,
    augmentation_probability: Tensor | None = None,
) -> Losses:
    """The losses as a line of the journal; `Diverged` where one is no finite number.

    augmentation_probability: of an augmentation that adapts it.
    """
    probability = augmentation_probability
    losses = Losses(
        part,
        step,
        discriminator_loss.item(),
        generator_loss.item(),
        stage,
        None if probability is None else probability.item(),
    )
    if not (math.isfinite(losses.discriminator_loss) and math.isfinite(losses.generator_loss)):
        raise Diverged(
            f"The training {part!r} went wrong in step {step}: its losses are "
            f"{losses.discriminator_loss} (discriminator) and {losses.generator_loss} (generator)."
        )
    return losses
