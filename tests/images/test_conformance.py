"""Every source of images keeps to the seam."""

from pathlib import Path

import pytest
from sources import classes, make_cifar10, make_stl10, png, write_archive, write_folder

from autogan.images import DataSet, glyphs, load_data
from autogan.images.dataset import from_stored
from autogan.testing import ImageSourceConformance


class TestGlyphs(ImageSourceConformance):
    def load(self, size: int, cache_directory: Path) -> DataSet:
        stored = glyphs.stored(size, cache_directory, train_images=60, held_out_images=20)
        return from_stored("glyphs", stored, cache_directory)


class FromFiles(ImageSourceConformance):
    """A source whose files lie on the disk."""

    source: str

    def load(self, size: int, cache_directory: Path) -> DataSet:
        return load_data(self.source, size, cache_directory)


class TestClassFolders(FromFiles):
    @pytest.fixture(autouse=True)
    def files(self, tmp_path: Path) -> None:
        self.source = f"folder:{write_folder(classes(), tmp_path / 'pets')}"


class TestFlatFolder(FromFiles):
    @pytest.fixture(autouse=True)
    def files(self, tmp_path: Path) -> None:
        flat = {name.replace("/", "-"): content for name, content in classes().items()}
        self.source = str(write_folder(flat, tmp_path / "pets"))


class TestPartlyLabelledFolder(FromFiles):
    @pytest.fixture(autouse=True)
    def files(self, tmp_path: Path) -> None:
        unlabelled = {f"unlabelled/{i}.png": png(210 + i) for i in range(20)}
        self.source = str(write_folder({**classes(), **unlabelled}, tmp_path / "pets"))


class TestTableOfLabels(FromFiles):
    @pytest.fixture(autouse=True)
    def files(self, tmp_path: Path) -> None:
        flat = {name.replace("/", "-"): content for name, content in classes().items()}
        lines = ["file,label", *(f"{name},{name[:4] * (i % 3 > 0)}" for i, name in enumerate(flat))]
        flat["labels.csv"] = "\n".join(lines).encode()
        self.source = str(write_archive(flat, tmp_path / "pets.zip"))


class TestArchive(FromFiles):
    @pytest.fixture(autouse=True)
    def files(self, tmp_path: Path) -> None:
        self.source = str(write_archive(classes(), tmp_path / "pets.tar.gz"))


class TestCifar10(FromFiles):
    @pytest.fixture(autouse=True)
    def files(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.source = f"cifar10:{make_cifar10(tmp_path / 'files', monkeypatch)}"


class TestStl10(FromFiles):
    sizes = (24, 96)

    @pytest.fixture(autouse=True)
    def files(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.source = f"stl10:{make_stl10(tmp_path / 'files', monkeypatch)}"
