"""What every source of images keeps to."""

import itertools
import re
from abc import ABC, abstractmethod
from pathlib import Path

import torch
import torch.nn.functional as F

from autogan.images.dataset import DataSet, ImageSet
from autogan.testing.checks import draws_from_no_shared_stream, equal_trees


class ImageSourceConformance(ABC):
    """Tests of a source of images; its data are loaded a few times, into caches of their own.

    In a file of tests:

        from autogan.images import load_data
        from autogan.testing import ImageSourceConformance

        class TestMyFolder(ImageSourceConformance):
            def load(self, size, cache_directory):
                return load_data("folder:some/images", size, cache_directory)
    """

    sizes: tuple[int, ...] = (16, 32)
    """Sides in pixels that the images are asked for, the smaller ones first."""
    smaller = 8
    """Side in pixels that they are made smaller to."""

    @abstractmethod
    def load(self, size: int, cache_directory: Path) -> DataSet:
        """The data at `size`×`size`, decoded into a cache."""

    def parts(self, data: DataSet) -> tuple[ImageSet, ImageSet]:
        """To train on, and to judge by."""
        return data.train, data.held_out

    def test_images_are_uint8_of_the_size_asked_for(self, tmp_path: Path) -> None:
        for size in self.sizes:
            data = self.load(size, tmp_path)
            assert data.size == size, data.size
            for images in self.parts(data):
                assert images.pixels.dtype == torch.uint8
                assert images.pixels.shape[1:] == (3, size, size), images.pixels.shape
                assert images.pixels.max() > images.pixels.min(), "all pixels are one number"
            assert len(data.train) >= 2 and len(data.held_out) >= 1, "too few images"

    def test_labels_are_classes_of_the_data(self, tmp_path: Path) -> None:
        data = self.load(self.sizes[0], tmp_path)
        names = data.class_names
        assert len(set(names)) == len(names) and all(names), names
        for images in self.parts(data):
            assert (images.labels is not None) == bool(names), (
                "labels without names, or these alone"
            )
            if images.labels is not None:
                assert images.labels.dtype == torch.int64 and images.labels.shape == (len(images),)
                found = set(images.labels.tolist())
                assert found <= {-1, *range(len(names))}, found
                assert found != {-1}, "no image has a label"

    def test_held_out_images_are_not_trained_on(self, tmp_path: Path) -> None:
        data = self.load(self.sizes[0], tmp_path)
        train, held_out = ({i.numpy().tobytes() for i in p.pixels} for p in self.parts(data))
        assert not train & held_out, f"{len(train & held_out)} images are in both parts"

    def test_the_same_data_come_every_time(self, tmp_path: Path) -> None:
        size = self.sizes[0]
        with draws_from_no_shared_stream():
            one = self.load(size, tmp_path / "one")
        again, anew = self.load(size, tmp_path / "one"), self.load(size, tmp_path / "two")
        for other in (again, anew):
            assert other == one and other.digest == one.digest, "another digest"
            for ours, theirs in zip(self.parts(one), self.parts(other), strict=True):
                assert torch.equal(ours.pixels, theirs.pixels), "other pixels"
                assert equal_trees(ours.labels, theirs.labels), "other labels"
            assert (one.class_names, one.notes) == (other.class_names, other.notes)

    def test_the_digest_tells_sizes_apart(self, tmp_path: Path) -> None:
        digests = [self.load(size, tmp_path).digest for size in self.sizes]
        assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests), digests
        assert len(set(digests)) == len(digests), digests

    def test_images_do_not_come_class_by_class(self, tmp_path: Path) -> None:
        data = self.load(self.sizes[0], tmp_path)
        if data.train.labels is None or not data.labelled:
            return
        labels = [label for label in data.train.labels.tolist() if label >= 0]
        changes = sum(a != b for a, b in itertools.pairwise(labels))
        assert changes >= len(data.class_names), "the classes come one after the other"

    def test_smaller_images_keep_their_order(self, tmp_path: Path) -> None:
        data = self.load(self.sizes[-1], tmp_path)
        small = data.resized(self.smaller)
        assert data.resized(data.size) is data and data.resized(self.smaller) == small
        assert small.size == self.smaller and small.digest != data.digest
        assert (small.name, small.class_names) == (data.name, data.class_names)
        for large, images in zip(self.parts(data), self.parts(small), strict=True):
            assert len(images) == len(large), "another number of images"
            assert equal_trees(images.labels, large.labels), "other labels"
            expected = F.interpolate(
                large.pixels.float(), images.size, mode="bilinear", antialias=True
            )
            difference = (images.pixels.float() - expected).abs().max().item()
            assert difference <= 1, f"an image is another one; they differ by {difference}"

    def test_notes_are_sentences_for_people(self, tmp_path: Path) -> None:
        for size in self.sizes:
            data = self.load(size, tmp_path)
            assert data.name.strip() == data.name != "" and data.name.isprintable(), data.name
            for note in data.notes:
                assert note == note.strip() and note.isprintable(), repr(note)
                assert len(note.split()) >= 3, f"{note!r} is no sentence"
            assert len(set(data.notes)) == len(data.notes), data.notes
