"""Gates: scalars that are 1, and through which gradients reach what chose an option."""

from collections.abc import Mapping

from torch import Tensor

Gates = Mapping[str, Tensor]
"""By the name of a decision, the gate of the option that is taken: a scalar."""


def gated(x: Tensor, gates: Gates | None, *decisions: str) -> Tensor:
    """`x` times the gates of these decisions: the same values while each gate is 1; `x` itself without."""
    if gates is None:
        return x
    for decision in decisions:
        x = x * gates[decision]
    return x
