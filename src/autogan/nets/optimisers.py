"""Optimisers that go on from a stored state exactly, and one that torch has for matrices only."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn


def load_optimiser(optimiser: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Loads moments and rates, and gives every moment its weight's memory layout.

    Other options stay the optimiser's own: a state may come from another device. The fused updates
    walk weights and moments in memory order, whatever their strides say, and files keep tensors
    contiguous.
    """
    own = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state["state"], "param_groups": own})
    for group, saved in zip(optimiser.param_groups, state["param_groups"], strict=True):
        _put_rate(group, float(saved["lr"]))
        if "betas" in saved:  # of Adam; a schedule may have changed them
            group["betas"] = tuple(map(float, saved["betas"]))
    for parameter, moments in optimiser.state.items():
        for name, moment in moments.items():
            if isinstance(moment, Tensor) and moment.shape == parameter.shape:
                moments[name] = torch.empty_like(parameter).copy_(moment)


def put_back_optimiser(optimiser: torch.optim.Optimizer, state: dict[str, Any]) -> bool:
    """Moments as in an earlier state of the same optimiser, in the same memory.

    Returns whether a weight lost moments that it did not have then.
    """
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    lost = False
    for number, weight in enumerate(weights):
        before = state["state"].get(number)
        if before is None:
            lost |= optimiser.state.pop(weight, None) is not None
            continue
        for name, moment in before.items():
            optimiser.state[weight][name].copy_(moment)
    return lost


def restart_optimiser(
    optimiser: torch.optim.Optimizer, rate: float, betas: tuple[float, float]
) -> None:
    """An Adam as it was before its first step, in the same memory."""
    for moments in optimiser.state.values():
        for moment in moments.values():
            moment.zero_()
    for group in optimiser.param_groups:
        set_learning_rate(group, rate)
        group["betas"] = betas


TIMES = "times"
"""What the learning rate of a parameter group is multiplied by, where its group says so."""


def rate_groups(
    module: nn.Module, faster: Sequence[nn.Parameter] = (), times: float = 1.0
) -> list[dict[str, Any]]:
    """The weights of a module, and in a group of their own those whose rate is so many times the others'."""
    if times == 1 or not faster:
        return [{"params": list(module.parameters())}]
    apart = set(faster)
    others = [weight for weight in module.parameters() if weight not in apart]
    return [{"params": others}, {"params": list(faster), TIMES: times}]


def set_learning_rate(group: dict[str, Any], rate: float) -> None:
    """Sets the rate of a parameter group, times what its group says."""
    _put_rate(group, rate * group.get(TIMES, 1.0))


def _put_rate(group: dict[str, Any], rate: float) -> None:
    """In place where it is a tensor, which recorded steps read."""
    if isinstance(group["lr"], Tensor):
        group["lr"].fill_(rate)
    else:
        group["lr"] = rate


class Muon(torch.optim.Optimizer):
    """Steps whose matrices are made orthogonal: for the kernels of convolutions before a normalisation.

    The gradient's moving sum (Nesterov's), as a matrix of output channels × all else, is replaced by the
    nearest matrix with orthonormal rows or columns, so that every direction is learned equally fast.
    Before it every kernel is brought to the norm √(output channels): a normalisation follows, so its
    length only changes what a step is worth. After Jordan et al. 2024, "Muon: an optimizer for hidden
    layers in neural networks", and its use on CIFAR-10.
    """

    def __init__(self, params: Iterable[Tensor], lr: float, momentum: float) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update of every weight that has a gradient."""
        assert closure is None
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["sum"] = torch.zeros_like(weight)
                summed = state["sum"].mul_(group["momentum"]).add_(weight.grad)
                step = orthogonalised(weight.grad.add(summed, alpha=group["momentum"]))
                weight.mul_(math.sqrt(len(weight)) / weight.norm()).add_(step, alpha=-group["lr"])


def orthogonalised(tensor: Tensor) -> Tensor:
    """About the nearest matrix, O × rest, whose singular values are all 1; of the tensor's shape.

    Five steps of a quintic Newton–Schulz iteration, which bring singular values above a hundredth of
    the largest into 0.7 to 1.2: enough for a step's direction.
    """
    matrix = tensor.flatten(1)
    wide = matrix.shape[0] <= matrix.shape[1]
    x = matrix if wide else matrix.T
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return (x if wide else x.T).reshape(tensor.shape)
