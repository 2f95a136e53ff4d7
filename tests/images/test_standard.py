"""CIFAR-10 and STL-10 from files in their original formats, written here in miniature.

torchvision compares the files with the published checksums; the tests put the checksums of the
miniatures into torchvision's tables, so that the comparison itself stays in use.
"""

import hashlib
import pickle
import urllib.error
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torchvision import datasets

from autogan.basics.errors import UserError
from autogan.images import load_data

CIFAR_CLASSES = ["airplane", "automobile", "bird", "cat", "deer",
                 "dog", "frog", "horse", "ship", "truck"]  # fmt: skip
STL_CLASSES = ["airplane", "bird", "car", "cat", "deer",
               "dog", "horse", "monkey", "ship", "truck"]  # fmt: skip


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.fixture
def cifar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five batches of 20 and a test batch of 10. Red tells the image's number, green its class."""
    folder = tmp_path / "files" / "cifar-10-batches-py"
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
        sums = [[name, md5(folder / name)] for name, _ in getattr(kind, table)]
        monkeypatch.setattr(kind, table, sums)
    monkeypatch.setattr(kind, "meta", {**kind.meta, "md5": md5(folder / "batches.meta")})
    return folder.parent


@pytest.fixture
def stl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """20 labelled, 30 unlabelled and 10 test images; stored column by column, labels from 1."""
    folder = tmp_path / "files" / "stl10_binary"
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
        sums = [[name, md5(folder / name)] for name, _ in getattr(kind, table)]
        monkeypatch.setattr(kind, table, sums)
    return folder.parent


@pytest.mark.parametrize("below", ["", "cifar-10-batches-py"])
def test_cifar10(cifar: Path, tmp_path: Path, below: str) -> None:
    data = load_data(f"cifar10:{cifar / below}", 32, tmp_path / "cache")
    assert data.name == "CIFAR-10" and data.class_names == tuple(CIFAR_CLASSES)
    assert (len(data.train), len(data.held_out)) == (100, 10)
    for images, numbers in ((data.train, range(100)), (data.held_out, range(100, 110))):
        assert images.labels is not None
        assert sorted(images.pixels[:, 0, 0, 0].tolist()) == list(numbers)
        assert images.pixels[:, 1, 0, 0].tolist() == (images.labels * 20).tolist()
        assert images.pixels[0, 2, :, 5].tolist() == [8 * row for row in range(32)]
    assert data.train.pixels[:, 0, 0, 0].tolist() != list(range(100))
    assert data.notes == ()


def test_cifar10_at_another_size(cifar: Path, tmp_path: Path) -> None:
    data = load_data(f"cifar10:{cifar}", 16, tmp_path / "cache")
    full = load_data(f"cifar10:{cifar}", 32, tmp_path / "cache")
    assert (data.train.pixels == full.resized(16).train.pixels).all()
    assert data.notes == ("all images were scaled from 32 to 16 pixels",)


def test_stl10_trains_on_labelled_and_unlabelled(stl: Path, tmp_path: Path) -> None:
    data = load_data(f"stl10:{stl}", 96, tmp_path / "cache")
    assert data.name == "STL-10" and data.class_names == tuple(STL_CLASSES)
    assert (len(data.train), len(data.held_out)) == (50, 10)
    assert data.train.labels is not None and data.held_out.labels is not None
    numbers = data.train.pixels[:, 0, 0, 0].tolist()
    assert sorted(numbers) == list(range(50)) and numbers != sorted(numbers)
    assert data.train.labels.tolist() == [n % 10 if n < 20 else -1 for n in numbers]
    assert sorted(data.held_out.labels.tolist()) == list(range(10))
    assert data.train.pixels[0, 2, :, 5].tolist() == [2 * row for row in range(96)]
    assert any("-1" in note for note in data.notes)
    small = load_data(f"stl10:{stl}", 48, tmp_path / "cache")
    assert small.train.pixels.shape == (50, 3, 48, 48)
    assert small.train.pixels[:, 0, 0, 0].tolist() == numbers


@pytest.mark.parametrize(
    ("source", "name"),
    [("cifar10", "cifar-10-batches-py/data_batch_3"),
     ("cifar10", "cifar-10-batches-py/batches.meta"),
     ("stl10", "stl10_binary/unlabeled_X.bin"), ("stl10", "stl10_binary/class_names.txt")],
)  # fmt: skip
def test_damaged_or_missing_files(
    cifar: Path, stl: Path, tmp_path: Path, source: str, name: str
) -> None:
    (cifar / name).unlink()
    with pytest.raises(UserError, match=r"incomplete or damaged.*Fetch http.*unpack it in"):
        load_data(f"{source}:{cifar}", 32, tmp_path / "cache")
    (cifar / name).write_bytes(b"damaged")
    if not name.endswith(".txt"):  # the only file without a published checksum
        with pytest.raises(UserError, match="incomplete or damaged"):
            load_data(f"{source}:{cifar}", 32, tmp_path / "cache")


@pytest.mark.parametrize("source", ["cifar10", "stl10"])
def test_path_without_the_files(tmp_path: Path, source: str) -> None:
    with pytest.raises(UserError, match=r"There is no folder .*Fetch http"):
        load_data(f"{source}:{tmp_path}", 32, tmp_path / "cache")


@pytest.mark.parametrize(
    ("source", "module", "file"),
    [("cifar10", "cifar", "cifar-10-python.tar.gz"), ("stl10", "stl10", "stl10_binary.tar.gz")],
)
def test_failed_download_says_what_to_put_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, module: str, file: str
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(getattr(datasets, module), "download_and_extract_archive", fail)
    with pytest.raises(UserError, match=r"no network.* by hand") as caught:
        load_data(source, 32, tmp_path / "cache")
    assert str(tmp_path / "cache" / "data" / file) in str(caught.value)


def test_downloaded_files_are_used_and_then_the_cache(
    cifar: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the files in place nothing is fetched; with the entry in place no file is read."""

    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("fetched")

    monkeypatch.setattr(datasets.cifar, "download_and_extract_archive", fail)
    (tmp_path / "cache" / "data").mkdir(parents=True)
    moved = (cifar / "cifar-10-batches-py").rename(
        tmp_path / "cache" / "data" / "cifar-10-batches-py"
    )
    first = load_data("cifar10", 32, tmp_path / "cache")
    (moved / "data_batch_1").unlink()
    assert load_data("cifar10", 32, tmp_path / "cache") == first
