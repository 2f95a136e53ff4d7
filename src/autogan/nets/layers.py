"""The few operations that cells and discriminator blocks are made of.

Some of them compute the textbook form with less work; the tests hold them against it:
a 1×1 convolution commutes with interpolation (whose weights sum to one), so it runs before the
upsampling; a 3×3 convolution followed by 2×2 average pooling is one 4×4 convolution of stride 2;
nearest upsampling or a deconvolution, followed by a 3×3 convolution, is one transposed 4×4
convolution of stride 2; a deconvolution followed by a 1×1 convolution is one deconvolution.
"""

import itertools
from abc import abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EMBEDDING_SPREAD = 0.02
"""Standard deviation of fresh embeddings: classes begin nearly alike, as they do in `BatchNorm`. Where
they began far apart, a generator soon made one image for each class and had no use for its latents."""


class BatchNorm(nn.Module):
    """Batch normalisation whose forward pass is told which statistics to use.

    In training mode it normalises with the batch and updates its running statistics. In evaluation
    mode it uses the running ones, or, with `batch_statistics`, the batch's own, and updates nothing:
    a child is scored so, because running statistics are shared by all paths through a supernet.

    classes: where there are any, every class has a gain and a bias of its own for every channel:
    BN(x)·(1 + gain of the class) + bias of the class (de Vries et al., 2017). Both begin at 0.
    """

    EPSILON = 1e-5
    MOMENTUM = 0.1

    def __init__(self, channels: int, classes: int = 0) -> None:
        super().__init__()
        self.classes = classes
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        if classes:
            self.class_gain = nn.Parameter(torch.zeros(classes, channels))
            self.class_bias = nn.Parameter(torch.zeros(classes, channels))
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
        if self.classes:
            self.class_gain.zero_()
            self.class_bias.zero_()

    def forward(
        self, x: Tensor, batch_statistics: bool = False, labels: Tensor | None = None
    ) -> Tensor:
        """x: B×C×H×W → the same shape. labels: int64 B, where there are classes."""
        normalised = self.statistics_normalised(x, batch_statistics)
        if not self.classes:
            return normalised
        assert labels is not None
        gain, bias = (
            F.embedding(labels, table)[:, :, None, None].to(normalised.dtype)  # B×C×1×1
            for table in (self.class_gain, self.class_bias)
        )
        return torch.addcmul(bias, normalised, 1 + gain)

    def statistics_normalised(self, x: Tensor, batch_statistics: bool) -> Tensor:
        """The forward pass without the classes' gains and biases."""
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


def instance_norm(x: Tensor) -> Tensor:
    """Every channel of every image to mean 0 and variance 1: B×C×H×W → the same shape and layout.

    PyTorch's own takes channels-last maps to the contiguous layout, value by value, which costs a CPU
    more than the normalisation. Here the images stand side by side as the B·C channels of one
    channels-last image, which moves whole pixels; its batch normalisation is the instance
    normalisation of all. A GPU turns maps around at the speed of its memory; but all that comes
    after would be slow in the other layout (a bilinear interpolation ten times), so it turns back.
    """
    channels_last = x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
    if not channels_last:
        return F.instance_norm(x)
    images, channels, height, width = x.shape
    own = x.view_as(x)
    if own.requires_grad:  # else other layers would turn the gradient around, each for itself
        own.register_hook(_to_channels_last)
    if x.device.type != "cpu":
        return _to_channels_last(F.instance_norm(own))
    joined = own.permute(2, 3, 0, 1).reshape(1, height, width, images * channels)
    y = F.batch_norm(joined.permute(0, 3, 1, 2), None, None, training=True)  # 1×(B·C)×H×W
    y = y.permute(0, 2, 3, 1).view(height, width, images, channels)
    return _to_channels_last(y.permute(2, 3, 0, 1))


def _to_channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


def interpolate(x: Tensor, mode: str, factor: int = 2) -> Tensor:
    """B×C×H×W → B×C×fH×fW by "nearest" or "bilinear" interpolation.

    On a GPU it stays in the number format of x: there autocast would widen the map, and all that is
    added to it, to float32. (A CPU is slower in bfloat16 here: measured, 24 ms against 19.)
    """
    with torch.autocast("cuda", enabled=False):
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


