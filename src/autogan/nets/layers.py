"""The few operations that cells and discriminator blocks are made of.

Three of them compute the textbook form with less work; the tests hold them against it:
a 1×1 convolution commutes with interpolation (whose weights sum to one), so it runs before the
upsampling; a 3×3 convolution followed by 2×2 average pooling is one 4×4 convolution of stride 2;
nearest upsampling followed by a 3×3 convolution is one transposed 4×4 convolution of stride 2.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class BatchNorm(nn.Module):
    """Batch normalisation whose forward pass is told which statistics to use.

    In training mode it normalises with the batch and updates its running statistics. In evaluation
    mode it uses the running ones, or, with `batch_statistics`, the batch's own, and updates nothing:
    a child is scored so, because running statistics are shared by all paths through a supernet.
    """

    EPSILON = 1e-5
    MOMENTUM = 0.1

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.running_mean: Tensor
        self.running_var: Tensor

    @torch.no_grad()
    def reset(self) -> None:
        """Back to the identity, as when it was made."""
        self.weight.fill_(1)
        self.bias.zero_()
        self.running_mean.zero_()
        self.running_var.fill_(1)

    def forward(self, x: Tensor, batch_statistics: bool = False) -> Tensor:
        """x: B×C×H×W → the same shape."""
        own = batch_statistics and not self.training
        return F.batch_norm(
            x,
            None if own else self.running_mean,
            None if own else self.running_var,
            self.weight,
            self.bias,
            training=self.training or own,
            momentum=self.MOMENTUM,
            eps=self.EPSILON,
        )


def interpolate(x: Tensor, mode: str, factor: int = 2) -> Tensor:
    """B×C×H×W → B×C×fH×fW by "nearest" or "bilinear" interpolation."""
    return F.interpolate(x, scale_factor=factor, mode=mode)


def deconvolution(channels_in: int, channels_out: int) -> nn.ConvTranspose2d:
    """The upsampling that is learned: stride 2, 2×2 kernel, B×C×H×W → B×C'×2H×2W."""
    return nn.ConvTranspose2d(channels_in, channels_out, kernel_size=2, stride=2)


def convolve_and_pool(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """3×3 convolution (padding 1), then 2×2 average pooling: B×C×H×W → B×C'×H/2×W/2.

    The mean of four neighbouring 3×3 windows is one 4×4 window: the kernel is padded to the four
    shifts and averaged, which leaves 4/9 of the multiply-accumulates.
    """
    shifted = F.pad(weight, (1, 1, 1, 1))  # C'×C×5×5
    kernel = F.avg_pool2d(shifted, kernel_size=2, stride=1)  # C'×C×4×4
    return F.conv2d(x, kernel, bias, stride=2, padding=1)


def convolve_upsampled(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Nearest upsampling by 2, then a 3×3 convolution (padding 1): B×C×H×W → B×C'×2H×2W.

    Every value of x is repeated over 2×2 pixels, so it reaches the output through the sums of the
    kernel's four shifts: 4/9 of the multiply-accumulates of the textbook form.
    """
    transposed = weight.flip(2, 3).transpose(0, 1)  # C×C'×3×3
    kernel = 4 * F.avg_pool2d(F.pad(transposed, (1, 1, 1, 1)), kernel_size=2, stride=1)  # C×C'×4×4
    return F.conv_transpose2d(x, kernel, bias, stride=2, padding=1)


@torch.no_grad()
def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Xavier-uniform weights, zero biases, and normalisation layers as when made; in place.

    Weights are drawn aside, on the generator's device: a random fill goes in memory order, and one
    seed is to give the same network in every layout and on every device.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            drawn = torch.empty(layer.weight.shape, device=generator.device)
            layer.weight.copy_(nn.init.xavier_uniform_(drawn, generator=generator))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, BatchNorm):
            layer.reset()
