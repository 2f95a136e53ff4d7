"""What several suites ask: who refuses, who draws random numbers, what was stored."""

import pickle
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autogan.basics.errors import UserError
from autogan.files.storage import load_tree, save_tree


def refuses(call: Callable[..., Any], *given: Any) -> bool:
    """Whether a call raises `UserError`, with a message; any other error passes on."""
    try:
        call(*given)
    except UserError as error:
        return bool(str(error).strip())
    return False


@contextmanager
def draws_from_no_shared_stream() -> Iterator[None]:
    """Fails where what is inside draws from a stream that others draw from, or seeds one."""
    before = _shared_streams()
    yield
    names = ("random", "numpy", "torch")
    moved = [n for n, a, b in zip(names, before, _shared_streams(), strict=True) if a != b]
    assert not moved, f"It used the random stream that {moved} share with all others."


def _shared_streams() -> tuple[Any, Any, Any]:
    name, keys, position, *rest = np.random.get_state()
    return (
        random.getstate(),
        (name, np.asarray(keys).tolist(), position, *rest),
        torch.get_rng_state().tolist(),
    )


@contextmanager
def without_pickle() -> Iterator[None]:
    """Fails where what is inside pickles or unpickles: reading a pickle can run anything."""

    def refuse(*given: Any, **named: Any) -> Any:
        raise AssertionError("It uses pickle.")

    names = ("dump", "dumps", "load", "loads", "Pickler", "Unpickler")
    before = {name: getattr(pickle, name) for name in names}
    for name in names:
        setattr(pickle, name, refuse)
    try:
        yield
    finally:
        for name, function in before.items():
            setattr(pickle, name, function)


def stored_and_read(state: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A state as it comes back from a checkpoint."""
    save_tree(folder / "state", state)
    restored: dict[str, Any] = load_tree(folder / "state")
    return restored


def equal_trees(one: Any, other: Any) -> bool:
    """Whether two states hold the same, tensors to the bit."""
    if isinstance(one, Tensor) or isinstance(other, Tensor):
        both = isinstance(one, Tensor) and isinstance(other, Tensor)
        return both and torch.equal(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal_trees(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        same = len(one) == len(other)
        return same and all(equal_trees(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)


def seeded(seed: int) -> torch.Generator:
    """A stream for the pixels, latents and logits of a test."""
    return torch.Generator().manual_seed(seed)
