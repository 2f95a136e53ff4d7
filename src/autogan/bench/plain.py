"""The plain way to compute a step, as the authors' program does it, written in today's PyTorch.

It is the yardstick of the fast path and the reference that the fast path must equal: eager, float32,
contiguous; upsampling before, and pooling after, every convolution; real and generated images through
the discriminator apart; generated images for the discriminator made with their graph; weight
gradients of the discriminator in the generator's step; all weights of an attention at once; every loss
read back at once; glibc's memory as it comes. (Where the fast path
adds and rectifies in place, the plain one does too, to its advantage.)
"""

import copy
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autogan.device.compute import Compute
from autogan.gan.step import Gan
from autogan.images.pixels import to_unit
from autogan.nets.attention import SoftmaxAttention, SoftmaxAttentionInParts
from autogan.nets.layers import interpolate
from autogan.nets.optimisers import TIMES
from autogan.nets.residual_block import ResidualBlock
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.cell import ConvolutionBlock, UpsampledProjection
from autogan.spaces.discriminator_architecture import DiscriminatorArchitecture

AnyModule = TypeVar("AnyModule", bound=nn.Module)


class PlainConvolutionBlock(ConvolutionBlock):
    """Upsamples first, then convolves every pixel of the large map."""

    def _upsample_and_convolve(self, x: Tensor, upsampling: str | None) -> Tensor:
        if upsampling == "nearest":
            return self.convolution(interpolate(x, "nearest"))
        if upsampling == "deconvolution":
            return self.convolution(self.deconvolution(x))
        return super()._upsample_and_convolve(x, upsampling)


class PlainProjection(UpsampledProjection):
    """Upsamples first, then convolves every pixel of the large map."""

    def forward(self, x: Tensor, upsampling: str) -> Tensor:
        """x: B×C×H×W → B×C'×fH×fW with f = 2^doublings."""
        if upsampling == "deconvolution":
            return self.convolution(self.deconvolutions(x))
        return self.convolution(interpolate(x, upsampling, 2**self.doublings))


class PlainResidualBlock(ResidualBlock):
    """Convolves at the full size, then pools, on both branches."""

    def forward(self, x: Tensor) -> Tensor:
        """x: B×C×H×W → B×C'×H×W, or B×C'×H/2×W/2 if the block pools."""
        h = F.relu(self.convolution1(x if self.on_image else F.relu(x)))
        h = self.convolution2(h) + (self.shortcut(x) if hasattr(self, "shortcut") else x)
        return F.avg_pool2d(h, 2) if self.pools else h


_PLAIN: dict[type[nn.Module], type[nn.Module]] = {
    ConvolutionBlock: PlainConvolutionBlock,
    UpsampledProjection: PlainProjection,
    ResidualBlock: PlainResidualBlock,
    SoftmaxAttentionInParts: SoftmaxAttention,
}


def as_plain(network: AnyModule) -> AnyModule:
    """A copy of a generator or discriminator with the same weights that computes the plain way."""
    network = copy.deepcopy(network)
    for module in network.modules():
        module.__class__ = _PLAIN.get(type(module), type(module))
    return network


def plain_compute(device: torch.device) -> Compute:
    """float32 and contiguous."""
    return Compute(device, None, torch.contiguous_format)


class PlainGan(Gan):
    """The adversarial step without any of the savings; losses come back as numbers would."""

    def _adam(
        self, groups: list[dict[str, Any]], learning_rate: float, betas: tuple[float, float]
    ) -> torch.optim.Adam:
        for group in groups:
            group["lr"] = learning_rate * group.get(TIMES, 1.0)
        return torch.optim.Adam(groups, betas=betas)

    def _images(self, architecture: Architecture, latents: Tensor, wanted: Tensor | None) -> Tensor:
        """As in `Gan`, but made with their graph."""
        return self.generator(latents, architecture, labels=wanted).detach()

    def _update_discriminator(
        self,
        seen: tuple[int, DiscriminatorArchitecture | None],
        pixels: Tensor,
        labels: Tensor | None,
        generated: Tensor,
        wanted: Tensor | None,
        numbers: Tensor,
        places: Tensor | None,
    ) -> Tensor:
        """As in `Gan`, the same loss and gradients; real and generated images apart."""
        stage, _ = seen
        real_numbers, generated_numbers = numbers.chunk(2)
        real = to_unit(pixels)
        of_real = self._looking.impressions(real, stage, labels, real_numbers)
        of_generated = self._looking.impressions(generated, stage, wanted, generated_numbers)
        loss = self._discriminator_loss(of_real, of_generated, labels)
        if places is not None:

            def look(images: Tensor, *, generated: bool = False) -> Tensor:
                told = wanted if generated else labels
                return self._looking.logits(images, stage, told, real_numbers)

            loss = self._penalised(loss, (real, generated), look, places)
        loss = self.learners.discriminator.learn(loss)
        loss.item()
        return loss

    def _update_generator(
        self,
        architecture: Architecture,
        pixels: Tensor | None,
        labels: Tensor | None,
        wanted: Tensor | None,
        latents: Tensor,
        numbers: Tensor,
    ) -> Tensor:
        """As in `Gan`, the same loss and gradients; those of the discriminator's weights too."""
        stage, count = len(architecture) - 1, len(latents)
        generated = self.generator(latents, architecture, labels=wanted)
        logits = self._looking.logits(generated, stage, wanted, numbers[:count])
        real_logits = None
        if pixels is not None:
            real_logits = self._looking.logits(to_unit(pixels), stage, labels, numbers[count:])
        loss = self.objective.generator_loss(logits, real_logits)
        loss = self.learners.generator.learn(loss)
        loss.item()
        return loss
