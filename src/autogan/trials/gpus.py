"""Which GPUs each worker of this machine sees."""

import os

import torch

from autogan.basics.errors import UserError

VISIBLE = "CUDA_VISIBLE_DEVICES"
"""The variable by which a process sees some of the machine's GPUs, under new numbers from 0."""


def shared_out(workers: int, for_each: int) -> list[str]:
    """For each worker its GPUs, as VISIBLE takes them: no GPU is given to two.

    Raises `UserError` where this process sees fewer than workers × for_each.
    """
    names = _visible()
    needed = workers * for_each
    if needed > len(names):
        seen = f"{len(names)} ({', '.join(names)})" if names else "none"
        raise UserError(
            f"--workers {workers} with --gpus-per-worker {for_each} needs {needed} GPUs, and this process "
            f"sees {seen}. Give fewer workers, or make more visible ({VISIBLE})."
        )
    return [",".join(names[w * for_each : (w + 1) * for_each]) for w in range(workers)]


def _visible() -> list[str]:
    """The names of the GPUs that this process sees, for other processes."""
    count = torch.cuda.device_count()
    given = os.environ.get(VISIBLE)
    names = given.split(",") if given is not None else map(str, range(count))
    return [name.strip() for name in names][:count]
