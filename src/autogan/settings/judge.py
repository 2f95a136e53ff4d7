"""Which judge, and how a domain judge is trained: a value with checks. Imports no torch."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from autogan.basics.errors import UserError

INCEPTION_FEATURES = 2048
INCEPTION_CLASSES = 1008


@dataclass(frozen=True)
class JudgeRecipe:
    """The settings of a judge. A bad value is refused when the recipe is made (`UserError`).

    All but the first two are of the domain judge, and mean nothing to the Inception judge.

    The defaults suit small photographs with classes (CIFAR-10). For characters, digits and other
    images that mean something else when mirrored, set `flip` to False; such simple images also do
    with half the width and a third of the epochs.
    """

    kind: str = "domain"
    """domain (trained on the images themselves) or inception (the network of 2015, which published
    scores are made with). One judge gives a run its rewards, its validations and its scores."""
    inception_weights: str = ""
    """File of the Inception network's weights; empty: AUTOGAN_INCEPTION_WEIGHTS, else torch's cache,
    else downloaded to there."""
    image_size: int = 32
    """Edge in pixels that every image is resized to before it is judged: 16, 32, 64 or 128."""
    width: int = 32
    """Channels of the first layer, a multiple of 8 from 8 to 32. There are 4 × width features."""
    epochs: int = 6
    """Passes over the labelled training images, 1 to 1,000; of a data set without classes, over all
    images in all four rotations."""
    batch_size: int = 128
    """Images per step, 2 to 65,536; a smaller data set makes smaller batches."""
    learning_rate: float = 0.2
    """Highest learning rate of the schedule (Nesterov momentum 0.9), above 0 and up to 10."""
    warmup_share: float = 0.2
    """Share of the steps in which the learning rate rises from 0; it then falls to 0. 0 to 0.9."""
    weight_decay: float = 5e-4
    """L2 penalty on the weights of convolutions and the linear layer, 0 to 0.1."""
    label_smoothing: float = 0.0
    """Probability mass spread evenly over all classes, 0 to 0.5. Above 0 lowers the Inception
    score that even perfect images reach, because the judge is trained never to be certain."""
    flip: bool = True
    """Whether half of the training images are mirrored left to right."""
    shift: int = 2
    """Training images are moved by up to this many pixels up, down, left and right, 0 to 8."""
    low_resolution_share: float = 0.25
    """Share of the images in every batch, 0 to 0.9, that are first reduced to a half or a quarter
    of the size (equally often) and enlarged again: early stages of a search make such images."""

    def __post_init__(self) -> None:
        _check("kind", self.kind, self.kind in ("domain", "inception"), "domain, inception")
        _check(
            "image_size", self.image_size, self.image_size in (16, 32, 64, 128), "16, 32, 64, 128"
        )
        _check(
            "width",
            self.width,
            8 <= self.width <= 32 and self.width % 8 == 0,
            "a multiple of 8 from 8 to 32",
        )
        _check("epochs", self.epochs, 1 <= self.epochs <= 1000, "1 to 1000")
        _check("batch_size", self.batch_size, 2 <= self.batch_size <= 65536, "2 to 65536")
        _check(
            "learning_rate", self.learning_rate, 0 < self.learning_rate <= 10, "above 0, up to 10"
        )
        _check("warmup_share", self.warmup_share, 0 <= self.warmup_share <= 0.9, "0 to 0.9")
        _check("weight_decay", self.weight_decay, 0 <= self.weight_decay <= 0.1, "0 to 0.1")
        _check(
            "label_smoothing", self.label_smoothing, 0 <= self.label_smoothing <= 0.5, "0 to 0.5"
        )
        _check("shift", self.shift, 0 <= self.shift <= 8, "0 to 8")
        share = self.low_resolution_share
        _check("low_resolution_share", share, 0 <= share <= 0.9, "0 to 0.9")

    @property
    def feature_dimension(self) -> int:
        """How many features the judge will have."""
        return INCEPTION_FEATURES if self.kind == "inception" else 4 * self.width

    def to_dict(self) -> dict[str, Any]:
        """What a domain judge depends on, as plain values; `JudgeRecipe(**d)` is that recipe again."""
        values = dataclasses.asdict(self)
        return {k: v for k, v in values.items() if k not in ("kind", "inception_weights")}


def _check(name: str, value: object, allowed: bool, description: str) -> None:
    if not allowed:
        raise UserError(f"judge.{name} is {value!r}; allowed: {description}.")
