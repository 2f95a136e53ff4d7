"""The layers of a discriminator: spectrally normalised, which keeps its slope in bounds, or as they are;
and a last layer that is a direction."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Unnormalised(nn.Module):
    """A convolution or a linear layer, whose weight others may read."""

    def __init__(self, layer: nn.Conv2d | nn.Linear) -> None:
        super().__init__()
        self.layer = layer

    def weight(self) -> Tensor:
        """The weight that the layer works with."""
        return self.layer.weight

    @property
    def bias(self) -> Tensor | None:
        """The layer's bias, which is never normalised."""
        return self.layer.bias

    def forward(self, x: Tensor) -> Tensor:
        """The layer's own map, with the weight of `weight`."""
        if isinstance(self.layer, nn.Conv2d):
            return F.conv2d(x, self.weight(), self.layer.bias, padding=self.layer.padding)
        return F.linear(x, self.weight(), self.layer.bias)


class SpectralNorm(Unnormalised):
    """A layer whose weight is divided by its largest singular value (Miyato et al., 2018).

    One power iteration per training-mode call, always in float32. Buffers `u` and `v` are the
    running estimates of the singular vectors of the weight seen as an out × rest matrix.
    """

    def __init__(self, layer: nn.Conv2d | nn.Linear) -> None:
        super().__init__(layer)
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


class Direction(Unnormalised):
    """A linear layer to one number whose weight counts as a direction alone: it has length 1 (SAN).

    Features and direction are trained apart (Takida et al., 2024): through `forward` gradients reach
    the features, through the second answer of `apart` the direction.
    """

    def weight(self) -> Tensor:
        """The layer's weight, 1×C, divided by its length; in float32."""
        with torch.autocast(self.layer.weight.device.type, enabled=False):
            return F.normalize(self.layer.weight, dim=1)

    def forward(self, x: Tensor) -> Tensor:
        """The features along the direction, which is held fixed: B×C → B×1."""
        return F.linear(x, self.weight().detach())

    def apart(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """As `forward`, and the same values with the features held fixed instead: B×1 each."""
        weight = self.weight()
        return F.linear(x, weight.detach()), F.linear(x.detach(), weight)
