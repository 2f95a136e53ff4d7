"""What a run stands on: its data, the judge of that data, the device, and the price of its work."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from autogan.basics.errors import UserError
from autogan.device.compute import PRECISIONS, Compute
from autogan.device.processes import ALONE, Processes
from autogan.gan.generation import shared_labels
from autogan.images import DataSet, load_data
from autogan.images.cache import default_cache_directory
from autogan.images.classes import Classes
from autogan.judges import DomainJudge, Judge, Reference, domain_judge, reference
from autogan.judges.questions import Question
from autogan.judges.training import NetworkTraining
from autogan.judges.values import weak_below
from autogan.method.mirroring import warning_of_mirrored
from autogan.method.precision import decide_precision, fewest_bytes_a_number
from autogan.method.refusals import (
    refuse_other_data,
    refuse_too_few_images,
    refuse_unplayable,
)
from autogan.progress.base import Progress
from autogan.runs.drive import drive
from autogan.runs.file_names import DATA
from autogan.runs.folder import Run
from autogan.runs.memory_needed import (
    memory_needed,
    refuse_too_little_memory,
    warning_of_little_memory,
)
from autogan.runs.plan import JUDGE, Part, Plan, trained_sections
from autogan.runs.task import Task
from autogan.runs.workload import Workload
from autogan.settings.decided import DecidedSettings, decide_compute, decide_for_data, decide_start
from autogan.settings.sections import Settings
from autogan.spaces import search_space
from autogan.spaces.discriminator_architecture import (
    DiscriminatorArchitecture,
    told_discriminator,
)
from autogan.spaces.limits import Costs, refuse_impossible
from autogan.spaces.space import SearchSpace


@dataclass(frozen=True)
class Context:
    """The fixed surroundings that searching, training and evaluating share."""

    settings: DecidedSettings
    """The run's, with `train.start` decided for its parts, and all that is "auto" for its data."""
    data: DataSet
    judge: Judge
    reference: Reference
    """Statistics of the training images under the judge."""
    compute: Compute
    plan: Plan
    """The parts of the run, priced."""
    workload: Workload
    space: SearchSpace
    """The whole space that is searched."""
    classes: Classes | None = None
    """Those that the networks are told; None: they are told none."""
    discriminator: DiscriminatorArchitecture | None = None
    """The one that the settings tell; None: the space's own."""

    @property
    def labels(self) -> Tensor | None:
        """Of the training images, int64, for networks that are told classes."""
        return self.data.train.labels if self.classes else None

    def wanted_labels(self, count: int, purpose: str) -> Tensor | None:
        """Of `count` generated images, in the classes' shares; None for networks that are told none."""
        if self.classes is None:
            return None
        return shared_labels(self.classes, count, self.settings.seed, purpose)


def prepare(
    settings: Settings,
    progress: Progress,
    *,
    to_train: bool = True,
    run: Run | None = None,
    task: Task | None = None,
    derives: bool = False,
    processes: Processes = ALONE,
) -> Context:
    """Loads the data and makes the judge, both from the cache where they are there already.

    to_train: whether networks will be trained, or one only evaluated, which needs fewer images.
    run: keeps the states of the judge's training; it refuses other data than it began with.
    task: what will be done where there is no run; by default all that a run does.
    derives: whether a run that is only a search goes on with its derivation. processes: those that train
    together.

    Raises `UserError` for data that cannot be used, before anything is trained.
    """
    compute = decide_compute(settings.compute, processes)
    discriminator = told_discriminator(settings.network.discriminator, settings.cells)
    task = run.task if run else task
    parts = Plan.of(settings, task, derives=derives).parts
    if to_train:
        settings = _with_start(settings, parts, task, progress)
        needed = memory_needed(settings, parts, fewest_bytes_a_number(settings, compute))
        refuse_too_little_memory(needed, compute.memory)
        if little := warning_of_little_memory(needed, compute.memory):
            progress.note(little)
        refuse_unplayable(settings, parts, discriminator, compute)
    cache_directory: Path = default_cache_directory()
    data = load_images(settings, run.source if run else settings.data.source, progress)
    knows_classes = data.labelled or settings.judge.kind == "inception"
    settings = decide_for_data(
        settings, data.name, has_classes=data.labelled, judge_knows_classes=knows_classes
    )
    classes = data.classes if settings.network.conditional == "always" else None
    refuse_too_few_images(settings, data, parts if to_train else ())
    if run is not None:
        refuse_other_data(run, data)
        if run.when_accepted is not None:
            run.when_accepted()
    for note in data.notes:
        progress.note(note)
    if classes and classes.unlabelled and compute.processes.count > 1:
        raise UserError(
            f"{compute.processes.count} processes cannot train on images of which some have no label: the "
            "loss of the labels is a mean over those that have one. Use one process, or "
            "network.conditional=never."
        )
    space = search_space(settings.network.space, settings.cells)
    if to_train and {"search", "trials"} & set(parts):
        costs = Costs(settings, classes, compute.device)
        refuse_impossible(space, settings.search.limits, costs)
    question = Question.of(data.class_names)
    examples = len(question.examples(data.train, data.name))
    workload = Workload(settings, len(data.train), examples, classes)
    plan = Plan.of(settings, task, workload, derives=derives)
    planned = plan.costs()
    progress.plan(planned if to_train else {part: planned[part] for part in (JUDGE, "evaluate")})
    progress.start("judge")
    if to_train:
        compute = _with_precision(settings, plan, workload, compute, classes, run, progress)
        compute = _agreed(compute)
    if not compute.processes.first:
        compute.processes.wait()  # the first trains the judge, and puts it into the cache
    judge = _judge(settings, data, compute, workload, progress, run)
    progress.status(f"judging the {len(data.train):,} training images")
    statistics = reference(judge, data.train, data.digest, cache_directory)
    if compute.processes.first:
        compute.processes.wait()
    if to_train and any(
        section.mirror for section in trained_sections(settings, plan.parts).values()
    ):
        warning = warning_of_mirrored(judge, data, settings.judge)
        progress.note(warning or "Mirrored images look like the others to the judge.")
    return Context(
        settings, data, judge, statistics, compute, plan, workload, space, classes, discriminator
    )


