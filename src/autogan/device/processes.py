"""Several processes that train one generator together, started by `torchrun`.

Every process holds all weights and draws all random numbers. Of each batch it takes its own part, and
gradients are averaged over the processes. So together they do what one process does with the whole batch,
but for the order of additions.
"""

import atexit
import os
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.distributed import ProcessGroup

from autogan.device.torchrun import started_count

MOST_CHARACTERS = 64
"""Of a text that processes agree on."""
LONGEST_WAIT = timedelta(hours=12)
"""For the others: the first process trains the judge meanwhile."""


@dataclass(frozen=True)
class Processes:
    """This process among all that train together.

    rank: 0 to count - 1; the first one keeps the run. local_rank: among those of this machine.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0

    @classmethod
    def started(cls) -> "Processes":
        """Those that `torchrun` started, joined when first asked for; else this process alone."""
        return _joined() if started_count() > 1 else ALONE

    @property
    def first(self) -> bool:
        """Whether this process keeps the run."""
        return self.rank == 0

    def part(self, tensor: Tensor) -> Tensor:
        """This process's part of a whole batch, N×… → N/count×…, the parts in the order of the ranks."""
        if self.count == 1:
            return tensor
        assert len(tensor) % self.count == 0, (len(tensor), self.count)
        return tensor.chunk(self.count)[self.rank] if len(tensor) else tensor

    def average(self, tensors: list[Tensor]) -> None:
        """Each tensor becomes its mean over all processes, in place; all in one message."""
        if self.count == 1 or not tensors:
            return
        joined = torch.cat([tensor.flatten() for tensor in tensors])
        torch.distributed.all_reduce(joined)
        joined /= self.count
        parts = joined.split([tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view(tensor.shape))

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum over all processes, whose gradient is the sum of all gradients."""
        summed: Tensor = _Sum.apply(tensor)
        return summed

    def agreed(self, text: str | None) -> str | None:
        """The first text, in the order of the ranks, that is one; the same in every process."""
        if self.count == 1:
            return text
        own = list((text or "").encode("ascii"))
        assert len(own) <= MOST_CHARACTERS, text
        given = torch.zeros(MOST_CHARACTERS, dtype=torch.uint8)
        given[: len(own)] = torch.tensor(own, dtype=torch.uint8)
        all_given = [torch.empty_like(given) for _ in range(self.count)]
        torch.distributed.all_gather(all_given, given, group=control_group())
        texts = (bytes(one.tolist()).rstrip(b"\0").decode("ascii") for one in all_given)
        return next((text for text in texts if text), None)

    def wait(self) -> None:
        """Until all have come so far."""
        if self.count > 1:
            torch.distributed.barrier(group=control_group())


ALONE = Processes()


@cache
def _joined() -> Processes:
    gpus = torch.cuda.is_available() and torch.distributed.is_nccl_available()
    torch.distributed.init_process_group("cuda:nccl,cpu:gloo" if gpus else "gloo")
    atexit.register(_leave)
    control_group()
    return Processes(
        torch.distributed.get_rank(),
        torch.distributed.get_world_size(),
        int(os.environ["LOCAL_RANK"]),
    )


@cache
def control_group() -> ProcessGroup:
    """The group for what processes agree on beside the gradients. All must ask for it together at first."""
    control = torch.distributed.new_group(backend="gloo", timeout=LONGEST_WAIT)
    assert isinstance(control, ProcessGroup)  # every process belongs to it
    return control


def _leave() -> None:
    """Ends the threads that carry messages, and waits for them: one that let go of its last tensor while
    Python ends would abort the process."""
    control_group.cache_clear()  # a group ends when nothing holds it any more
    torch.distributed.destroy_process_group()


class _Sum(torch.autograd.Function):
    """A sum over processes: everyone's loss hangs on everyone's part."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        summed = tensor.clone()
        torch.distributed.all_reduce(summed)
        return summed

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        summed = gradient.clone()
        torch.distributed.all_reduce(summed)
        return summed
