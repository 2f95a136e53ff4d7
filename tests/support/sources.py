"""Sources of images in miniature: folders, archives, CIFAR-10 and STL-10 in their original formats.

torchvision compares the files of the latter with the published checksums; the checksums of the
miniatures are put into torchvision's tables, so that the comparison itself stays in use.
"""

import hashlib
import io
import pickle
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision import datasets

CIFAR_CLASSES = ["airplane", "automobile", "bird", "cat", "deer",
                 "dog", "frog", "horse", "ship", "truck"]  # fmt: skip
STL_CLASSES = ["airplane", "bird", "car", "cat", "deer",
               "dog", "horse", "monkey", "ship", "truck"]  # fmt: skip


def png(value: int) -> bytes:
    """A grey image of 8×8 pixels."""
    stream = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), value, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def classes(number: int = 20, prefix: str = "") -> dict[str, bytes]:
    """`number` images in each of two classes; all images differ."""
    return {
        f"{prefix}{name}/{i:03}.png": png(100 * label + i)
        for label, name in enumerate(("cats", "dogs"))
        for i in range(number)
    }


def split(train: int = 6, test: int = 3, name: str = "test") -> dict[str, bytes]:
    """The same in a folder to train on and one to judge by; their images are the same."""
    return {**classes(train, "train/"), **classes(test, f"{name}/")}


def write_folder(files: Mapping[str, bytes], path: Path) -> Path:
    """Files by relative name, below `path`."""
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def write_archive(files: Mapping[str, bytes], path: Path) -> Path:
    """Files by relative name in an archive; the ending says of which kind."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path
    with tarfile.open(path, f"w:{path.suffix[1:]}" if path.suffix != ".tar" else "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def make_cifar10(files: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five batches of 20 and a test batch of 10. Red tells the image's number, green its class."""
    folder = files / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for index, name in enumerate([*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]):
        number = 10 if name == "test_batch" else 20
        labels = [(i + index) % 10 for i in range(number)]
        pixels = np.zeros((number, 3, 32, 32), np.uint8)
        pixels[:, 0] = (20 * index + np.arange(number))[:, None, None]
        pixels[:, 1] = np.array(labels)[:, None, None] * 20
        pixels[:, 2] = np.arange(32)[:, None] * 8  # blue grows downwards
        batch = {"data": pixels.reshape(number, 3072), "labels": labels}
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": CIFAR_CLASSES}, protocol=2))
    kind = datasets.CIFAR10
    for table in ("train_list", "test_list"):
        sums = [[name, _md5(folder / name)] for name, _ in getattr(kind, table)]
        monkeypatch.setattr(kind, table, sums)
    monkeypatch.setattr(kind, "meta", {**kind.meta, "md5": _md5(folder / "batches.meta")})
    return files


def make_stl10(files: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """20 labelled, 30 unlabelled and 10 test images; stored column by column, labels from 1."""
    folder = files / "stl10_binary"
    folder.mkdir(parents=True)
    for start, name, number in ((0, "train", 20), (20, "unlabeled", 30), (50, "test", 10)):
        pixels = np.zeros((number, 3, 96, 96), np.uint8)  # N×3×column×row
        pixels[:, 0] = (start + np.arange(number))[:, None, None]
        pixels[:, 2] = np.arange(96) * 2  # blue grows downwards
        pixels.tofile(folder / f"{name}_X.bin")
        if name != "unlabeled":
            (np.arange(number, dtype=np.uint8) % 10 + 1).tofile(folder / f"{name}_y.bin")
    (folder / "class_names.txt").write_text("\n".join(STL_CLASSES))
    kind = datasets.STL10
    for table in ("train_list", "test_list"):
        sums = [[name, _md5(folder / name)] for name, _ in getattr(kind, table)]
        monkeypatch.setattr(kind, table, sums)
    return files


def zip_of(members: list[tuple[bytes, bool]], contents: list[bytes]) -> bytes:
    """A zip whose members' names may be any bytes; with each, whether it claims UTF-8."""
    body, table = b"", b""
    for (name, utf_8), content in zip(members, contents, strict=True):
        flags, size = 0x800 if utf_8 else 0, len(content)
        about = struct.pack(
            "<HHHHIIIHH", flags, 0, 0, 33, zlib.crc32(content), size, size, len(name), 0
        )
        table += b"PK\1\2" + struct.pack("<HH", 20, 20) + about
        table += struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + name
        body += b"PK\3\4" + struct.pack("<H", 20) + about + name + content
    number = len(members)
    end = struct.pack("<HHHHIIH", 0, 0, number, number, len(table), len(body), 0)
    return body + table + b"PK\5\6" + end
