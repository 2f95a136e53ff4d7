"""Whether a training has come to a standstill: the discriminator says the same of every image.

Its last features may sink below zero for every image, so that nothing is left of them after a ReLU. Then
both losses stay what they are, to the digit, and neither network learns any more.
"""

from collections.abc import Sequence

from autogan.runs.events import Losses

FEWEST = 5
"""Lines of the journal with the same losses that count as a standstill."""
SAME = 1e-6
"""Difference of two losses that are the same; sums of as many zeros differ by rounding at most."""


def standstill(lines: Sequence[Losses]) -> int | None:
    """The step since which both losses of a training have not changed; None where they move.

    lines: of one training, in order.
    """
    still = 0
    for line in reversed(lines):
        changes = (
            line.discriminator_loss - lines[-1].discriminator_loss,
            line.generator_loss - lines[-1].generator_loss,
        )
        if max(map(abs, changes)) > SAME:
            break
        still += 1
    return lines[-still].step if still >= FEWEST else None


def standstill_words(step: int) -> str:
    """For the terminal and the report."""
    return (
        f"The discriminator has said the same of every image since step {step:,} or before: from there on "
        "nothing was learned. Train again with another seed, a lower learning rate, or with spectral norm."
    )
