"""The domain judge: a classifier trained on the very data set that is imitated.

It plays the part that the Inception network plays for photographs, and works for images that
network never saw; its scores are comparable only with other scores of the same judge. It learns the
classes of the images or, where they have none, which way up an image is (see `questions`).
"""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from autogan.judges.base import Judge, Judgement, check_images, resize
from autogan.judges.network import ResidualClassifier, build
from autogan.judges.questions import Examples, Question
from autogan.judges.storage import (
    DamagedFile,
    digest_of,
    read_tensors,
    tensors_digest,
    write_tensors,
)
from autogan.judges.training import NetworkTraining, Train, train_to_end
from autogan.settings.judge import JudgeSettings

if TYPE_CHECKING:
    from autogan.images import DataSet

CODE_VERSION = 2
"""Raised whenever a change of this code would train another judge from the same settings."""


class DomainJudge(Judge):
    """A trained classifier as a judge.

    Its features are the pooled last layer (4 × settings.width of them); its probabilities are the
    plain softmax over the classes. A judge of unlabelled images knows no classes: class_names is (),
    class_count 0, and the probabilities B×0. Computed in float32: bfloat16 is slower on the CPUs
    measured.

    task: what it learned. held_out_accuracy: its share of right answers, 0 to 1, on images that it
    was not trained on.
    """

    kind = "domain"

    def __init__(self, network: ResidualClassifier, about: dict[str, Any], device: torch.device):
        """`about` is what the file says of it: see `train_domain_judge`."""
        self.network = network.to(device).eval().requires_grad_(False)
        self.about = about
        self.device = device
        self.settings = JudgeSettings(**about["recipe"])
        self.task = Question(about["task"], tuple(about["answers"]))
        self.class_names = self.task.answers if self.task.kind == "classes" else ()
        self.held_out_accuracy: float = about["held_out_accuracy"]
        self.feature_dimension = network.feature_dimension
        self.class_count = len(self.class_names)
        kind = "domain" if self.task.kind == "classes" else "domain-rotation"
        self.name = f"{kind}-{tensors_digest(network.state_dict())[:8]}"

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Judgement:
        """Judge one batch: uint8 B×3×H×H with values 0 to 255, of any H (resized inside)."""
        features, answers = self.answer(images)
        return Judgement(features, answers[:, : self.class_count])

    def describe(self) -> dict[str, Any]:
        """Name and kind, what it learned, and how well."""
        learned = {"task": self.task.kind, "held_out_accuracy": self.held_out_accuracy}
        return {**super().describe(), **learned}

    @torch.inference_mode()
    def answer(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features, B×F, and the probabilities of the task's answers, B×A, of one batch as above."""
        check_images(images)
        x = resize(images.to(self.device).float(), self.settings.image_size)
        features, logits = self.network(x)
        return features, F.softmax(logits, dim=1)


def accuracy(judge: DomainJudge, examples: Examples) -> float:
    """Share (0 to 1) of the examples that get the right answer."""
    right = 0
    for images, targets in examples.batches(judge.device):
        right += int((judge.answer(images)[1].argmax(1) == targets).sum())
    return right / len(examples)


def train_domain_judge(
    data: "DataSet",
    settings: JudgeSettings,
    seed: int,
    device: torch.device,
    precision: str,
    train: Train = train_to_end,
) -> DomainJudge:
    """Train a judge on `data.train` and measure its accuracy on `data.held_out`.

    Where the data have classes, images without a label are left out of both; `UserError` if either
    has none with a label. precision: "float32" or "bfloat16", of the training only. train: what
    brings the training to its end; plain steps where left out.
    """
    task = Question.of(data.class_names)
    held_out = task.examples(data.held_out, f"The held-out part of {data.name}")
    training = NetworkTraining(data, task, settings, seed, device, precision)
    train(training)
    network = training.network
    about = {
        "data_name": data.name,
        "data_digest": data.digest,
        "task": task.kind,
        "answers": list(task.answers),
        "recipe": settings.to_dict(),
        "seed": seed,
        "held_out_accuracy": 0.0,
        "held_out_examples": len(held_out),
        "code_version": CODE_VERSION,
    }
    judge = DomainJudge(network, about, device)
    about["held_out_accuracy"] = judge.held_out_accuracy = accuracy(judge, held_out)
    return judge


def save_judge(judge: DomainJudge, path: Path) -> None:
    """Write the judge with all it says about itself; the file appears whole or not at all."""
    write_tensors(path, judge.network.state_dict(), judge.about)


def load_judge(path: Path, device: torch.device) -> DomainJudge:
    """Read a judge that `save_judge` wrote; `DamagedFile` if the file changed since."""
    tensors, about = read_tensors(path)
    network = build(JudgeSettings(**about["recipe"]).width, len(about["answers"]))
    network.load_state_dict(tensors)
    return DomainJudge(network, about, device)


def domain_judge(
    data: "DataSet",
    settings: JudgeSettings,
    seed: int,
    device: torch.device,
    cache_directory: Path,
    train: Train = train_to_end,
) -> DomainJudge:
    """The judge of this data, settings and seed: read from the cache, or trained and put there.

    A damaged file is named in a warning and replaced. Training uses bfloat16 on CUDA and float32
    on a CPU (where it is the faster one).
    """
    key = digest_of([data.digest, list(data.class_names), settings.to_dict(), seed, CODE_VERSION])
    path = cache_directory / "judges" / f"domain-{key[:16]}.safetensors"
    if (cached := _cached_judge(path, device)) is not None:
        return cached
    precision = "bfloat16" if device.type == "cuda" else "float32"
    judge = train_domain_judge(data, settings, seed, device, precision, train)
    # Another process may have been faster, and its run names its judge: one judge for both.
    if path.exists() and (cached := _cached_judge(path, device)) is not None:
        return cached
    save_judge(judge, path)
    return judge


def _cached_judge(path: Path, device: torch.device) -> DomainJudge | None:
    if not path.exists():
        return None
    try:
        return load_judge(path, device)
    except DamagedFile as damage:
        warnings.warn(f"{damage} The judge is trained again.", stacklevel=3)
        path.unlink(missing_ok=True)  # another process may have found the damage too
        return None
