"""Files that are whole or absent, and trees of state in them without pickle.

A tree is made of dictionaries (keys: strings or integers), lists, tuples, tensors, strings, numbers,
booleans and None. It is stored as one safetensors file: the tensors, and in the metadata the shape
of the tree as JSON with the place of each tensor.

Every safetensors file of ours holds a checksum over its tensors and its metadata. A damaged file is
noticed when it is read.
"""

import hashlib
import json
import os
import re
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

_CHECKSUM = "sha256"
_ABANDONED_SECONDS = 24 * 3600


class DamagedFile(ValueError):
    """A file does not hold what was written to it."""


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; flushed and renamed at the end, removed after an error.

    Its folder must be there: one that was taken away is not made again. Once this returns, the file
    survives a power cut: its folder's entry is on the disk as well.
    """
    aside = aside_of(path)
    try:
        yield aside
        with aside.open("rb+") as file:
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        if error.errno is not None and error.filename is None:  # a write does not know its file
            error.filename = str(path)
        raise
    finally:
        aside.unlink(missing_ok=True)
    flush_folder(path.parent)


def aside_of(path: Path) -> Path:
    """What to call `path` until it is whole: no other process writes to that, on any machine of a shared
    folder (in containers, all may have one number)."""
    return path.with_name(f".{path.name}.{_machine()}.{os.getpid()}.tmp")


def _machine() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def make_folder_of(path: Path) -> None:
    """Makes the folders above an output that a person named, or above a place in the cache."""
    path.parent.mkdir(parents=True, exist_ok=True)


def flush_folder(folder: Path) -> None:
    """Waits until the names in a folder (files made, renamed or removed) are on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_unfinished(folder: Path) -> None:
    """Removes what a process that has ended was writing aside, in `folder` and below; of another machine,
    what is older than a day."""
    for aside in folder.rglob(".*.tmp"):
        named = re.fullmatch(r"\..*\.([0-9a-f]{8})\.(\d+)\.tmp", aside.name)
        if named is None:
            continue
        if named[1] == _machine():
            writing = is_running(int(named[2]))
        else:
            writing = time.time() - aside.stat().st_mtime < _ABANDONED_SECONDS
        if writing:
            continue
        if aside.is_dir():
            shutil.rmtree(aside)
        else:
            aside.unlink(missing_ok=True)


def is_running(process: int) -> bool:
    """Whether another process of this number is at work (a recycled number counts as that)."""
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # there is one, of another user
        return True
    return True


def write_text(path: Path, text: str) -> None:
    """Writes `text` so that the file is never seen half-written."""
    with written_aside(path) as aside:
        aside.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Writes JSON, indented, so that the file is never seen half-written."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def tensors_digest(tensors: dict[str, Tensor]) -> str:
    """SHA-256 in hex of the names, types, shapes and bytes of tensors."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        dtype = str(tensor.dtype).removeprefix("torch.")
        shape = tuple(tensor.shape) or (1,)
        digest.update(f"{name} {dtype} {shape}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _checksum(tensors: dict[str, Tensor], metadata: dict[str, str]) -> str:
    texts = "".join(metadata[name] for name in sorted(metadata) if name != _CHECKSUM)
    return hashlib.sha256((tensors_digest(tensors) + texts).encode()).hexdigest()


def save_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """A safetensors file with metadata and a checksum, whole or absent.

    Raises `OSError` where it cannot be written.
    """
    contiguous = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    checked = {**metadata, _CHECKSUM: _checksum(contiguous, metadata)}
    with written_aside(path) as aside:
        try:
            save_file(contiguous, aside, metadata=checked)
        except SafetensorError as error:  # the library words the system's errors as its own
            number = re.search(r"os error (\d+)", str(error))
            if number is None:
                raise
            code = int(number[1])
            raise OSError(code, os.strerror(code), str(path)) from None


def load_tensors(
    path: Path, *, must_be_checked: bool = False
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file; raises `DamagedFile` where it is none.

    must_be_checked: whether a file without our checksum is refused; others may write such files.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = dict(file.metadata() or {})
            names = file.keys()  # not a dictionary: a handle on the file
            tensors = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, ValueError) as error:
        raise DamagedFile(f"{path} is not a whole safetensors file: {error}") from None
    expected = metadata.pop(_CHECKSUM, None)
    if expected is None and must_be_checked:
        raise DamagedFile(f"{path} has no checksum.")
    if expected is not None and expected != _checksum(tensors, metadata):
        raise DamagedFile(f"{path} does not match its checksum.")
    return tensors, metadata


def save_tree(path: Path, tree: Any, about: dict[str, Any] | None = None) -> None:
    """Stores a tree of state in one file, with `about` where `read_about` finds it."""
    tensors: dict[str, Tensor] = {}
    shape = json.dumps(_flatten(tree, tensors))
    save_tensors(path, tensors, {"tree": shape, "about": json.dumps(about or {})})


def load_tree(path: Path) -> Any:
    """The tree that `save_tree` stored, its tensors on the CPU; `DamagedFile` if it changed since."""
    tensors, metadata = load_tensors(path)
    if "tree" not in metadata:
        raise ValueError(f"{path} holds no state of a run")
    return _rebuild(json.loads(metadata["tree"]), tensors)


def check_tree(path: Path) -> None:
    """Raises `DamagedFile` where a file is not, to the bit, what `save_tree` stored."""
    _, metadata = load_tensors(path, must_be_checked=True)
    if not {"tree", "about"} <= metadata.keys():  # a bit of a name can change, too
        raise DamagedFile(f"{path} holds no state of a run.")


def read_about(path: Path) -> dict[str, Any]:
    """What `save_tree` was given to say about a tree, without reading the tree."""
    try:
        with safe_open(path, framework="pt") as file:
            about: dict[str, Any] = json.loads((file.metadata() or {})["about"])
            return about
    except (SafetensorError, ValueError, KeyError) as error:
        raise DamagedFile(f"{path} is not a whole state of a run: {error}") from None


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