def convolve_deconvolved(
    x: Tensor, deconvolution: nn.ConvTranspose2d, weight: Tensor, bias: Tensor | None
) -> Tensor:
    """A `deconvolution`, then a 3×3 convolution (padding 1): B×C×H×W → B×C'×2H×2W.

    Both are linear, so their kernels join into one of 4×4: four multiply-accumulates for each pair
    of channels and output pixel instead of ten. The deconvolution's bias meets the convolution's
    zero padding at the border; what becomes of it is the same for every image of the batch.
    """
    _, _, height, width = x.shape
    channels_in, channels_out = deconvolution.weight.shape[0], weight.shape[0]
    own = deconvolution.weight.permute(2, 3, 0, 1).flatten(0, 2)  # 2·2·C×C
    turned = weight.flip(2, 3).permute(1, 2, 3, 0).flatten(1)  # C×3·3·C'
    shifted = (own @ turned).view(2, 2, channels_in, 3, 3, channels_out)
    kernel = shifted.new_zeros(channels_in, 4, 4, channels_out)
    for row, column in itertools.product(range(2), range(2)):
        kernel[:, row : row + 3, column : column + 3] += shifted[row, column]
    kernel = kernel.permute(0, 3, 1, 2)  # C×C'×4×4
    assert deconvolution.bias is not None
    constant = deconvolution.bias.view(1, -1, 1, 1).expand(-1, -1, 2 * height, 2 * width)
    of_biases = F.conv2d(constant, weight, bias, padding=1)  # 1×C'×2H×2W
    return F.conv_transpose2d(x, kernel, stride=2, padding=1) + of_biases


def project_deconvolved(
    x: Tensor, deconvolution: nn.ConvTranspose2d, projection: nn.Conv2d
) -> Tensor:
    """A `deconvolution`, then a 1×1 convolution: B×C×H×W → B×C'×2H×2W, as one deconvolution."""
    matrix = projection.weight.flatten(1)  # C'×C
    kernel = torch.einsum("imhw,om->iohw", deconvolution.weight, matrix)
    assert deconvolution.bias is not None and projection.bias is not None
    bias = torch.addmv(projection.bias, matrix, deconvolution.bias)
    return F.conv_transpose2d(x, kernel, bias, stride=2)


class OwnStart(nn.Module):
    """A layer that starts otherwise than `initialise` lets layers start."""

    @abstractmethod
    def start(self, generator: torch.Generator) -> None:
        """Gives this layer's own parameters, not its children's, their first values, in place.

        Called without gradients. What is drawn comes from `generator` (see `drawn_normal`).
        """


class CopyingDeconvolution(nn.ConvTranspose2d, OwnStart):
    """A `deconvolution` that starts as nearest upsampling: B×C×H×W → B×C×2H×2W.

    Of its 2×2 kernel one place reaches each pixel. So a Xavier start, which counts all four, would halve
    what passes, and blocks without normalisation do not make up for that.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, kernel_size=2, stride=2)

    def start(self, generator: torch.Generator) -> None:
        """Every pixel becomes four; nothing is drawn."""
        nn.init.zeros_(self.weight)
        self.weight.diagonal(dim1=0, dim2=1).fill_(1)
        assert self.bias is not None
        nn.init.zeros_(self.bias)


def drawn_normal(shape: torch.Size, deviation: float, generator: torch.Generator) -> Tensor:
    """Normal values of mean 0, drawn aside on the generator's device (see `initialise`)."""
    return torch.empty(shape, device=generator.device).normal_(0, deviation, generator=generator)


@torch.no_grad()
def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Xavier-uniform weights, zero biases, small normal embeddings, and normalisation layers as when
    made; in place.

    A layer with an `OwnStart` starts as that says.

    Weights are drawn aside, on the generator's device: a random fill goes in memory order, and one
    seed is to give the same network in every layout and on every device.
    """
    for layer in module.modules():
        if isinstance(layer, OwnStart):
            layer.start(generator)
        elif isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            drawn = torch.empty(layer.weight.shape, device=generator.device)
            layer.weight.copy_(nn.init.xavier_uniform_(drawn, generator=generator))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.Embedding):
            drawn = torch.empty(layer.weight.shape, device=generator.device)
            layer.weight.copy_(drawn.normal_(std=EMBEDDING_SPREAD, generator=generator))
        elif isinstance(layer, BatchNorm):
            layer.reset()
