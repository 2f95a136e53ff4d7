"""The domain judge's network: a small residual classifier (24 M multiply-accumulates at 32×32)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class _Layer(nn.Sequential):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int = 3, stride: int = 1):
        super().__init__(
            nn.Conv2d(channels_in, channels_out, kernel, stride, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(inplace=True),
        )


class _Residual(nn.Module):
    """x + two layers of x."""

    def __init__(self, channels: int):
        super().__init__()
        self.layers = nn.Sequential(_Layer(channels, channels), _Layer(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return x + y


class ResidualClassifier(nn.Module):
    """Images → pooled features and class logits.

    The stem halves the image; three residual levels of width, 2 × width and 4 × width channels
    work at 1/2, 1/4 and 1/8 of it; the mean over positions gives the 4 × width features.
    """

    def __init__(self, width: int, class_count: int):
        super().__init__()
        self.feature_dimension = 4 * width
        self.body = nn.Sequential(
            _Layer(3, width, kernel=4, stride=2),
            _Residual(width),
            _Layer(width, 2 * width),
            nn.MaxPool2d(2),
            _Residual(2 * width),
            _Layer(2 * width, 4 * width),
            nn.MaxPool2d(2),
            _Residual(4 * width),
        )
        self.head = nn.Linear(self.feature_dimension, class_count)

    @property
    def first_layer(self) -> nn.Conv2d:
        """The convolution that sees the images."""
        stem = self.body[0]
        assert isinstance(stem, _Layer) and isinstance(stem[0], nn.Conv2d)
        return stem[0]

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """images: B×3×S×S with values 0 to 255 → features B×F, logits B×C."""
        x = (images / 127.5 - 1.0).contiguous(memory_format=torch.channels_last)
        features = F.adaptive_avg_pool2d(self.body(x), 1).flatten(1)  # B×F
        return features, self.head(features)


def build(width: int, class_count: int) -> ResidualClassifier:
    """The network in CPU memory with unset weights: draws nothing from torch's global generator."""
    with torch.device("meta"):
        network = ResidualClassifier(width, class_count)
    network.to_empty(device="cpu")
    return network.to(memory_format=torch.channels_last)


def initialise(network: ResidualClassifier, generator: torch.Generator) -> None:
    """He-normal convolutions, Xavier-uniform linear layer, identity normalisation; in place."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
        elif isinstance(layer, nn.BatchNorm2d):
            layer.reset_parameters()
        elif isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight, generator=generator)
            nn.init.zeros_(layer.bias)
