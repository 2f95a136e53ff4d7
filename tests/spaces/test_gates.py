"""Gates: nothing changes while they are 1, and gradients reach those of all that is computed."""

import random

import pytest
import torch
from torch import Tensor

from autogan.nets.gates import gated
from autogan.nets.layers import initialise
from autogan.spaces import SPACES, search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.networks import Generator

FULL = {
    "autogan": Architecture.parse("pre-batch-nearest/post-none-bilinear+shortcut+skip0"),
    "modern": Architecture.parse("modern:modulated-nearest/pre-batch-bilinear+linear+half+skip0"),
}


def made(space: str) -> Generator:
    generator = search_space(space, 2).generator(latent_size=6, channels=8, bottom_size=4)
    initialise(generator, torch.Generator().manual_seed(0))
    for name, parameter in generator.named_parameters():
        if name.endswith("strength"):
            torch.nn.init.constant_(parameter, 0.5)
    return generator.double().eval()


def images(generator: Generator, architecture: Architecture, gates: dict[str, Tensor]) -> Tensor:
    latents = torch.randn(3, 6, generator=torch.Generator().manual_seed(1)).double()
    made: Tensor = generator(latents, architecture, True, None, gates)
    return made


def ones(space: str) -> dict[str, Tensor]:
    return {
        decision.name: torch.ones((), dtype=torch.float64, requires_grad=True)
        for decision in search_space(space, 2).at_stage(1)
    }


@pytest.mark.parametrize("space", SPACES)
def test_gates_of_one_change_nothing(space: str) -> None:
    generator, stream = made(space), random.Random(0)
    latents = torch.randn(3, 6, generator=torch.Generator().manual_seed(1)).double()
    for _ in range(12):
        architecture = search_space(space, 2).sample(stream)
        assert torch.equal(
            images(generator, architecture, ones(space)), generator(latents, architecture, True)
        )


@pytest.mark.parametrize("space", SPACES)
def test_gradients_of_gates_are_those_of_what_they_multiply(space: str) -> None:
    """Beside differences; every decision of an architecture that computes all it can has one."""
    generator, architecture = made(space), FULL[space]
    gates = ones(space)
    images(generator, architecture, gates).square().sum().backward()
    for name, gate in gates.items():
        assert gate.grad is not None, name

        def at(value: float, name: str = name) -> float:
            moved = {**gates, name: torch.tensor(value, dtype=torch.float64)}
            return images(generator, architecture, moved).square().sum().item()

        difference = (at(1 + 1e-5) - at(1 - 1e-5)) / 2e-5
        assert gate.grad.item() == pytest.approx(difference, rel=1e-3, abs=1e-6), name
        assert abs(difference) > 1e-4, f"{name} multiplies nothing that counts"


def test_what_is_not_computed_has_no_gradient() -> None:
    architecture = Architecture.parse("pre-batch-nearest/pre-batch-nearest")
    gates = ones("autogan")
    images(made("autogan"), architecture, gates).sum().backward()
    assert {name for name, gate in gates.items() if gate.grad is None} == {"shortcut", "skips"}


def test_without_gates_a_tensor_is_itself() -> None:
    x = torch.ones(2, 3)
    assert gated(x, None, "any") is x
    assert torch.equal(gated(x, {"a": torch.tensor(2.0), "b": torch.tensor(3.0)}, "a", "b"), 6 * x)
