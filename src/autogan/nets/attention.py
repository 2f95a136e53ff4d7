"""Attention between all positions of a map: softmax (Zhang et al., 2019, "SAGAN"), or at linear cost."""

from abc import abstractmethod
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autogan.nets.layers import OwnStart
from autogan.nets.widths import attention_widths

EPSILON = 1e-6


class Attention(OwnStart):
    """x + output(strength · mixed values): B×C×H×W → the same shape. The strength starts from 0.

    Only sums are weighted after it, so it may stand anywhere behind the values: where a kind has the
    fewest numbers.

    wrap: what becomes of each of the four 1×1 convolutions.
    """

    def __init__(self, channels: int, wrap: Callable[[nn.Conv2d], nn.Module] | None = None) -> None:
        super().__init__()
        keys, values = attention_widths(channels)

        def convolution(channels_in: int, channels_out: int) -> nn.Module:
            layer = nn.Conv2d(channels_in, channels_out, 1, bias=False)
            return layer if wrap is None else wrap(layer)

        self.query = convolution(channels, keys)
        self.key = convolution(channels, keys)
        self.value = convolution(channels, values)
        self.output = convolution(values, channels)
        self.strength = nn.Parameter(torch.zeros(()))

    def start(self, generator: torch.Generator) -> None:
        """No attention at first; nothing is drawn."""
        self.strength.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """x: B×C×H×W → the same shape."""
        query, key, value = self.query(x), self.key(x), self.value(x)
        mixed = self._mixed(query, key, value)  # B×HW×V
        maps = mixed.transpose(1, 2).unflatten(2, x.shape[2:]).to(value.dtype)  # B×V×H×W
        added: Tensor = self.output(maps)
        return x + added

    @abstractmethod
    def _mixed(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """query, key: B×K×H×W, value: B×V×H×W → strength times a mixture of values for every position,
        B×HW×V."""


def _positions(maps: Tensor) -> Tensor:
    """B×C×H×W → B×HW×C."""
    return maps.flatten(2).transpose(1, 2)


class SoftmaxAttention(Attention):
    """softmax(query·key) over keys and values that are max-pooled 2×2, where the map has as many.

    It holds about (H·W)²/4 weights for each image.
    """

    def _mixed(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        if min(key.shape[2:]) > 1:
            key, value = F.max_pool2d(key, 2), F.max_pool2d(value, 2)
        queries, keys, values = _positions(query), _positions(key), _positions(value)
        return self._mixture(queries, keys, (self.strength * values).to(values.dtype))

    def _mixture(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """B×N×K, B×M×K, B×M×V → B×N×V."""
        weights = torch.softmax(queries @ keys.transpose(1, 2), dim=2)  # B×N×M
        return weights.to(values.dtype) @ values


class SoftmaxAttentionInParts(SoftmaxAttention):
    """The same for generators: on a CPU its weights are never all there at once.

    That takes a small part of the memory, and in float32 less time on large maps, but cannot be
    differentiated twice, as gradient penalties want of a discriminator.
    """

    def _mixture(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        if values.device.type != "cpu":
            return super()._mixture(queries, keys, values)
        # PyTorch's function wants vectors of one length; bfloat16 makes it slower where they are short.
        length = max(queries.shape[2], values.shape[2])
        wide = torch.promote_types(values.dtype, torch.float32)

        def head(vectors: Tensor) -> Tensor:
            return F.pad(vectors.to(wide), (0, length - vectors.shape[2])).unsqueeze(1)

        with torch.autocast("cpu", enabled=False):
            mixed = F.scaled_dot_product_attention(
                head(queries), head(keys), head(values), scale=1.0
            )
        return mixed.squeeze(1)[:, :, : values.shape[2]]


class LinearAttention(Attention):
    """The weights of a value are φ(query)·φ(key) with φ = ELU + 1, divided by their sum (and EPSILON).

    Keys and values are multiplied first, so the cost grows with the number of positions, not with its
    square (Katharopoulos et al., 2020).
    """

    def _mixed(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        # In bfloat16 ELU + 1 would be 0 below -6, and so could be the sum of weights.
        queries, keys = (
            F.elu(_positions(maps).to(torch.promote_types(maps.dtype, torch.float32))) + 1
            for maps in (query, key)
        )  # B×HW×K, positive
        summary = keys.transpose(1, 2) @ _positions(value).to(keys.dtype)  # B×K×V
        total = queries @ keys.sum(dim=1, keepdim=True).transpose(1, 2)  # B×HW×1
        return (queries / (total + EPSILON)) @ (self.strength * summary)
