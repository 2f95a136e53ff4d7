"""Which GPUs a process sees."""

import os

import torch

VISIBLE = "CUDA_VISIBLE_DEVICES"
"""The variable by which a process sees some of the machine's GPUs, under new numbers from 0."""


def visible_gpus() -> list[str]:
    """The names of the GPUs that this process sees, as VISIBLE takes them for other processes."""
    count = torch.cuda.device_count()
    given = os.environ.get(VISIBLE)
    names = given.split(",") if given is not None else map(str, range(count))
    return [name.strip() for name in names][:count]
