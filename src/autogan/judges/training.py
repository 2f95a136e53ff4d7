"""Training of the domain judge on its task: batches with augmentation, one loop.

Between two steps the state is whole, so that a long training can be kept and taken up again.
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autogan.basics.errors import Diverged, UserError
from autogan.judges.base import resize
from autogan.judges.network import build, initialise
from autogan.judges.questions import Examples, Question
from autogan.nets.optimisers import Muon, load_optimiser
from autogan.settings.judge import JudgeSettings

if TYPE_CHECKING:
    from autogan.images import DataSet


FAST_RATE, FAST_MOMENTUM = 0.08, 0.6
"""Of Muon, in the fast recipe; the rate falls linearly to 0."""
FAST_SIZES = ((0.6, 2), (0.85, 3), (1.0, 4))
"""Until which share of the fast recipe's steps images have how many quarters of their side."""
WHITENED_BY, WHITENED_AT_ONCE, WHITENING_EPSILON = 5000, 250, 1e-3
"""Images whose patches the fast recipe's first layer is made from; how many of them are in memory at a time;
what is added to a variance."""


class NetworkTraining:
    """The training of a network to answer `task` on `data.train`, step by step, on `device`.

    On a CPU the same data, settings, seed and number of threads give the same weights bit for bit.
    Nothing is drawn from torch's global generator. precision: "float32" or "bfloat16" (autocast).
    """

    def __init__(
        self,
        data: "DataSet",
        task: Question,
        settings: JudgeSettings,
        seed: int,
        device: torch.device,
        precision: str,
    ) -> None:
        if precision not in ("float32", "bfloat16"):
            raise UserError(f"Unknown precision {precision!r}. Known: bfloat16, float32.")
        examples = task.examples(data.train.placed_on(device), f"The data set {data.name}")
        if len(examples) < 2:
            raise UserError(f"The data set {data.name} has one labelled training image; give more.")
        self.settings = settings
        self.device = device
        self.precision = precision
        self.network = build(settings.width, len(task.answers))
        initialise(self.network, _generator(seed, "weights"))
        self.network.to(device).train()
        self.fast = settings.recipe == "fast"
        kernels = [p for p in self.network.parameters() if p.ndim == 4] if self.fast else []
        self.optimiser = torch.optim.SGD(
            _parameter_groups(self.network, settings.weight_decay, kernels),
            lr=settings.learning_rate,
            momentum=0.9,
            nesterov=True,
            fused=True,
        )
        self.kernel_optimiser: Muon | None = None
        if self.fast:
            self.kernel_optimiser = Muon(kernels, FAST_RATE, FAST_MOMENTUM)
            places = torch.arange(min(WHITENED_BY, len(examples))).split(WHITENED_AT_ONCE)
            taken = (examples.take(of_batch, device)[0] for of_batch in places)
            images = (resize(pixels.float(), settings.image_size) for pixels in taken)
            whiten(self.network.first_layer, images)
        batch_size = min(settings.batch_size, len(examples))
        self.batches = _Batches(examples, batch_size, settings, device, _generator(seed, "batches"))
        self.steps = settings.epochs * (len(examples) // batch_size)
        """In all."""
        self.steps_done = 0
        self.on_step: Callable[[], object] = lambda: None
        """Called after every step, for whoever shows how far the training is."""

    @property
    def done(self) -> bool:
        """Whether no step is left."""
        return self.steps_done >= self.steps

    def step(self) -> bool:
        """One update; False: none is worth more than another."""
        images, targets = self.batches.next()
        done = (self.steps_done + 0.5) / self.steps
        for group in self.optimiser.param_groups:
            group["lr"] = self.settings.learning_rate * schedule(done, self.settings.warmup_share)
        if self.kernel_optimiser:
            self.kernel_optimiser.param_groups[0]["lr"] = FAST_RATE * (1 - done)
            self.kernel_optimiser.zero_grad()
            images = resize(images, shown_size(done, self.settings.image_size))
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            _, logits = self.network(images)
        loss = F.cross_entropy(
            logits.float(), targets, label_smoothing=self.settings.label_smoothing
        )
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        if self.kernel_optimiser:
            self.kernel_optimiser.step()
        self.steps_done += 1
        self.on_step()
        return False

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        state = {
            "step": self.steps_done,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "batches": self.batches.state_dict(),
        }
        if self.kernel_optimiser:
            state["kernel_optimiser"] = self.kernel_optimiser.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes back to a state that `state_dict` gave."""
        self.steps_done = state["step"]
        self.network.load_state_dict(state["network"])
        load_optimiser(self.optimiser, state["optimiser"])
        if self.kernel_optimiser:
            load_optimiser(self.kernel_optimiser, state["kernel_optimiser"])
        self.batches.load_state_dict(state["batches"])

    def position(self) -> dict[str, Any]:
        """Steps done, and in all."""
        return {"step": self.steps_done, "of": self.steps}

    def refuse_non_finite(self) -> None:
        """Raises `Diverged` where a weight is no finite number."""
        if not all(bool(p.isfinite().all()) for p in self.network.parameters()):
            raise Diverged(
                "The judge's training went wrong: its weights are no finite numbers any more."
            )

    def reseed(self, attempt: int) -> None:
        """Goes on with other batches than those that were to come."""
        self.batches.reseed(attempt)


Train = Callable[[NetworkTraining], None]
"""Brings a training to its end."""


def train_to_end(training: NetworkTraining) -> None:
    """Step after step, nothing kept."""
    while not training.done:
        training.step()
    training.refuse_non_finite()


def schedule(progress: float, warmup_share: float) -> float:
    """The learning rate as a share of its peak: a triangle. progress: 0 (start) to 1 (end)."""
    if progress < warmup_share:
        return progress / warmup_share
    return (1.0 - progress) / (1.0 - warmup_share)


def shown_size(progress: float, size: int) -> int:
    """The side that the fast recipe's images have at a time of the training, 0 to 1, of `size` at last."""
    return next(size * quarters // 4 for until, quarters in FAST_SIZES if progress < until)


@torch.no_grad()
def whiten(convolution: nn.Conv2d, batches: Iterable[Tensor]) -> None:
    """Sets kernels to the main directions of the images' patches, each scaled to variance 1, in place.

    batches: of images, B×3×S×S, 0 to 255. Half of the kernels are the strongest directions, half their
    negatives, so that a ReLU loses nothing; as in Jordan 2024, "94% on CIFAR-10 in 3.29 seconds on a single
    GPU".
    """
    size, stride = convolution.kernel_size[0], convolution.stride[0]
    products, count = torch.zeros((), dtype=torch.float64, device=convolution.weight.device), 0
    for images in batches:
        patches = F.unfold(images / 127.5 - 1.0, size, stride=stride).transpose(1, 2)
        patches = patches.flatten(0, 1).double()
        products = products + patches.T @ patches
        count += len(patches)
    variances, directions = torch.linalg.eigh(products / count)
    half = convolution.out_channels // 2
    scaled = (directions / (variances + WHITENING_EPSILON).sqrt()).T.flip(0)[
        :half
    ]  # strongest first
    kernels = torch.cat([scaled, -scaled]).view_as(convolution.weight)
    convolution.weight.copy_(kernels)


def augment(images: Tensor, settings: JudgeSettings, generator: torch.Generator) -> Tensor:
    """B×3×S×S → float B×3×S×S, values 0 to 255 in both: shift, mirror, lower resolution.

    The first `low_resolution_share` of the batch (whose order is random) is reduced, so that
    every batch has the same mixture and batch normalisation sees what it will see when judging.
    """
    count, _, size, _ = images.shape
    x = images.float()
    if settings.shift:
        margin = settings.shift
        offsets = torch.randint(2 * margin + 1, (2, count, 1), generator=generator)
        rows, columns = (torch.arange(size) + offsets).to(x.device)  # B×S each
        padded = F.pad(x, (margin,) * 4, mode="reflect").permute(0, 2, 3, 1)  # B×H×W×3
        batch = torch.arange(count, device=x.device)[:, None, None]
        x = padded[batch, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    if settings.flip:
        mirrored = torch.rand(count, generator=generator) < 0.5
        x = torch.where(mirrored.to(x.device)[:, None, None, None], x.flip(3), x)
    reduced = round(settings.low_resolution_share * count)
    if reduced:
        half, quarter = x[: reduced // 2], x[reduced // 2 : reduced]
        parts = [(half, size // 2), (quarter, size // 4)]
        lower = [resize(resize(part, small), size) for part, small in parts if len(part)]
        x = torch.cat([*lower, x[reduced:]])
    return x


class _Batches:
    """Endless augmented batches; each epoch in a new order, without its incomplete last batch.

    Images are turned last: mirrored after it, one turned left would be one turned right.
    """

    def __init__(
        self,
        examples: Examples,
        batch_size: int,
        settings: JudgeSettings,
        device: torch.device,
        generator: torch.Generator,
    ) -> None:
        self._examples = examples
        self._batch_size = batch_size
        self._settings = settings
        self._device = device
        self._generator = generator
        self._order = torch.empty(0, dtype=torch.int64)
        self._taken = 0

    def next(self) -> tuple[Tensor, Tensor]:
        """Images as the network takes them, and the answers that are right."""
        if self._taken + self._batch_size > len(self._order):
            self._order = torch.randperm(len(self._examples), generator=self._generator)
            self._taken = 0
        places = self._order[self._taken : self._taken + self._batch_size]
        self._taken += self._batch_size
        images, targets = self._examples.take(places, self._device)
        resized = resize(images.float(), self._settings.image_size).round()
        augmented = augment(resized, self._settings, self._generator)
        return self._examples.shown(augmented, targets), targets

    def reseed(self, attempt: int) -> None:
        drawn = torch.randint(2**62, (), generator=self._generator).item()
        self._generator.manual_seed(int(drawn) + attempt)

    def state_dict(self) -> dict[str, Any]:
        return {
            "order": self._order,
            "taken": self._taken,
            "generator": self._generator.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._order, self._taken = state["order"], state["taken"]
        self._generator.set_state(state["generator"])


def _parameter_groups(
    network: nn.Module, weight_decay: float, left_out: list[nn.Parameter]
) -> list[dict[str, object]]:
    """Weight decay for convolution and linear weights only; none of those that are `left_out`."""
    elsewhere = {id(parameter) for parameter in left_out}
    parameters = [p for p in network.parameters() if id(p) not in elsewhere]
    matrices = [parameter for parameter in parameters if parameter.ndim > 1]
    others = [parameter for parameter in parameters if parameter.ndim <= 1]
    return [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


def _generator(seed: int, purpose: str) -> torch.Generator:
    """The named generator of (seed, purpose), on the CPU so that every device draws the same."""
    digest = hashlib.sha256(f"judge {purpose} {seed}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
