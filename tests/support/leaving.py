"""Ends while messages to the other processes are still on their way.

torchrun --nproc-per-node 2 leaving.py
"""

import torch

from autogan.device.processes import Processes, control_group


def main() -> None:
    """Sends more than the threads that carry it have done by the end."""
    Processes.started()
    for _ in range(200):
        torch.distributed.all_reduce(torch.ones(100_000), async_op=True)
        torch.distributed.all_reduce(torch.ones(100_000), group=control_group(), async_op=True)


if __name__ == "__main__":
    main()
