"""Optimisers that go on from a stored state exactly."""

from typing import Any

import torch
from torch import Tensor


def load_optimiser(optimiser: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Loads moments and rates, and gives every moment its weight's memory layout.

    Other options stay the optimiser's own: a state may come from another device. The fused updates
    walk weights and moments in memory order, whatever their strides say, and files keep tensors
    contiguous.
    """
    own = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state["state"], "param_groups": own})
    for group, saved in zip(optimiser.param_groups, state["param_groups"], strict=True):
        set_learning_rate(group, float(saved["lr"]))
        if "betas" in saved:  # of Adam; a schedule may have changed them
            group["betas"] = tuple(map(float, saved["betas"]))
    for parameter, moments in optimiser.state.items():
        for name, moment in moments.items():
            if isinstance(moment, Tensor) and moment.shape == parameter.shape:
                moments[name] = torch.empty_like(parameter).copy_(moment)


def set_learning_rate(group: dict[str, Any], rate: float) -> None:
    """Sets the rate of a parameter group; in place where it is a tensor, which recorded steps read."""
    if isinstance(group["lr"], Tensor):
        group["lr"].fill_(rate)
    else:
        group["lr"] = rate
