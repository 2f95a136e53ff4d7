"""Operations of a network as values: the one list that its size, its cost and its diagrams read.

Counts are those of the networks as the paper draws them, one multiply-accumulate for each weight
applied at each position. Additions, activations, normalisation and interpolation count as nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from autogan.spaces.decisions import Place

CLASS_NUMBERS = 32
"""Learned numbers of each class that stand beside a generator's latent."""


@dataclass(frozen=True)
class Operation:
    """One step of a forward pass.

    kind: "linear", "convolution", "upsampling", "pooling", "normalisation", "activation", "noise",
    "sum", "attention", or "absent" where a normalisation could stand and none does.
    words: what it is, e.g. "3×3 conv", "nearest", "batch norm".
    place: the cell or block in which it stands; None before the first and after the last.
    branch: which part of that: "mapping", "input", "block 1", "skip from 0", "block 2", "shortcut",
    "attention", "output".
    source: the number of the place that a skip comes from, else None.
    channels, side: of the map that it gives, side in pixels.
    parameters: trained numbers; multiply_accumulates: for one image, forward.
    """

    kind: str
    words: str
    place: Place | None
    branch: str
    source: int | None
    channels: int
    side: int
    parameters: int = 0
    multiply_accumulates: int = 0


@dataclass(frozen=True)
class Size:
    """parameters: trained numbers; multiply_accumulates: for one image, forward."""

    parameters: int
    multiply_accumulates: int

    @classmethod
    def of(cls, operations: Iterable[Operation]) -> "Size":
        """The sum over operations."""
        listed = list(operations)
        return cls(
            sum(operation.parameters for operation in listed),
            sum(operation.multiply_accumulates for operation in listed),
        )


@dataclass
class Branch:
    """A map on its way through one branch: every call does one operation to it and lists that.

    channels, side: of the map as it is now.
    """

    place: Place | None
    branch: str
    channels: int
    side: int
    source: int | None = None
    operations: list[Operation] = field(default_factory=list)

    def _add(self, kind: str, words: str, parameters: int = 0, work: int = 0) -> None:
        self.operations.append(
            Operation(
                kind,
                words,
                self.place,
                self.branch,
                self.source,
                self.channels,
                self.side,
                parameters,
                work,
            )
        )

    def project(self, latent_size: int, classes: int = 0, class_numbers: int = 0) -> None:
        """A linear layer from a latent, and the `class_numbers` numbers of its class, to the map."""
        values = self.channels * self.side**2
        inputs = latent_size + class_numbers
        weights = (inputs + 1) * values + classes * class_numbers
        self._add("linear", "linear", weights, inputs * values)

    def convolve(self, channels: int, kernel: int) -> None:
        """A kernel × kernel convolution with bias that keeps the side."""
        weights = self.channels * channels * kernel**2
        self.channels = channels
        words = f"{kernel}×{kernel} conv"
        self._add("convolution", words, weights + channels, weights * self.side**2)

    def interpolate(self, mode: str, factor: int = 2) -> None:
        """Interpolation to `factor` times the side."""
        self.side *= factor
        self._add("upsampling", mode)

    def deconvolve(self) -> None:
        """A 2×2 deconvolution of stride 2 with bias: each input position meets every weight once."""
        weights = self.channels**2 * 4
        work = weights * self.side**2
        self.side *= 2
        self._add("upsampling", "deconvolution", weights + self.channels, work)

    def projection(self, upsampling: str, doublings: int, width: int) -> None:
        """A shortcut or a skip: brought to another resolution, then a 1×1 convolution."""
        if upsampling == "deconvolution":
            for _ in range(doublings):
                self.deconvolve()
        else:
            self.interpolate(upsampling, 2**doublings)
        self.convolve(width, 1)

    def batch_norm(self, classes: int = 0) -> None:
        """Batch normalisation with a scale and a shift for each channel, and more for each class."""
        self._add("normalisation", "batch norm", 2 * self.channels * (1 + classes))

    def instance_norm(self) -> None:
        """Instance normalisation, which has no weights."""
        self._add("normalisation", "instance norm")

    def no_norm(self) -> None:
        """No normalisation where one could stand: it costs nothing, and diagrams show it."""
        self._add("absent", "no normalisation")

    def activate(self, words: str) -> None:
        """A function of each value, such as "ReLU"."""
        self._add("activation", words)

    def pool(self) -> None:
        """2×2 average pooling."""
        self.side //= 2
        self._add("pooling", "2×2 mean")

    def sum_to_logit(self, classes: int = 0, guesses_classes: bool = False) -> None:
        """The sum over all positions, then a linear layer without bias to one number.

        classes: of which one has its vector multiplied with the sum. guesses_classes: whether a linear
        layer with bias tells the class.
        """
        self.side = 1
        self._add("pooling", "sum")
        features, self.channels = self.channels, 1
        self._add("linear", "linear", features, features)
        if classes:
            self._add("linear", "of the class", classes * features, features)
        if guesses_classes:
            self._add("linear", "guess", classes * (features + 1), classes * features)
