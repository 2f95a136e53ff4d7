"""Games in bfloat16: their gradients are near those in float32, of the same weights."""

import copy

import pytest
import torch
from gpu_acceptance import NARROW, Setup, game_of, play_round, real_images, setups
from torch import Tensor, nn

from autogan.bench.cases import search_architectures
from autogan.device.compute import Compute
from autogan.gan.schedules import Schedule
from autogan.spaces import DEFAULT_SPACE

SMALL = [
    setup
    for setup in setups()
    if setup.space == DEFAULT_SPACE and setup.stage == 1 and setup.discriminator is None
]
"""Against AutoGAN's discriminator: one of blocks that reads deviations is so sure of networks as narrow as
these that the loss has hardly a gradient, and what is left of it is rounding."""


def gradients(network: nn.Module) -> Tensor:
    return torch.cat([w.grad.flatten() for w in network.parameters() if w.grad is not None])


@pytest.mark.parametrize("setup", SMALL, ids=str)
def test_steps_in_bfloat16_are_near_those_in_float32(setup: Setup) -> None:
    """In the third step with penalties where there are any, in the fourth with all that begins late."""
    full, low = (
        game_of(setup, NARROW, Compute.resolve("cpu", precision))
        for precision in ("float32", "bfloat16")
    )
    schedule = Schedule(setup.settings, 12)
    architecture = search_architectures(setup.stage + 1, setup.space)[1]
    real = real_images(full, NARROW, architecture)
    for step in range(4):
        if step >= 2:
            low.load_state_dict(copy.deepcopy(full.state_dict()))
            schedule.apply(low, step)
            play_round(low, NARROW, architecture, real)
            low.refuse_non_finite()
        schedule.apply(full, step)
        play_round(full, NARROW, architecture, real)
        if step >= 2:
            for player, most in (("discriminator", 0.1), ("generator", 0.3)):
                found, wanted = (gradients(getattr(gan, player)) for gan in (low, full))
                # Equal ones would be of the same precision.
                assert 0 < (found - wanted).norm() / wanted.norm() < most, player
