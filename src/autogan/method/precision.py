"""Which number format a run trains in, where "auto" leaves it open: that in which its own steps are faster.

A machine that computes in bfloat16 does so faster for wide networks, and not always for narrow ones. So
the steps of the run are done in both formats for a moment, and what was measured is kept in the cache.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from autogan.device.compute import PRECISIONS, Compute, Precision, computes_in_bfloat16
from autogan.device.processes import ALONE
from autogan.device.timing import interleaved
from autogan.files.remembered import Remembered
from autogan.gan.from_settings import discriminator_for, gan_for
from autogan.images.batches import Batch
from autogan.images.classes import Classes
from autogan.judges.storage import digest_of
from autogan.progress.base import Progress
from autogan.progress.speeds import machine_name
from autogan.runs.plan import Part
from autogan.runs.workload import Workload
from autogan.settings.game import AdversarialSettings
from autogan.settings.sections import Settings
from autogan.spaces import search_space
from autogan.spaces.discriminator_architecture import told_discriminator

PROBE_SECONDS = 1.0
"""For all kinds of steps together, beside what three rounds of a large step take longer."""
RECORDING_ROUNDS = 4
"""Rounds until steps that are recorded are replayed."""


@dataclass(frozen=True)
class StepKind:
    """The steps of one part of a run: all are taken to be at its last stage, where most time goes.

    rounds: how many there are: of `discriminator_steps` updates of D and one of G.
    """

    part: str
    section: AdversarialSettings
    rounds: float


def decide_precision(
    settings: Settings,
    parts: Collection[Part],
    workload: Workload,
    compute: Compute,
    cache_directory: Path,
    progress: Progress,
    classes: Classes | None = None,
) -> Compute:
    """`compute`, in the precision in which this run's steps take less time.

    parts: of the run; nothing is measured where none of them trains, where the settings name a
    precision, or where the device does not compute in bfloat16. What was measured is noted. classes:
    that the networks are told.
    """
    kinds = list(_kinds(settings, parts, workload))
    decided = settings.compute.precision != "auto" or not computes_in_bfloat16(compute.device)
    if decided or not kinds:
        return compute
    progress.status("measuring which precision is faster here")
    known = Remembered(cache_directory / "precision.json")
    shapes = _shapes(settings, kinds, classes, compute.processes.count)
    key = f"{machine_name(str(compute.device), torch.__version__)}, {shapes}"
    seconds = known.recall(key, dict[Precision, float])
    if seconds is None or set(seconds) != set(PRECISIONS) or min(seconds.values()) <= 0:
        seconds = measured_seconds(settings, kinds, compute, classes)
        known.keep(key, seconds)
    faster = min(seconds, key=lambda precision: seconds[precision])
    slower = max(seconds.values()) / seconds[faster]
    progress.note(f"Precision: {faster}, in which this run's steps are {slower:.1f} times as fast.")
    return compute.with_precision(faster)


def fewest_bytes_a_number(settings: Settings, compute: Compute) -> int:
    """In feature maps, 2 or 4: of the shortest format that `decide_precision` may take."""
    open_to_bfloat16 = settings.compute.precision == "auto" and computes_in_bfloat16(compute.device)
    return 2 if compute.autocast_dtype or open_to_bfloat16 else 4


def measured_seconds(
    settings: Settings,
    kinds: Collection[StepKind],
    compute: Compute,
    classes: Classes | None = None,
) -> dict[Precision, float]:
    """About how long all steps of a run will take in each precision, by a few of each kind.

    Of several processes one measures its part of the batches, and waits for no other.
    """
    total = dict.fromkeys(PRECISIONS, 0.0)
    for kind in kinds:
        with torch.random.fork_rng(devices=()):  # what the run draws is not to change
            rounds: dict[str, _Round] = {
                name: _Round(settings, kind.section, compute.with_precision(name), classes)
                for name in PRECISIONS
            }
        timings = interleaved(
            rounds,
            compute.device,
            PROBE_SECONDS / len(kinds),
            warm_up=RECORDING_ROUNDS if compute.captures else 1,
        )
        for name in PRECISIONS:
            total[name] += kind.rounds * timings[name].median_ms / 1000
    return total


class _Round:
    """`discriminator_steps` updates of D and one of G, at the last stage of a part, on one process's
    part of the batches."""

    def __init__(
        self,
        settings: Settings,
        section: AdversarialSettings,
        compute: Compute,
        classes: Classes | None,
    ) -> None:
        space = search_space(settings.network.space, settings.cells)
        told = told_discriminator(settings.network.discriminator, settings.cells)
        self.discriminator_steps = section.discriminator_steps
        self.generator_batch = section.generator_batch // compute.processes.count
        self.architecture = space.first()
        self.gan = gan_for(
            section,
            space.generator(
                latent_size=settings.network.latent_size,
                channels=section.generator_channels,
                bottom_size=settings.network.bottom_size,
                classes=classes,
            ),
            discriminator_for(section, space, classes, told),
            replace(compute, processes=ALONE),
            seed=0,
            purpose="precision",
        )
        size = settings.data.image_size
        pixels = torch.zeros((1, 3, size, size), dtype=torch.uint8, device=compute.device)

        def batch(count: int) -> Batch:
            labels = torch.zeros(count, dtype=torch.int64, device=compute.device)
            return Batch(pixels.repeat(count, 1, 1, 1), labels if classes else None)

        self.real = batch(section.discriminator_batch // compute.processes.count)
        sees_real = self.gan.objective.generator_sees_real
        self.seen = batch(self.generator_batch) if sees_real else None

    def __call__(self) -> None:
        for _ in range(self.discriminator_steps):
            self.gan.discriminator_step(self.real, self.architecture)
        self.gan.generator_step(self.generator_batch, self.architecture, self.seen)


def _kinds(settings: Settings, parts: Collection[Part], workload: Workload) -> Iterator[StepKind]:
    search, train, derive = settings.search, settings.train, settings.derive
    if "search" in parts:
        iterations = search.iterations + search.iterations_of_discriminators
        steps = iterations * workload.shared_steps()
        yield StepKind("search", search, steps / search.discriminator_steps)
    rounds = 0
    if "derive" in parts:
        rounds += derive.top * (derive.generator_steps or train.generator_steps)
    if "train" in parts:
        rounds += train.generator_steps
    if "trials" in parts:
        rounds += settings.trials.count * settings.trials.rung_steps[-1]
    if rounds:
        yield StepKind("train", train, rounds)


def _shapes(
    settings: Settings, kinds: Collection[StepKind], classes: Classes | None, processes: int
) -> str:
    """What the time of the steps depends on, as a digest."""
    content = [
        [settings.network.model_dump(), settings.data.image_size, settings.compute.model_dump()],
        [[kind.part, kind.rounds, kind.section.model_dump(mode="json")] for kind in kinds],
    ]
    if classes:
        content.append([len(classes), classes.unlabelled])
    if processes > 1:
        content.append([processes])
    return digest_of(content)[:16]
