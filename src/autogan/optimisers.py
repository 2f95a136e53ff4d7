"""Optimisers that go on from a stored state exactly."""

from typing import Any

import torch
from torch import Tensor


def load_optimiser(optimiser: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Loads a state and gives every moment its weight's memory layout.

    The fused updates walk weights and moments in memory order, whatever their strides say, and files
    keep tensors contiguous.
    """
    optimiser.load_state_dict(state)
    for parameter, moments in optimiser.state.items():
        for name, moment in moments.items():
            if isinstance(moment, Tensor) and moment.shape == parameter.shape:
                moments[name] = torch.empty_like(parameter).copy_(moment)
