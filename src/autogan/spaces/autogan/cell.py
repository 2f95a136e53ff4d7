"""The generator's cell (paper section 3.1 and figure 2).

A `Cell` is built from the options that are open for it: all of them in the shared generator, one for
each decision in a derived one. Its forward pass is told which to take, and holds no choice.
"""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from autogan.nets.gates import Gates, gated
from autogan.nets.layers import (
    BatchNorm,
    convolve_deconvolved,
    convolve_upsampled,
    deconvolution,
    instance_norm,
    interpolate,
    project_deconvolved,
)
from autogan.spaces.autogan.decisions import CellArchitecture
from autogan.spaces.decisions import Option, generator_cell
from autogan.spaces.space import SearchSpace


class ConvolutionBlock(nn.Module):
    """Normalisation, ReLU, optional upsampling and a 3×3 convolution, in one of the two orders.

    pre: normalisation, ReLU, upsampling, convolution; post: upsampling, convolution, normalisation,
    ReLU. `normalisations` and `upsamplings` are the open options. classes: see `BatchNorm`.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        order: str,
        normalisations: tuple[str, ...],
        upsamplings: tuple[str, ...],
        classes: int = 0,
    ) -> None:
        super().__init__()
        self.order = order
        if "batch" in normalisations:
            normalised = channels_in if order == "pre" else channels_out
            self.normalisation = BatchNorm(normalised, classes)
        if "deconvolution" in upsamplings:
            self.deconvolution = deconvolution(channels_in, channels_in)
        self.convolution = nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1)

    def _normalise(
        self, x: Tensor, normalisation: str, batch_statistics: bool, labels: Tensor | None
    ) -> Tensor:
        match normalisation:
            case "none":
                return x
            case "batch":
                return self.normalisation(x, batch_statistics, labels)
            case "instance":
                return instance_norm(x)
        raise AssertionError(normalisation)

    def _upsample_and_convolve(self, x: Tensor, upsampling: str | None) -> Tensor:
        match upsampling:
            case None:
                return self.convolution(x)
            case "nearest":
                return convolve_upsampled(x, self.convolution.weight, self.convolution.bias)
            case "bilinear":
                return self.convolution(interpolate(x, "bilinear"))
            case "deconvolution":
                return convolve_deconvolved(
                    x, self.deconvolution, self.convolution.weight, self.convolution.bias
                )
        raise AssertionError(upsampling)

    def forward(
        self,
        x: Tensor,
        normalisation: str,
        upsampling: str | None,
        batch_statistics: bool,
        labels: Tensor | None = None,
        gates: Gates | None = None,
    ) -> Tensor:
        """x: B×C×H×W → B×C'×2H×2W with an upsampling, B×C'×H×W without.

        gates: may be there for the upsampling and the normalisation, each after what it is of.
        """
        if self.order == "pre":
            normalised = self._normalise(x, normalisation, batch_statistics, labels)
            normalised = gated(normalised, gates, "normalisation")
            x = F.relu(normalised, inplace=normalised is not x)
            return self._gated_upsampling(x, upsampling, gates)
        x = self._gated_upsampling(x, upsampling, gates)
        x = self._normalise(x, normalisation, batch_statistics, labels)
        return F.relu(gated(x, gates, "normalisation"), inplace=True)

    def _gated_upsampling(self, x: Tensor, upsampling: str | None, gates: Gates | None) -> Tensor:
        x = self._upsample_and_convolve(x, upsampling)
        return x if upsampling is None else gated(x, gates, "upsampling")


class UpsampledProjection(nn.Module):
    """A tensor brought to a resolution 2^doublings higher, then a 1×1 convolution.

    Used for the shortcut (one doubling) and for skips (one or more). The 1×1 convolution runs before
    an interpolation, with which it commutes, so it sees a quarter of the pixels or fewer; with the
    last deconvolution it is one.
    """

    def __init__(
        self, channels_in: int, channels_out: int, doublings: int, upsamplings: tuple[str, ...]
    ) -> None:
        super().__init__()
        self.doublings = doublings
        if "deconvolution" in upsamplings:
            self.deconvolutions = nn.Sequential(
                *(deconvolution(channels_in, channels_in) for _ in range(doublings))
            )
        self.convolution = nn.Conv2d(channels_in, channels_out, kernel_size=1)

    def forward(self, x: Tensor, upsampling: str) -> Tensor:
        """x: B×C×H×W → B×C'×fH×fW with f = 2^doublings."""
        if upsampling == "deconvolution":
            *earlier, last = self.deconvolutions
            for deconvolution in earlier:
                x = deconvolution(x)
            assert isinstance(last, nn.ConvTranspose2d)
            return project_deconvolved(x, last, self.convolution)
        return interpolate(self.convolution(x), upsampling, 2**self.doublings)


