"""What a run stands on: its data, the judge of that data, the device, and the price of its work."""

from dataclasses import dataclass
from pathlib import Path

from autogan.compute import Compute
from autogan.config import Settings
from autogan.errors import UserError
from autogan.images import DataSet, load_data
from autogan.images.cache import default_cache_directory
from autogan.judges import DomainJudge, Reference, domain_judge, reference
from autogan.progress import Progress
from autogan.work import Work


@dataclass(frozen=True)
class Ground:
    """The fixed surroundings that searching, training and evaluating share."""

    settings: Settings
    data: DataSet
    judge: DomainJudge
    reference: Reference
    """Statistics of the training images under the judge."""
    compute: Compute
    work: Work


def prepare(settings: Settings, progress: Progress) -> Ground:
    """Loads the data and trains the judge, both from the cache where they are there already.

    Raises `UserError` for data that cannot be used, before anything is trained.
    """
    compute = Compute.resolve(
        settings.compute.device, settings.compute.precision, settings.compute.layout
    )
    cache_directory: Path = default_cache_directory()
    data = load_data(settings.data.source, settings.data.image_size)
    _check_counts(settings, data)
    for note in data.notes:
        progress.note(note)
    work = Work(settings, len(data.train))
    progress.plan({"judge": work.judge_training(), **work.plan()})
    progress.start("judge")
    progress.doing(f"a classifier of the {len(data.class_names)} classes of {data.name}")
    done = 0

    def on_progress(step: int, steps: int) -> None:
        nonlocal done
        progress.spent(work.judge_training() * (step - done) / steps)
        done = step

    judge = domain_judge(
        data, settings.judge, settings.seed, compute.device, cache_directory, on_progress
    )
    progress.note(
        f"Judge {judge.name}: {judge.held_out_accuracy:.1%} of the held-out images of {data.name} "
        "put into their class."
    )
    statistics = reference(judge, data.train, data.digest, cache_directory)
    return Ground(settings, data, judge, statistics, compute, work)


def _check_counts(settings: Settings, data: DataSet) -> None:
    """Refuses what would fail only after hours: too few images for a batch or for a score."""
    images = len(data.train)
    for section in ("search", "train"):
        batch = getattr(settings, section).discriminator_batch
        if images < batch:
            raise UserError(
                f"{data.name} has {images} training images, fewer than {section}."
                f"discriminator_batch ({batch}). Lower that setting or add images."
            )
    # A covariance of F features needs more than F images, each split of an inception score one per class.
    features = 4 * settings.judge.width
    for_inception = len(data.class_names) * settings.evaluate.inception_splits
    for_scores = max(features + 1, for_inception)
    for name, count, needed in (
        (f"The number of held-out images of {data.name}", len(data.held_out), for_scores),
        ("search.reward_images", settings.search.reward_images, for_inception),
        ("train.validation_images", settings.train.validation_images, for_scores),
        ("evaluate.images", settings.evaluate.images, for_scores),
    ):
        if count < needed:
            raise UserError(
                f"{name} is {count}, but scores need {needed}: more than 4 × judge.width "
                f"({features}) and at least classes × evaluate.inception_splits "
                f"({for_inception}). Raise it, or lower judge.width or evaluate.inception_splits."
            )
