"""What the method's tests stand on: random pixels, a judge that only looks at colours, small networks."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from autogan.device.compute import Compute
from autogan.images import DataSet, ImageSet
from autogan.judges import Judge, Judgement, reference
from autogan.method.context import Context
from autogan.method.train import Training
from autogan.progress.base import Cost, Progress
from autogan.runs.folder import Run
from autogan.runs.plan import Plan
from autogan.runs.task import Task
from autogan.runs.workload import Workload
from autogan.settings.decided import decide_for_data
from autogan.settings.loading import merged, settings_from_tree
from autogan.settings.sections import Settings
from autogan.spaces import search_space
from autogan.spaces.discriminator_architecture import told_discriminator

NETWORKS = {
    "generator_channels": 8,
    "discriminator_channels": 8,
    "generator_batch": 4,
    "discriminator_batch": 4,
    "discriminator_steps": 2,
}
TINY: dict[str, Any] = {
    "log_every_steps": 2,
    "data": {"image_size": 16},
    "network": {"latent_size": 16},
    "compute": {"device": "cpu", "precision": "float32"},
    "judge": {"image_size": 16, "width": 8, "epochs": 1, "batch_size": 16},
    "search": {
        **NETWORKS,
        "stage_weights": [1, 1],
        "iterations": 2,
        "shared_epochs": 0.5,
        "controller_steps": 2,
        "reward_images": 40,
        "candidates": 4,
        "beams": 2,
        "controller": {"samples_per_step": 2},
    },
    "derive": {"candidates": 4, "top": 3, "generator_steps": 2},
    "train": {
        **NETWORKS,
        "generator_steps": 6,
        "validate_every_steps": 2,
        "validation_images": 40,
    },
    "evaluate": {"images": 40, "inception_splits": 1},
}


class ColourJudge(Judge):
    """Features: mean colours and spreads; class: the brightest channel."""

    kind, name, feature_dimension, class_count = "colours", "colours", 6, 3

    def __call__(self, images: Tensor) -> Judgement:
        x = images.float() / 255
        features = torch.cat([x.mean((2, 3)), x.std((2, 3))], dim=1)
        return Judgement(features, torch.softmax(60 * x.mean((2, 3)), dim=1))


def tiny(**changes: Any) -> Settings:
    """The tiny settings, under changes of whole sections' fields: `tiny(train={"generator_steps": 4})`."""
    return settings_from_tree(merged(TINY, changes))


def noise(seed: int, count: int = 64, unlabelled: int = 0) -> ImageSet:
    """Random pixels of three classes; the last `unlabelled` ones have no label."""
    stream = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (count, 3, 16, 16), generator=stream, dtype=torch.uint8)
    labels = torch.arange(count) % 3
    labels[count - unlabelled :] = -1
    return ImageSet(pixels, labels)


def noise_data(folder: Path, unlabelled: int = 0) -> DataSet:
    """64 images to train on and 64 to judge by."""
    names, digest = ("a", "b", "c"), f"{5 + unlabelled:064}"
    train, held_out = noise(0, unlabelled=unlabelled), noise(1)
    return DataSet("noise", digest, names, train, held_out, cache_directory=folder / "cache")


def context_of(
    settings: Settings, folder: Path, task: Task | None = None, unlabelled: int = 0
) -> Context:
    """A context on random pixels, judged by their colours; its cache lies in `folder`."""
    chosen = decide_for_data(settings, "noise", has_classes=True, judge_knows_classes=True)
    data, judge = noise_data(folder, unlabelled), ColourJudge()
    classes = data.classes if chosen.network.conditional == "always" else None
    workload = Workload(chosen, len(data.train), len(data.train), classes)
    return Context(
        chosen,
        data,
        judge,
        reference(judge, data.train, data.digest, folder / "cache"),
        Compute.resolve("cpu", "float32"),
        Plan.of(chosen, task, workload),
        workload,
        search_space(chosen.network.space, chosen.cells),
        classes,
        told_discriminator(chosen.network.discriminator, chosen.cells),
    )


def stop_in(name: str, run: Run, patch: pytest.MonkeyPatch) -> None:
    """From now on the training of this name asks its run to stop after its first step."""
    step = Training.step

    def stopping(training: Training) -> bool:
        if training.name == name and training.steps_done == 1:
            run.stopping.reason = "SIGTERM"
        return step(training)

    patch.setattr(Training, "step", stopping)


class Listening(Progress):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.parts: list[str] = []
        self.planned: dict[str, list[Cost]] = {}
        self.skips: list[list[Cost]] = []
        self.metrics: list[tuple[str, float]] = []

    def plan(self, parts: dict[str, list[Cost]]) -> None:
        self.planned = parts

    def start(self, part: str) -> None:
        self.parts.append(part)

    def skipped(self, loads: list[Cost]) -> None:
        self.skips.append(loads)

    def metric(self, name: str, value: float) -> None:
        self.metrics.append((name, value))

    def note(self, text: str) -> None:
        self.notes.append(text)
