"""The averaged generator."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from autogan.spaces.networks import Generator


@dataclass(frozen=True)
class HalfLife:
    """A decay by images seen: in so many of them, half of the past is forgotten (Karras et al., 2020).

    images: the half-life, in real images that D sees. seen_share: it is at most this share of those
    seen so far. images_per_update: seen from one update of the average to the next.
    """

    images: float
    seen_share: float
    images_per_update: int

    def decay(self, updates: int) -> float:
        """Weight of the past at this update, the first being 1."""
        half_life = min(self.images, self.seen_share * updates * self.images_per_update)
        return float(0.5 ** (self.images_per_update / half_life))


class AveragedGenerator:
    """Exponential moving average of a generator's parameters and of its floating-point buffers.

    decay: weight of the past at each update, 0.999 in the paper's program. In the first steps the
    weight is (1 + n) / (10 + n) where that is less, so that the random start is soon forgotten. Or a
    half-life.
    """

    def __init__(self, generator: Generator, decay: float | HalfLife) -> None:
        self.decay = decay
        self.updates = 0
        self._live = _floating_state(generator)
        self._average = {name: value.detach().clone() for name, value in self._live.items()}

    @torch.no_grad()
    def update(self) -> None:
        """Moves the average one step towards the generator's present weights."""
        self.updates += 1
        decay = self._decay()
        torch._foreach_lerp_(
            list(self._average.values()), [v.detach() for v in self._live.values()], 1 - decay
        )

    def _decay(self) -> float:
        if isinstance(self.decay, HalfLife):
            return self.decay.decay(self.updates)
        return min(self.decay, (1 + self.updates) / (10 + self.updates))

    def state_dict(self) -> dict[str, Tensor]:
        """The averaged weights under the generator's own names."""
        return dict(self._average)

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Tensor], updates: int) -> None:
        """Takes over averaged weights and the number of updates that made them."""
        self.updates = updates
        for name, value in self._average.items():
            value.copy_(state[name])


def _floating_state(module: nn.Module) -> dict[str, Tensor]:
    state = module.state_dict(keep_vars=True)
    return {name: value for name, value in state.items() if value.is_floating_point()}
