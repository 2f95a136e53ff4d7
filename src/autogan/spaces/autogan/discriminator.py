"""The discriminator: fixed by hand, spectrally normalised, growing with the generator (section 3.2)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autogan.nets.layers import convolve_and_pool, initialise


class SpectralNorm(nn.Module):
    """A layer whose weight is divided by its largest singular value (Miyato et al., 2018).

    One power iteration per training-mode call, always in float32. Buffers `u` and `v` are the
    running estimates of the singular vectors of the weight seen as an out × rest matrix.
    """

    def __init__(self, layer: nn.Conv2d | nn.Linear) -> None:
        super().__init__()
        self.layer = layer
        rows, columns = layer.weight.flatten(1).shape
        self.register_buffer("u", torch.zeros(rows))
        self.register_buffer("v", torch.zeros(columns))
        self.u: Tensor
        self.v: Tensor

    @torch.no_grad()
    def reset_vectors(self, generator: torch.Generator, iterations: int = 15) -> None:
        """Draws `u` at random and brings both vectors near the weight's singular pair."""
        self.u.copy_(F.normalize(torch.randn(self.u.shape, generator=generator), dim=0))
        for _ in range(iterations):
            self._power_iteration()

    @torch.no_grad()
    def _power_iteration(self) -> None:
        matrix = self.layer.weight.flatten(1)
        self.v.copy_(F.normalize(matrix.T @ self.u, dim=0))
        self.u.copy_(F.normalize(matrix @ self.v, dim=0))

    def weight(self) -> Tensor:
        """The layer's weight with spectral norm 1; iterates once in training mode."""
        with torch.autocast(self.u.device.type, enabled=False):
            if self.training:
                self._power_iteration()
            # Copies: the next iteration must not change what this one's backward pass needs.
            u, v = self.u.clone(), self.v.clone()
            return self.layer.weight / torch.dot(u, self.layer.weight.flatten(1) @ v)

    @property
    def bias(self) -> Tensor | None:
        """The layer's bias, which is not normalised."""
        return self.layer.bias

    def forward(self, x: Tensor) -> Tensor:
        """The layer's own map, with the normalised weight."""
        if isinstance(self.layer, nn.Conv2d):
            return F.conv2d(x, self.weight(), self.layer.bias, padding=self.layer.padding)
        return F.linear(x, self.weight(), self.layer.bias)


def _convolution(channels_in: int, channels_out: int, size: int) -> SpectralNorm:
    return SpectralNorm(nn.Conv2d(channels_in, channels_out, size, padding=size // 2))


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions beside a shortcut: B×C×H×W → B×C'×H×W, or half the side if it pools.

    The first block of the network (`on_image`) takes no ReLU before its first convolution. Where a
    block keeps its channels and its size, the shortcut is the identity; else a 1×1 convolution,
    after the pooling, with which it commutes.
    """

    def __init__(
        self, channels_in: int, channels_out: int, *, pools: bool, on_image: bool = False
    ) -> None:
        super().__init__()
        self.pools = pools
        self.on_image = on_image
        self.convolution1 = _convolution(channels_in, channels_out, 3)
        self.convolution2 = _convolution(channels_out, channels_out, 3)
        if pools or channels_in != channels_out:
            self.shortcut = _convolution(channels_in, channels_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """x: B×C×H×W → B×C'×H×W, or B×C'×H/2×W/2 if the block pools."""
        # In place where no backward pass reads what was there: a convolution's output.
        h = F.relu(self.convolution1(x if self.on_image else F.relu(x)), inplace=True)
        if not self.pools:
            return self.convolution2(h).add_(self.shortcut(x) if hasattr(self, "shortcut") else x)
        h = convolve_and_pool(h, self.convolution2.weight(), self.convolution2.bias)
        return h.add_(self.shortcut(F.avg_pool2d(x, 2)))


class Discriminator(nn.Module):
    """Images to one logit each, at every stage of the generator's growth.

    stages: number of generator cells at full growth. At stage s the first s+1 growing blocks run,
    then the last block, ReLU, global sum pooling and a linear layer without bias. Growing blocks
    pool, except the last of three or more.
    channels: channels of every block (64 in the paper's search, 128 from scratch).
    """

    def __init__(self, stages: int, channels: int) -> None:
        super().__init__()
        self.stages = stages
        self.channels = channels
        self.growing = nn.ModuleList(
            ResidualBlock(
                channels if index else 3,
                channels,
                pools=index < max(2, stages - 1),
                on_image=index == 0,
            )
            for index in range(stages)
        )
        self.last = ResidualBlock(channels, channels, pools=False)
        self.to_logit = SpectralNorm(nn.Linear(channels, 1, bias=False))

    def initialise(self, generator: torch.Generator) -> None:
        """Xavier-uniform weights, zero biases and fresh singular vectors, in place."""
        initialise(self, generator)
        for module in self.modules():
            if isinstance(module, SpectralNorm):
                module.reset_vectors(generator)

    def forward(
        self, images: Tensor, stage: int | None = None, labels: Tensor | None = None
    ) -> Tensor:
        """images: B×3×H×W in [-1, 1], stage: 0 … stages-1, by default the last → logits B.

        labels: int64 B, the classes of the images; this network has no use for them.
        """
        x = images
        for block in list(self.growing)[: None if stage is None else stage + 1]:
            x = block(x)
        x = F.relu(self.last(x), inplace=True).sum(dim=(2, 3))  # B×C
        return self.to_logit(x).squeeze(1)  # B
