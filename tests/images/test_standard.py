"""CIFAR-10 and STL-10 from files in their original formats, in miniature (support/sources.py)."""

import urllib.error
from pathlib import Path
from typing import Any

import pytest
from sources import CIFAR_CLASSES, STL_CLASSES, make_cifar10, make_stl10
from torchvision import datasets

from autogan.basics.errors import UserError
from autogan.images import load_data


@pytest.fixture
def cifar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return make_cifar10(tmp_path / "files", monkeypatch)


@pytest.fixture
def stl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return make_stl10(tmp_path / "files", monkeypatch)


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
