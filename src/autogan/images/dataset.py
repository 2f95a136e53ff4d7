"""Images in memory: an ImageSet is pixels and labels; a DataSet is two of these and a name."""

import hashlib
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from autogan.images import cache
from autogan.images.classes import Classes, classes_of

RESIZE_VERSION = 1
_MIB_PER_STEP = 16  # float memory that one step of resizing may take


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images, and their classes where these are known.

    pixels: uint8, N×3×S×S, RGB, 0..255. May be a map of a file in the cache, which takes no memory
        of the process and is never written to.
    labels: int64, N, in 0..number of classes - 1; -1: this image has no label (STL-10's unlabelled
        images are trained on together with its labelled ones). None where no image has a label.
    """

    pixels: Tensor
    labels: Tensor | None

    def __post_init__(self) -> None:
        shape = tuple(self.pixels.shape)
        assert self.pixels.dtype == torch.uint8 and len(shape) == 4, (self.pixels.dtype, shape)
        assert shape[1] == 3 and shape[2] == shape[3], shape
        if self.labels is not None:
            assert self.labels.dtype == torch.int64 and self.labels.shape == shape[:1]

    def __len__(self) -> int:
        return self.pixels.shape[0]

    @property
    def size(self) -> int:
        """S: height and width in pixels."""
        return self.pixels.shape[-1]

    @property
    def labelled_images(self) -> int:
        """How many have a label."""
        return 0 if self.labels is None else int((self.labels >= 0).sum())

    def placed_on(self, device: torch.device) -> "ImageSet":
        """The same with the pixels on `device`, where half of its free memory holds them.

        Else they stay where they are, and batches must travel.
        """
        if device.type == "cuda" and self.pixels.nbytes > torch.cuda.mem_get_info(device)[0] // 2:
            return self
        return replace(self, pixels=self.pixels.to(device))


@dataclass(frozen=True, eq=False)
class DataSet:
    """Real images to train on, and others, never trained on, to judge by.

    Two data sets are equal when their digests are: the name and the notes are only for people.

    name: for people, e.g. "glyphs", "CIFAR-10", "folder:cats".
    digest: sha256 in hex over pixels, labels and class names as loaded (for the glyphs and for
        resized copies: over what determines them). The same data have the same digest, whether
        they came from a folder or an archive, whatever it is called.
    class_names: in the order of the labels; () when unlabelled.
    train: shuffled with a fixed seed (real images lie on disk class by class).
    held_out: the test split where the source has one, else a class-stratified tenth; shuffled too.
    notes: what was converted, cropped or left out, for people.
    cache_directory: where resized copies are kept; None: the default (see `cache`).
    """

    name: str
    digest: str
    class_names: tuple[str, ...]
    train: ImageSet
    held_out: ImageSet
    notes: tuple[str, ...] = ()
    cache_directory: Path | None = field(default=None, repr=False)
    _resized: dict[int, "DataSet"] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        assert self.train.size == self.held_out.size
        labelled = self.train.labels is not None and self.held_out.labels is not None
        assert labelled == bool(self.class_names), (labelled, self.class_names)

    def describe(self) -> dict[str, Any]:
        """Name, digest and number of the images of both parts, for files."""
        return {
            "name": self.name,
            "digest": self.digest,
            "training_images": len(self.train),
            "held_out_images": len(self.held_out),
        }

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, DataSet) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)

    @property
    def size(self) -> int:
        """S: height and width in pixels."""
        return self.train.size

    @property
    def labelled(self) -> bool:
        """Whether there are classes to tell apart: two or more."""
        return len(self.class_names) > 1

    @property
    def classes(self) -> Classes | None:
        """The classes with their shares of the training images; None where there are none to tell apart."""
        labels = self.train.labels
        if labels is None or not self.labelled:
            return None
        counts = labels[labels >= 0].bincount(minlength=len(self.class_names)).tolist()
        unlabelled = self.train.labelled_images < len(self.train)
        return classes_of(self.class_names, counts, unlabelled=unlabelled)

    def resized(self, size: int) -> "DataSet":
        """The same images, in the same order, at `size`×`size` pixels: antialiased bilinear.

        Made once, then kept in memory and in the cache. The own size returns the data set itself.
        """
        if size == self.size:
            return self
        if size not in self._resized:
            key = f"resized {RESIZE_VERSION} {self.digest} {size}"

            def build(entry: cache.Builder) -> cache.Contents:
                for part, images in (("train", self.train), ("held_out", self.held_out)):
                    pixels, labels = entry.new(part, len(images), size, bool(self.class_names))
                    resize_into(pixels, images.pixels)
                    if labels is not None and images.labels is not None:
                        labels[:] = images.labels.numpy()
                return cache.Contents(self.class_names, self.notes, _sha256(key))

            stored = cache.load_or_build(key, self.cache_directory, build)
            self._resized[size] = replace(
                from_stored(self.name, stored, self.cache_directory), notes=self.notes
            )
        return self._resized[size]


def from_stored(name: str, stored: cache.Stored, cache_directory: Path | None) -> DataSet:
    """The data set that lies in an entry of the cache; its files stay mapped, not read."""
    train, held_out = (
        ImageSet(
            _as_tensor(stored.arrays[f"{part}_pixels"]),
            _as_tensor(stored.arrays[f"{part}_labels"]) if stored.class_names else None,
        )
        for part in ("train", "held_out")
    )
    return DataSet(
        name, stored.digest, stored.class_names, train, held_out, stored.notes, cache_directory
    )


def _as_tensor(array: cache.Array) -> Tensor:
    """A tensor on the same read-only map; torch, which knows no such tensors, warns of them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(array)


def resize_into(target: cache.Array, source: Tensor) -> None:
    """Write `source`, uint8 N×3×H×W, into `target`, uint8 N×3×S×S; equal sizes are copied exactly.

    Works in float32 and rounds: torch's own uint8 path rounds differently on different processors.
    """
    size = target.shape[-1]
    if tuple(source.shape[2:]) == (size, size):
        target[:] = source.numpy()
        return
    largest = max(size, *source.shape[2:])
    step = max(1, _MIB_PER_STEP * 2**20 // (3 * 4 * largest**2))
    for start in range(0, len(source), step):
        batch = source[start : start + step].float()  # B×3×H×W
        small = functional.interpolate(
            batch, size=(size, size), mode="bilinear", antialias=True, align_corners=False
        )
        target[start : start + step] = small.round().clamp(0, 255).to(torch.uint8).numpy()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