def load_images(settings: Settings, source: str, progress: Progress) -> DataSet:
    """The images of `source`, as the settings say they are to be read."""
    return load_data(
        source,
        settings.data.image_size,
        skip_broken=settings.data.skip_broken,
        limit_factor=settings.data.limit_factor,
        tell=progress.status,
    )


def _with_start(
    settings: Settings, parts: Collection[Part], task: Task | None, progress: Progress
) -> Settings:
    """With fresh weights where none can be inherited; what trainings begin with is said where that may
    surprise."""
    decided = decide_start(settings, searches="search" in parts)
    if task and task.start:
        progress.note(f"The training goes on from where that in {task.start} ended.")
    elif decided is not settings:
        progress.note(
            "train.start is shared, and here no search leaves weights to begin with: they are fresh. From "
            "scratch it takes more steps (train.generator_steps) to come as far."
        )
    return decided


def _agreed(compute: Compute) -> Compute:
    """In the precision that the first of several processes decided for."""
    precision = compute.processes.agreed(compute.precision)
    return compute.with_precision("bfloat16" if precision == "bfloat16" else "float32")


def _with_precision(
    settings: Settings,
    plan: Plan,
    workload: Workload,
    compute: Compute,
    classes: Classes | None,
    run: Run | None,
    progress: Progress,
) -> Compute:
    """In the precision that a run began with, or else in the one that is faster here. Of several
    processes the first one measures."""
    begun: dict[str, Any] | None = run.read(DATA) if run else None
    if begun is None and not compute.processes.first:
        return compute
    if begun is None:
        directory = default_cache_directory()
        return decide_precision(
            settings, plan.parts, workload, compute, directory, progress, classes
        )
    precision = begun.get("precision", compute.precision)
    if precision not in PRECISIONS:
        raise UserError(f"data.json is damaged: it names the precision {precision!r}.")
    return compute.with_precision(precision)


def _about(judge: DomainJudge, data: DataSet) -> str:
    """How well the judge does its task, and a warning where that is hardly better than guessing."""
    guessing = 1 / len(judge.task.answers)
    labels = data.held_out.labels
    if data.labelled and labels is not None:
        known = labels[labels >= 0]
        guessing = max(guessing, float(known.bincount().max() / len(known)))
    asked = "put into their class" if data.labelled else "recognised the right way up"
    text = (
        f"Judge {judge.name}: {judge.held_out_accuracy:.1%} of the held-out images of {data.name} "
        f"{asked}."
    )
    if judge.held_out_accuracy < weak_below(guessing):
        text += (
            f" That is hardly more than guessing ({guessing:.0%}): its scores will say little. "
            "More images, more judge.epochs, or classes that look different help."
        )
    return text


def make_inception_judge(weights: str, device: torch.device, progress: Progress) -> Judge:
    """The Inception judge, with a note where its weights are not the published ones.

    weights: their file; empty for where `inception_judge` looks then.
    """
    from autogan.judges.inception import NAME, inception_judge  # torch-fidelity takes a second

    judge = inception_judge(Path(weights) if weights else None, device)
    if judge.name != NAME:
        progress.note(
            f"Judge {judge.name}: its weights are not the published file, so its scores compare with "
            "no published ones."
        )
    return judge


def _judge(
    settings: Settings,
    data: DataSet,
    compute: Compute,
    workload: Workload,
    progress: Progress,
    run: Run | None,
) -> Judge:
    if settings.judge.kind == "inception":
        progress.status("loading the Inception network")
        weights = run.inception_weights if run else settings.judge.inception_weights
        return make_inception_judge(weights, compute.device, progress)
    if data.labelled:
        progress.status(f"a classifier of the {len(data.class_names)} classes of {data.name}")
    else:
        progress.note(
            f"The images of {data.name} have no classes: the judge learns which way up an image is. "
            "Without classes there is no inception score: the reward is the negative Fréchet distance "
            "to real images of the same resolution."
        )
        progress.status(f"a classifier of which way up the images of {data.name} are")

    def train(training: NetworkTraining) -> None:
        """All steps; in a run, its states are kept."""
        cost = workload.judge_training() / training.steps
        training.on_step = lambda: progress.advance(cost)
        drive(training, run.keeper("judge") if run else None)

    judge = domain_judge(
        data, settings.judge, settings.judge_seed, compute.device, default_cache_directory(), train
    )
    if run is not None:
        run.checkpoints.drop("judge")  # the judge stands in the cache
    progress.note(_about(judge, data))
    return judge
