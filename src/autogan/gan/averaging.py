"""The averaged generator."""

import torch
from torch import Tensor, nn

from autogan.spaces.networks import Generator


class AveragedGenerator:
    """Exponential moving average of a generator's parameters and of its floating-point buffers.

    decay: weight of the past at each update, 0.999 in the paper's program. In the first steps the
    weight is (1 + n) / (10 + n) where that is less, so that the random start is soon forgotten.
    """

    def __init__(self, generator: Generator, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self._live = _floating_state(generator)
        self._average = {name: value.detach().clone() for name, value in self._live.items()}

    @torch.no_grad()
    def update(self) -> None:
        """Moves the average one step towards the generator's present weights."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(
            list(self._average.values()), [v.detach() for v in self._live.values()], 1 - decay
        )

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
