"""Batch normalisation over processes, with one process that stands for all."""

import torch

from autogan.device.processes import Processes
from autogan.nets.joint_norm import JointBatchNorm, join_batch_norms
from autogan.nets.layers import BatchNorm


class Twice(Processes):
    """Two processes that hold the same: a sum over both is twice one's own."""

    def sum(self, tensor: torch.Tensor) -> torch.Tensor:
        """As `Processes.sum`."""
        return 2 * tensor


def test_two_equal_halves_are_normalised_as_the_whole() -> None:
    half = torch.randn((4, 3, 5, 5), generator=torch.Generator().manual_seed(0)) * 3 + 1
    whole, joined = BatchNorm(3), BatchNorm(3)
    join_batch_norms(joined, Twice(count=2))
    assert type(joined) is JointBatchNorm
    for _ in range(2):
        torch.testing.assert_close(joined(half), whole(torch.cat([half, half]))[:4])
    torch.testing.assert_close(joined.state_dict(), whole.state_dict())
    torch.testing.assert_close(joined.eval()(half), whole.eval()(half))


def test_its_gradient_is_that_of_the_whole() -> None:
    half = torch.randn((4, 3, 5, 5), generator=torch.Generator().manual_seed(0))
    wanted = torch.randn(half.shape, generator=torch.Generator().manual_seed(1))
    whole, joined = BatchNorm(3), BatchNorm(3)
    join_batch_norms(joined, Twice(count=2))
    x, both = half.clone().requires_grad_(), torch.cat([half, half]).requires_grad_()
    (joined(x) * wanted).sum().backward()
    (whole(both) * torch.cat([wanted, wanted])).sum().backward()
    assert x.grad is not None and both.grad is not None
    torch.testing.assert_close(x.grad, both.grad[:4], rtol=1e-4, atol=1e-5)
