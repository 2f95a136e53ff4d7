"""Files that are whole or absent, and trees of state in them without pickle.

A tree is made of dictionaries (keys: strings or integers), lists, tuples, tensors, strings, numbers,
booleans and None. It is stored as one safetensors file: the tensors, and in the metadata the shape
of the tree as JSON with the place of each tensor.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; flushed and renamed at the end, removed after an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield aside
        with aside.open("rb+") as file:
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes `text` so that the file is never seen half-written."""
    with written_aside(path) as aside:
        aside.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Writes JSON, indented, so that the file is never seen half-written."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def save_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """A safetensors file with metadata, whole or absent."""
    contiguous = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    with written_aside(path) as aside:
        save_file(contiguous, aside, metadata=metadata)


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file; raises `ValueError` where it is none."""
    try:
        with safe_open(path, framework="pt") as file:
            names = file.keys()  # not a dictionary: a handle on the file
            return {name: file.get_tensor(name) for name in names}, file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(f"{path} is not a whole safetensors file: {error}") from None


def save_tree(path: Path, tree: Any) -> None:
    """Stores a tree of state in one file."""
    tensors: dict[str, Tensor] = {}
    shape = json.dumps(_flatten(tree, tensors))
    save_tensors(path, tensors, {"tree": shape})


def load_tree(path: Path) -> Any:
    """The tree that `save_tree` stored, its tensors on the CPU."""
    tensors, metadata = load_tensors(path)
    if "tree" not in metadata:
        raise ValueError(f"{path} holds no state of a run")
    return _rebuild(json.loads(metadata["tree"]), tensors)


def _flatten(value: Any, tensors: dict[str, Tensor]) -> Any:
    """JSON for `value`: {"kind": [...]} for containers and tensors, itself for plain values."""
    if isinstance(value, torch.Tensor):
        name = f"{len(tensors):06d}"
        tensors[name] = value.clone()  # safetensors refuses tensors that share memory
        return {"tensor": name}
    if isinstance(value, dict):
        return {"dict": [[key, _flatten(item, tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [_flatten(item, tensors) for item in value]}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"cannot store a {type(value).__name__} in a tree of state")


def _rebuild(value: Any, tensors: dict[str, Tensor]) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "dict":
        return {key: _rebuild(item, tensors) for key, item in content}
    items = [_rebuild(item, tensors) for item in content]
    return tuple(items) if kind == "tuple" else items
