"""The layers of a discriminator: spectrally normalised, which keeps its slope in bounds, or as they are;
and a last layer that is a direction."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


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
        self._prepared: Tensor | None = None  # the weight of the next use, where it is at hand

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
        if self._prepared is not None:
            prepared, self._prepared = self._prepared, None
            return prepared
        with torch.autocast(self.u.device.type, enabled=False):
            if self.training:
                self._power_iteration()
            # Copies: the next iteration must not change what this one's backward pass needs.
            u, v = self.u.clone(), self.v.clone()
            return self.layer.weight / torch.dot(u, self.layer.weight.flatten(1) @ v)


def prepare_together(users: Iterable[nn.Module]) -> None:
    """On a GPU, makes the weights of the next use of all spectrally normalised layers in `users` at once.

    One by one, a layer's power iteration, norm and gradient are some 35 kernels, each far shorter than
    its launch. users: exactly the layers, or what holds them, that the coming forward pass uses once.
    """
    layers = [m for user in users for m in user.modules() if isinstance(m, SpectralNorm)]
    if not layers or layers[0].u.device.type != "cuda":
        return
    for layer, weight in zip(layers, normalised_together(layers), strict=True):
        layer._prepared = weight


def normalised_together(layers: Sequence[SpectralNorm]) -> list[Tensor]:
    """What `SpectralNorm.weight` of each layer gives, all at once; iterates once in training mode.

    The weights stand as matrices in one tensor, the smaller ones beside zeros, which change neither a
    product nor a norm.
    """
    with torch.autocast(layers[0].u.device.type, enabled=False):
        vectors = [[layer.u for layer in layers], [layer.v for layer in layers]]
        weights = [layer.layer.weight for layer in layers]
        normalised = _NormalisedTogether.apply(layers[0].training, *vectors, *weights)
    return list(normalised)


class _NormalisedTogether(torch.autograd.Function):
    """W/σ with σ = uᵀWv, for many W; u and v are held fixed in the backward pass, and are iterated in
    place before."""

    @staticmethod
    def forward(
        ctx: Any, iterates: bool, left: list[Tensor], right: list[Tensor], *weights: Tensor
    ) -> tuple[Tensor, ...]:
        count, rows, columns = len(weights), max(map(len, left)), max(map(len, right))
        matrices = weights[0].new_zeros(count, rows, columns)
        ctx.shapes = [weight.shape for weight in weights]
        torch._foreach_copy_(_places(matrices, ctx.shapes), list(weights))
        u, v = matrices.new_zeros(count, rows), matrices.new_zeros(count, columns)
        torch._foreach_copy_([*_shortened(u, left), *_shortened(v, right)], [*left, *right])
        if iterates:
            v = F.normalize((u[:, None] @ matrices)[:, 0], dim=1)
            u = F.normalize((matrices @ v[:, :, None])[:, :, 0], dim=1)
            torch._foreach_copy_([*left, *right], [*_shortened(u, left), *_shortened(v, right)])
        norms = (u[:, None] @ (matrices @ v[:, :, None])).view(count, 1, 1)
        normalised = matrices / norms
        ctx.save_for_backward(normalised, u, v, norms)
        return tuple(_places(normalised, ctx.shapes))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """(g − ⟨g, W/σ⟩·uvᵀ)/σ for every weight."""
        normalised, u, v, norms = ctx.saved_tensors
        joined = torch.zeros_like(normalised)
        torch._foreach_copy_(_places(joined, ctx.shapes), list(gradients))
        along = (joined * normalised).sum(dim=(1, 2), keepdim=True)
        joined = torch.baddbmm(joined, u[:, :, None] * -along, v[:, None]) / norms
        return None, None, None, *_places(joined, ctx.shapes)


def _places(matrices: Tensor, shapes: Sequence[torch.Size]) -> list[Tensor]:
    """Where in `matrices`, N×rows×columns, tensors of these shapes stand: views of just these shapes."""
    return [
        matrix[: shape[0], : shape[1:].numel()].unflatten(1, shape[1:])
        for matrix, shape in zip(matrices, shapes, strict=True)
    ]


def _shortened(padded: Tensor, vectors: Sequence[Tensor]) -> list[Tensor]:
    """The rows of `padded`, each as long as its vector."""
    return [row[: len(vector)] for row, vector in zip(padded, vectors, strict=True)]


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
