"""What networks since 2019 do to a map, for lists of operations.

Beside the weights applied at each position, it counts what attention multiplies: maps with maps.
"""

from autogan.nets.widths import MAPPING_LAYERS, attention_widths, group_count
from autogan.spaces.operations import Branch


class ModernBranch(Branch):
    """A map on its way, with what newer layers can do to it."""

    def map_to_styles(self, latent_size: int) -> None:
        """The layers from a latent to its style."""
        for _ in range(MAPPING_LAYERS):
            self._add("linear", "linear", (latent_size + 1) * latent_size, latent_size**2)
            self._add("activation", "leaky ReLU")

    def bottleneck(self, middle: int, group_width: int | None) -> None:
        """1×1, 3×3 and 1×1 convolution beside the identity."""
        channels, kind = self.channels, "3×3 conv"
        groups = 1
        if group_width is not None:
            groups, kind = group_count(middle, group_width), "3×3 grouped conv"
        self.convolve(middle, 1)
        self.activate("leaky ReLU")
        weights = middle * middle // groups * 9
        self._add("convolution", kind, weights + middle, weights * self.side**2)
        self.activate("leaky ReLU")
        self.channels, weights = channels, middle * channels
        self._add("convolution", "1×1 conv", weights, weights * self.side**2)
        self._add("sum", "+ identity")

    def modulated(self, channels: int, latent_size: int) -> None:
        """A 3×3 convolution with a style's weights, noise, bias and leaky ReLU."""
        channels_in, self.channels = self.channels, channels
        weights = channels_in * channels * 9
        style = (latent_size + 1) * channels_in
        work = latent_size * channels_in + channels_in * channels  # the style, and weights' lengths
        self._add(
            "convolution",
            "3×3 modulated conv",
            weights + channels + style,
            weights * self.side**2 + work,
        )
        self._add("noise", "noise", 1)
        self.activate("leaky ReLU")

    def low_pass(self) -> None:
        """Half the side through a low-pass."""
        self.side //= 2
        self._add("pooling", "low-pass")

    def attend(self, name: str) -> None:
        """Attention between all positions."""
        keys, values = attention_widths(self.channels)
        weights = 2 * self.channels * (keys + values)
        positions = self.side**2
        if name == "softmax":
            mixing = positions * max(1, self.side // 2) ** 2 * (keys + values)
        else:
            mixing = positions * (2 * keys * values + keys)
        self._add("attention", f"{name} attention", weights + 1, weights * positions + mixing)
