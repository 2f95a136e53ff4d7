"""Files in the cache: written aside and renamed, and verified when they are read."""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor


class DamagedFile(Exception):
    """A cached file does not hold what was written to it."""


def digest_of(value: Any) -> str:
    """SHA-256 in hex of a JSON value, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def tensors_digest(tensors: dict[str, Tensor]) -> str:
    """SHA-256 in hex of the names, types, shapes and bytes of tensors."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name].detach().cpu().numpy())
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def write_tensors(path: Path, tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
    """Write a safetensors file, whole or not at all, with `about` as JSON in its metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    about_text = json.dumps(about, sort_keys=True)
    checksum = hashlib.sha256((tensors_digest(stored) + about_text).encode()).hexdigest()
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    os.close(handle)
    try:
        save_file(stored, aside, metadata={"about": about_text, "sha256": checksum})
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and `about` of a file from `write_tensors`; `DamagedFile` if it changed since."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, UnicodeDecodeError, ValueError) as error:
        raise DamagedFile(f"{path} is not a readable safetensors file ({error}).") from error
    about_text = metadata.get("about", "")
    expected = hashlib.sha256((tensors_digest(tensors) + about_text).encode()).hexdigest()
    if metadata.get("sha256") != expected:
        raise DamagedFile(f"{path} does not match its checksum.")
    about: dict[str, Any] = json.loads(about_text)
    return tensors, about