def _words(options: Sequence[Option]) -> tuple[str, ...]:
    return tuple(str(option) for option in options)


class Cell(nn.Module):
    """Convolution block 1 (upsamples) + skips → convolution block 2 + shortcut.

    index: the cell's place, from 0; it takes skips from the cells before it.
    space: the open options; `SearchSpace.only(...)` gives the cell of a derived generator.
    widths: the channels of every cell's output; a cell's input is the output of the one before, the
    first cell's has as many channels as its output. classes: see `BatchNorm`.
    """

    def __init__(
        self, space: SearchSpace, index: int, widths: Sequence[int], classes: int = 0
    ) -> None:
        super().__init__()
        channels_in, channels_out = widths[max(index - 1, 0)], widths[index]
        place = generator_cell(index)
        normalisations = _words(space.options(place, "normalisation"))
        upsamplings = _words(space.options(place, "upsampling"))

        def blocks(channels: int, upsamplings: tuple[str, ...]) -> nn.ModuleDict:
            return nn.ModuleDict(
                {
                    order: ConvolutionBlock(
                        channels, channels_out, order, normalisations, upsamplings, classes
                    )
                    for order in _words(space.options(place, "order"))
                }
            )

        self.block1 = blocks(channels_in, upsamplings)
        self.block2 = blocks(channels_out, ())
        sources = {
            source
            for skips in space.options(place, "skips")
            if isinstance(skips, tuple)
            for source in skips
        }
        self.skips = nn.ModuleDict(
            {
                str(source): UpsampledProjection(
                    widths[source], channels_out, index - source, upsamplings
                )
                for source in sorted(sources)
            }
        )
        if True in space.options(place, "shortcut"):
            self.shortcut = UpsampledProjection(channels_in, channels_out, 1, upsamplings)

    def forward(
        self,
        x: Tensor,
        skip_outs: list[Tensor],
        architecture: CellArchitecture,
        batch_statistics: bool,
        labels: Tensor | None = None,
        gates: Gates | None = None,
    ) -> tuple[Tensor, Tensor]:
        """x: B×C×H×W, skip_outs: those of all earlier cells → (output, skip-out), both B×C'×2H×2W.

        labels: int64 B, where there are classes. gates: of this cell's decisions; see `gated`.

        The skip-out is block 1's output with the incoming skips in it: the published results come
        from a program that adds them in place, though the paper's figure draws it before the sum.
        """
        norm, up = architecture.normalisation, architecture.upsampling
        h = self.block1[architecture.order](x, norm, up, batch_statistics, labels, gates)
        h = gated(h, gates, "order")
        # Sums go into the projections' own memory: no backward pass reads what was there.
        for source in architecture.skips:
            skip = self.skips[str(source)](skip_outs[source], up)
            h = gated(skip, gates, "skips", "upsampling").add_(h)
        skip_out = h
        h = self.block2[architecture.order](h, norm, None, batch_statistics, labels, gates)
        h = gated(h, gates, "order")
        if architecture.shortcut:
            h = gated(self.shortcut(x, up), gates, "shortcut", "upsampling").add_(h)
        return h, skip_out
