"""The file of an authors' checkpoint: tensors and plain values, of which nothing is executed."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autogan.basics.errors import UserError

GENERATOR = "gen_state_dict"
AVERAGED_GENERATOR = "avg_gen_state_dict"
DISCRIMINATOR = "dis_state_dict"
CONTROLLER = "ctrl_state_dict"
PARTS = (GENERATOR, AVERAGED_GENERATOR, DISCRIMINATOR, CONTROLLER)

_PLAIN_NUMBERS: list[Any] = [
    # best_fid is a NumPy number in files of the authors' program; NumPy 1 and 2 name its maker apart.
    (np._core.multiarray.scalar, "numpy.core.multiarray.scalar"),  # type: ignore[attr-defined]
    (np._core.multiarray.scalar, "numpy._core.multiarray.scalar"),  # type: ignore[attr-defined]
    np.dtype,
    *(type(np.dtype(kind)) for kind in ("float32", "float64", "int32", "int64")),
]

_NAMES_SHOWN = 6


@dataclass(frozen=True)
class StateDict:
    """The tensors of one network, and where they come from, for messages."""

    tensors: dict[str, Tensor]
    source: str

    def require(self, expected: Mapping[str, tuple[int, ...]], network: str) -> None:
        """Raises `UserError` unless the tensors are the `expected` ones: name, shape, finite numbers.

        Counters of batches beside expected running statistics may be there or not: no output
        depends on them. network: what the tensors were expected to be, for the message.
        """
        counters = {
            name.replace("running_mean", "num_batches_tracked")
            for name in expected
            if name.endswith("running_mean")
        }
        missing = [name for name in expected if name not in self.tensors]
        surplus = [name for name in self.tensors if name not in expected and name not in counters]
        misshapen = [
            f"{name} ({_shape(self.tensors[name].shape)}, expected {_shape(shape)})"
            for name, shape in expected.items()
            if name in self.tensors and tuple(self.tensors[name].shape) != tuple(shape)
        ]
        unusable = [
            f"{name} ({fault})"
            for name in expected
            if name in self.tensors and (fault := _fault(self.tensors[name]))
        ]
        problems = [
            f"{label}: {_listed(names)}"
            for label, names in (
                ("missing", missing),
                ("surplus", surplus),
                ("of another shape", misshapen),
                ("no weights", unusable),
            )
            if names
        ]
        if problems:
            raise UserError(
                f"The tensors of {self.source} are not those of {network}. {'; '.join(problems)}."
            )


@dataclass(frozen=True)
class Checkpoint:
    """What a file holds: networks by their names in a checkpoint, or one network alone.

    parts: of a checkpoint, {} for a plain state dict; plain: the other way round.
    """

    path: Path
    parts: dict[str, dict[str, Tensor]]
    plain: dict[str, Tensor] | None

    @classmethod
    def read(cls, path: Path) -> "Checkpoint":
        """Reads a checkpoint or a plain state dict; raises `UserError` for any other file."""
        content = _load(path)
        if _is_state_dict(content):
            return cls(path, {}, _without_prefix(content))
        parts = {
            name: content[name]
            for name in PARTS
            if isinstance(content, dict) and content.get(name) is not None
        }
        if not parts:
            raise UserError(
                f"{path} holds no network of the authors' program: neither a state dict nor a "
                f"checkpoint with one of {', '.join(PARTS)}."
            )
        for name, part in parts.items():
            if not _is_state_dict(part):
                raise UserError(f"{path}: {name} is no state dict (names and tensors).")
        return cls(path, {name: _without_prefix(part) for name, part in parts.items()}, None)

    def state(self, part: str) -> StateDict:
        """The tensors of one part; of a plain state dict, its tensors, whichever part is asked for."""
        if self.plain is not None:
            return StateDict(self.plain, str(self.path))
        if part not in self.parts:
            raise UserError(f"{self.path} has no {part}; it has {', '.join(self.parts)}.")
        return StateDict(self.parts[part], f"{self.path} ({part})")


def _load(path: Path) -> Any:
    if not path.is_file():
        raise UserError(f"There is no checkpoint file {path}.")
    try:
        with torch.serialization.safe_globals(_PLAIN_NUMBERS):
            return torch.load(path, map_location="cpu", weights_only=True)
    except PermissionError:
        raise UserError(f"{path} cannot be opened: permission denied.") from None
    except Exception as error:  # bytes of another kind of file make an unpickler raise anything
        if forbidden := re.search(r"\bGLOBAL (\S+)", str(error)):
            raise UserError(
                f"{path} holds more than tensors and plain values: {forbidden[1]}. "
                "Reading that could run code, so it was refused; nothing in it was executed. Save "
                "the state dicts alone with torch.save."
            ) from None
        raise UserError(
            f"{path} cannot be read as a PyTorch checkpoint: it is cut off, damaged or another "
            f"kind of file ({type(error).__name__}). Nothing in it was executed."
        ) from None


def _is_state_dict(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and len(value) > 0
        and all(isinstance(k, str) and isinstance(v, Tensor) for k, v in value.items())
    )


def _without_prefix(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Without the `module.` that networks on several GPUs are saved with."""
    if not all(name.startswith("module.") for name in tensors):
        return dict(tensors)
    return {name.removeprefix("module."): tensor for name, tensor in tensors.items()}


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _fault(tensor: Tensor) -> str:
    """Why a tensor can be no weights of float32; empty where it can."""
    if tensor.layout != torch.strided:
        return "not dense"
    if not tensor.is_floating_point():
        return str(tensor.dtype).removeprefix("torch.")
    return "" if tensor.float().isfinite().all() else "NaN or infinite"


def _shape(sizes: Iterable[int]) -> str:
    return "×".join(map(str, sizes)) or "a number"
