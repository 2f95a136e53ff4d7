"""What later objectives, augmentations and networks will ask of a step, in its smallest form."""

from collections.abc import Callable

import torch
from torch import Tensor

from autogan.device.compute import Compute
from autogan.gan.augmentation import Augmentation
from autogan.gan.objectives import Hinge, Objective
from autogan.gan.penalties import Penalised, ZeroCentred
from autogan.images.batches import Batch
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.autogan.discriminator import AutoGanDiscriminator
from autogan.spaces.autogan.generator import AutoGanGenerator
from autogan.spaces.discriminator_architecture import DiscriminatorArchitecture

CPU = Compute.resolve("cpu", "float32")
ONE = Architecture.parse("pre-batch-nearest+shortcut")
TWO = Architecture.parse("post-batch-deconvolution/pre-none-bilinear+skip0")


def gradient_norms(discriminate: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """‖∇D‖² of every image, summed over C, H and W: B."""
    images = images.detach().requires_grad_()
    (gradients,) = torch.autograd.grad(discriminate(images).sum(), images, create_graph=True)
    return gradients.square().sum(dim=(1, 2, 3))


class GradientPenalties(Penalised):
    """The hinge objective with both gradient penalties, on real (R1) and on generated images (R2)."""

    def __init__(self) -> None:
        super().__init__(Hinge(), [ZeroCentred(3.0, of_real=True), ZeroCentred(3.0, of_real=False)])


class Paired(Objective):
    """Relativistic pairing."""

    generator_sees_real = True

    def discriminator_loss(self, real_logits: Tensor, generated_logits: Tensor) -> Tensor:
        return torch.nn.functional.softplus(generated_logits - real_logits).mean()

    def generator_loss(self, generated_logits: Tensor, real_logits: Tensor | None) -> Tensor:
        assert real_logits is not None
        return torch.nn.functional.softplus(real_logits - generated_logits).mean()


class Remembering(Hinge):
    """The hinge objective; what D says of real images is pulled towards its running mean."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("real_mean", torch.zeros(()))
        self.real_mean: Tensor

    def discriminator_loss(self, real_logits: Tensor, generated_logits: Tensor) -> Tensor:
        self.real_mean.lerp_(real_logits.detach().mean(), 0.1)
        pull = (real_logits - self.real_mean).square().mean()
        return super().discriminator_loss(real_logits, generated_logits) + 0.3 * pull


class Shades(Augmentation):
    """Makes every image brighter and higher in contrast, each by a number of its own."""

    numbers = 2

    def __init__(self) -> None:
        self.seen: list[tuple[Tensor, Tensor]] = []

    def __call__(self, images: Tensor, numbers: Tensor) -> Tensor:
        self.seen.append((images.detach().clone(), numbers.clone()))
        brightness, contrast = numbers[:, :, None, None, None].unbind(1)  # B×1×1×1 each
        return images * (0.5 + contrast) + brightness - 0.5


class ClassGenerator(AutoGanGenerator):
    """Has a use for labels: they move the latents. Remembers those it was given."""

    def __init__(self, cells: int = 2) -> None:
        super().__init__(search_space("autogan", cells), latent_size=16, channels=8, bottom_size=4)
        self.given: list[list[int]] = []

    def forward(
        self,
        latents: Tensor,
        architecture: Architecture | None = None,
        batch_statistics: bool = False,
        labels: Tensor | None = None,
    ) -> Tensor:
        assert labels is not None
        self.given.append(labels.tolist())
        return super().forward(latents + labels[:, None], architecture, batch_statistics)


class ClassDiscriminator(AutoGanDiscriminator):
    """Has a use for labels: they scale the logits. Remembers those it was given."""

    def __init__(self, stages: int = 2) -> None:
        super().__init__(stages, 8)
        self.given: list[list[int]] = []

    def forward(
        self,
        images: Tensor,
        stage: int | None = None,
        labels: Tensor | None = None,
        architecture: DiscriminatorArchitecture | None = None,
    ) -> Tensor:
        assert labels is not None and architecture is None
        self.given.append(labels.tolist())
        return super().forward(images, stage) * (1 + labels)


def real(architecture: Architecture, seed: int = 0, labels: list[int] | None = None) -> Batch:
    """Four random images of the architecture's size."""
    size = 4 << len(architecture)
    stream = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (4, 3, size, size), generator=stream, dtype=torch.uint8)
    return Batch(pixels, None if labels is None else torch.tensor(labels))
