"""The residual block that discriminators are made of."""

import torch.nn.functional as F
from torch import Tensor, nn

from autogan.nets.layers import convolve_and_pool
from autogan.nets.spectral_norm import SpectralNorm, Unnormalised


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions beside a shortcut: B×C×H×W → B×C'×H×W, or half the side if it pools.

    The first block of the network (`on_image`) takes no ReLU before its first convolution. Where a
    block keeps its channels and its size, the shortcut is the identity; else a 1×1 convolution,
    after the pooling, with which it commutes. wrap: what becomes of each convolution, `SpectralNorm`
    or `Unnormalised`. middle: channels between the two convolutions, by default those of the output.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        *,
        pools: bool,
        on_image: bool = False,
        wrap: type[Unnormalised] = SpectralNorm,
        middle: int | None = None,
    ) -> None:
        super().__init__()
        self.pools = pools
        self.on_image = on_image
        middle = middle or channels_out
        self.convolution1 = wrap(nn.Conv2d(channels_in, middle, 3, padding=1))
        self.convolution2 = wrap(nn.Conv2d(middle, channels_out, 3, padding=1))
        if pools or channels_in != channels_out:
            self.shortcut = wrap(nn.Conv2d(channels_in, channels_out, 1))

    def forward(self, x: Tensor) -> Tensor:
        """x: B×C×H×W → B×C'×H×W, or B×C'×H/2×W/2 if the block pools."""
        # In place where no backward pass reads what was there: a convolution's output.
        h = F.relu(self.convolution1(x if self.on_image else F.relu(x)), inplace=True)
        if not self.pools:
            return self.convolution2(h).add_(self.shortcut(x) if hasattr(self, "shortcut") else x)
        h = convolve_and_pool(h, self.convolution2.weight(), self.convolution2.bias)
        return h.add_(self.shortcut(F.avg_pool2d(x, 2)))
