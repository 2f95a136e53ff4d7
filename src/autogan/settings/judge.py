"""The section that says which judge, and how a domain judge is trained. Imports no torch."""

from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt

from autogan.settings.base import Section

INCEPTION_FEATURES = 2048
INCEPTION_WEIGHTS_VARIABLE = "AUTOGAN_INCEPTION_WEIGHTS"
"""Of the environment: where the file of weights is."""
INCEPTION_CLASSES = 1008

Share = Annotated[float, Field(ge=0, le=0.9)]


class JudgeSettings(Section):
    """Which judge, and how a domain judge is trained.

    All but the first two are of the domain judge, and mean nothing to the Inception judge.

    The defaults suit small photographs with classes (CIFAR-10). For characters, digits and other
    images that mean something else when mirrored, set `flip` to False; such simple images also do
    with half the width and a third of the epochs.
    """

    kind: Literal["domain", "inception"] = "domain"
    """domain (trained on the images themselves) or inception (the network of 2015, which published
    scores are made with). One judge gives a run its rewards, its validations and its scores."""
    inception_weights: str = ""
    """File of the Inception network's weights; empty: AUTOGAN_INCEPTION_WEIGHTS, else torch's cache,
    else downloaded to there."""
    seed: int | None = Field(default=None, ge=0, le=2**63 - 1)
    """Of its training, 0 to 2⁶³ − 1; left out: the run's seed. Runs with different seeds whose scores shall
    compare need one judge, and so one seed here (`--seeds` sees to that)."""
    image_size: Literal[16, 32, 64, 128] = 32
    """Edge in pixels that every image is resized to before it is judged: 16, 32, 64 or 128."""
    width: int = Field(default=32, ge=8, le=32, multiple_of=8)
    """Channels of the first layer, a multiple of 8 from 8 to 32. There are 4 × width features."""
    recipe: Literal["plain", "fast"] = "plain"
    """How it is trained: plain, by stochastic gradient descent; or fast, which needs a third of the time
    (a whitened first layer, Muon for the convolutions, small images first; see `judges/training.py`)."""
    epochs: PositiveInt = Field(default=6, le=1000)
    """Passes over the labelled training images, 1 to 1,000; of a data set without classes, over all
    images in all four rotations."""
    batch_size: int = Field(default=128, ge=2, le=65536)
    """Images per step, 2 to 65,536; a smaller data set makes smaller batches."""
    learning_rate: float = Field(default=0.2, gt=0, le=10)
    """Highest learning rate of the schedule (Nesterov momentum 0.9), above 0 and up to 10."""
    warmup_share: Share = 0.2
    """Share of the steps in which the learning rate rises from 0; it then falls to 0. 0 to 0.9."""
    weight_decay: float = Field(default=5e-4, ge=0, le=0.1)
    """L2 penalty on the weights of convolutions and the linear layer, 0 to 0.1."""
    label_smoothing: float = Field(default=0.0, ge=0, le=0.5)
    """Probability mass spread evenly over all classes, 0 to 0.5. Above 0 lowers the Inception
    score that even perfect images reach, because the judge is trained never to be certain."""
    flip: bool = True
    """Whether half of the training images are mirrored left to right."""
    shift: int = Field(default=2, ge=0, le=8)
    """Training images are moved by up to this many pixels up, down, left and right, 0 to 8."""
    low_resolution_share: Share = 0.25
    """Share of the images in every batch, 0 to 0.9, that are first reduced to a half or a quarter
    of the size (equally often) and enlarged again: early stages of a search make such images."""

    @property
    def feature_dimension(self) -> int:
        """How many features the judge will have."""
        return INCEPTION_FEATURES if self.kind == "inception" else 4 * self.width

    def to_dict(self) -> dict[str, Any]:
        """What a domain judge depends on, as plain values; `JudgeSettings(**d)` gives them again.

        It stands under "recipe" in the files of the cache, beside the seed, and their names are digests
        of both. The plain recipe is not named: judges of versions that knew no other are found.
        """
        left_out = {"kind", "inception_weights", "seed"} | (
            {"recipe"} if self.recipe == "plain" else set()
        )
        return self.model_dump(exclude=left_out)
