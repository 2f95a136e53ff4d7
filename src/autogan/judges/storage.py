"""Files in the cache: a few tensors, and what they are, as one checked safetensors file."""

import hashlib
import json
from pathlib import Path
from typing import Any

from torch import Tensor

from autogan.files.storage import (
    DamagedFile,
    load_tensors,
    make_folder_of,
    save_tensors,
    tensors_digest,
)

__all__ = ["DamagedFile", "digest_of", "read_tensors", "tensors_digest", "write_tensors"]


def digest_of(value: Any) -> str:
    """SHA-256 in hex of a JSON value, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def write_tensors(path: Path, tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
    """Write a safetensors file, whole or not at all, with `about` as JSON in its metadata."""
    make_folder_of(path)
    save_tensors(path, tensors, {"about": json.dumps(about, sort_keys=True)})


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and `about` of a file from `write_tensors`; `DamagedFile` if it changed since."""
    tensors, metadata = load_tensors(path, must_be_checked=True)
    if "about" not in metadata:  # a bit of a name can change, too
        raise DamagedFile(f"{path} does not say what it holds.")
    about: dict[str, Any] = json.loads(metadata["about"])
    return tensors, about
