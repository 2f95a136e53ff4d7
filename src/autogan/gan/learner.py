"""The two networks of the game, each with its optimiser: how they learn, start again, and are kept."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from autogan.basics.errors import Diverged
from autogan.device.processes import Processes
from autogan.nets.optimisers import restart_optimiser, set_learning_rate


class Learner:
    """A network with the Adam that trains it.

    learning_rate, betas: those it starts with, and starts again with. processes: those that train it
    together.
    """

    def __init__(
        self,
        network: nn.Module,
        optimiser: torch.optim.Adam,
        learning_rate: float,
        betas: tuple[float, float],
        processes: Processes,
    ) -> None:
        self.network = network
        self.optimiser = optimiser
        self.learning_rate = learning_rate
        self.betas = betas
        self._processes = processes

    def learn(self, loss: Tensor) -> Tensor:
        """One update down the slope of a loss; the loss without its graph. Of several processes both the
        slope and the loss are means over all."""
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._processes.average([p.grad for p in self.network.parameters() if p.grad is not None])
        self.optimiser.step()
        loss = loss.detach()
        self._processes.average([loss])
        return loss

    def forget_gradients(self) -> None:
        """Gives back the memory that gradients lie in."""
        self.optimiser.zero_grad(set_to_none=True)

    def restart_optimiser(self) -> None:
        """An optimiser as before its first step, in the same memory."""
        restart_optimiser(self.optimiser, self.learning_rate, self.betas)

    def set_learning_rate(self, factor: float) -> None:
        """To `factor` times the initial one."""
        for group in self.optimiser.param_groups:
            set_learning_rate(group, self.learning_rate * factor)

    def set_second_decay_rate(self, rate: float) -> None:
        """Adam's β₂; a recorded step would not notice."""
        for group in self.optimiser.param_groups:
            group["betas"] = (group["betas"][0], rate)

    def tensors(self) -> Iterator[Tensor]:
        """Weights, buffers and moments."""
        yield from self.network.state_dict().values()
        for of_weight in self.optimiser.state.values():
            yield from of_weight.values()


class Learners(NamedTuple):
    """The two that learn."""

    generator: Learner
    discriminator: Learner


def refuse_non_finite(tensors: Iterable[Tensor], what: str) -> None:
    """Raises `Diverged` where a value of these tensors, of one device, is no finite number."""
    floating = [t for t in tensors if t.is_floating_point() and t.numel()]
    # The largest magnitude of each; not-a-numbers win. One wait for the device in all.
    largest = torch.stack([t.float() for t in torch._foreach_norm(floating, float("inf"))])
    if not bool(largest.isfinite().all()):
        raise Diverged(f"Training went wrong: the {what} are no finite numbers any more.")
