"""What every judge is: a function from images to features and class probabilities."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from autogan.basics.errors import UserError


@dataclass(frozen=True)
class Judgement:
    """What a judge says about B images. Both tensors lie on the judge's device."""

    features: Tensor
    """float32, B×F: what the Fréchet and kernel distances and precision/recall compare."""
    probabilities: Tensor
    """float32, B×C: p(class | image); every row sums to 1. What the Inception score reads. B×0 where
    the judge knows no classes."""

    def __post_init__(self) -> None:
        assert self.features.ndim == self.probabilities.ndim == 2
        assert len(self.features) == len(self.probabilities)

    def __len__(self) -> int:
        return len(self.features)

    def of(self, chosen: Tensor) -> "Judgement":
        """Of some of the images. chosen: bool B."""
        chosen = chosen.to(self.features.device)
        return Judgement(self.features[chosen], self.probabilities[chosen])


class Judge(ABC):
    """Turns images into features and class probabilities; every score is a function of these.

    A judge never changes after it is made, and the same images always get the same judgement.
    """

    kind: str
    """Which sort of judge: "domain", "inception"."""
    name: str
    """Identifies the judge in every score: two judges that could differ have different names."""
    feature_dimension: int
    class_count: int
    """0: the judge knows no classes, and nothing that counts classes can be scored with it."""
    class_names: tuple[str, ...] = ()
    """Of the data's classes, where the judge's classes are these."""

    @abstractmethod
    def __call__(self, images: Tensor) -> Judgement:
        """Judge one batch: uint8 B×3×H×H with values 0 to 255, of any H (resized inside)."""

    def describe(self) -> dict[str, Any]:
        """What results say of the judge, as values that JSON can hold."""
        return {"name": self.name, "kind": self.kind}

    def judge_all(self, batches: Iterable[Tensor]) -> Judgement:
        """Judge batch after batch, keep only the judgements, and join them in the order given."""
        parts = [self(batch) for batch in batches]
        if not parts:
            raise UserError(f"The judge {self.name} was given no images.")
        return Judgement(
            torch.cat([part.features for part in parts]),
            torch.cat([part.probabilities for part in parts]),
        )


def check_images(images: Tensor) -> None:
    """Refuse what is not uint8 B×3×H×H."""
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3:
        raise UserError(
            f"A judge takes uint8 images B×3×H×H, not {images.dtype} {tuple(images.shape)}."
        )
    if images.shape[2] != images.shape[3]:
        raise UserError(f"A judge takes square images, not {images.shape[2]}×{images.shape[3]}.")


def resize(images: Tensor, size: int) -> Tensor:
    """Float B×3×H×H → B×3×size×size: bilinear, with antialiasing where it makes them smaller."""
    if images.shape[-1] == size:
        return images
    return F.interpolate(images, size=(size, size), mode="bilinear", antialias=True)


def batches_of(images: Tensor, batch_size: int = 500) -> Iterable[Tensor]:
    """N×… → consecutive batches of `batch_size` (the last may be smaller)."""
    return torch.split(images, batch_size)
