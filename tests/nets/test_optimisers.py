"""Optimisers that go on from a stored state."""

import copy

import pytest
import torch
from torch import nn

from autogan.nets.optimisers import Muon, load_optimiser, orthogonalised, set_learning_rate


def made(rate: float | torch.Tensor = 0.1) -> tuple[nn.Conv2d, torch.optim.Adam]:
    layer = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.arange(float(parameter.numel())).view(parameter.shape) / 50)
    return layer, torch.optim.Adam(layer.parameters(), lr=rate, betas=(0.0, 0.9), fused=True)


def step(layer: nn.Conv2d, optimiser: torch.optim.Adam, number: int) -> None:
    optimiser.zero_grad()
    layer(torch.full((2, 3, 5, 5), number / 7)).square().sum().backward()
    optimiser.step()


@pytest.mark.parametrize("kind", [float, torch.tensor])
def test_it_goes_on_with_the_stored_moments_and_the_stored_rate(kind: type) -> None:
    layer, optimiser = made()
    step(layer, optimiser, 1)
    set_learning_rate(optimiser.param_groups[0], 0.03)
    state, weights = copy.deepcopy(optimiser.state_dict()), copy.deepcopy(layer.state_dict())
    for moments in state["state"].values():  # as a file gives them back
        for name, moment in moments.items():
            moments[name] = moment.contiguous()
    other, restored = made(kind(0.1))
    other.load_state_dict(weights)
    load_optimiser(restored, state)
    (group,) = restored.param_groups
    assert float(group["lr"]) == pytest.approx(0.03) and isinstance(group["lr"], type(kind(0.1)))
    for number in (2, 3):
        step(layer, optimiser, number)
        step(other, restored, number)
    for one, again in zip(layer.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, again)


@pytest.mark.parametrize("shape", [(8, 3, 3, 3), (16, 2, 1, 1), (5, 5, 3, 3)])
def test_orthogonalised_keeps_the_directions_and_evens_their_lengths(
    shape: tuple[int, ...],
) -> None:
    """Beside the singular value decomposition U·V^T, which is the nearest such matrix."""
    tensor = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    found = orthogonalised(tensor)
    assert found.shape == shape
    u, _, v = torch.linalg.svd(tensor.flatten(1), full_matrices=False)
    inside = u.T @ found.flatten(1) @ v.T  # the same directions: diagonal
    assert (inside - inside.diag().diag()).abs().max() < 1e-3
    assert inside.diag().min() > 0.5 and inside.diag().max() < 1.3


def test_a_step_of_muon_is_that_of_its_formula() -> None:
    weight = torch.randn(6, 4, 3, 3, generator=torch.Generator().manual_seed(1))
    parameter = nn.Parameter(weight.clone())
    optimiser = Muon([parameter], lr=0.1, momentum=0.6)
    summed = torch.zeros_like(weight)
    for number in range(3):
        gradient = torch.randn(weight.shape, generator=torch.Generator().manual_seed(10 + number))
        parameter.grad = gradient.clone()
        optimiser.step()
        summed = 0.6 * summed + gradient
        normed = weight * 6**0.5 / weight.square().sum().sqrt()
        weight = normed - 0.1 * orthogonalised(gradient + 0.6 * summed)
    torch.testing.assert_close(parameter.detach(), weight)


def test_decay_rates_that_a_schedule_changed_come_back() -> None:
    layer, optimiser = made()
    step(layer, optimiser, 1)
    optimiser.param_groups[0]["betas"] = (0.0, 0.95)
    _, restored = made()
    load_optimiser(restored, copy.deepcopy(optimiser.state_dict()))
    assert restored.param_groups[0]["betas"] == (0.0, 0.95)
