"""What cannot be done with these settings, images and processes: refused before anything long begins."""

from collections.abc import Collection
from typing import Any

from autogan.basics.errors import UserError
from autogan.device.compute import Compute
from autogan.images import DataSet
from autogan.judges.scores import fewest_for_inception_score
from autogan.runs.ended_training import data_of_start
from autogan.runs.file_names import DATA
from autogan.runs.folder import Run
from autogan.runs.plan import Part, trained_sections
from autogan.settings.game import AdversarialSettings
from autogan.settings.judge import INCEPTION_CLASSES
from autogan.settings.sections import Settings
from autogan.spaces.discriminator_architecture import DEVIATION, GROUP, DiscriminatorArchitecture
from autogan.spaces.widths import each_width, widths_text


def refuse_unplayable(
    settings: Settings,
    parts: Collection[Part],
    told: DiscriminatorArchitecture | None,
    compute: Compute,
) -> None:
    """Raises `UserError` for games that recorded steps, the told discriminator or several processes would
    play otherwise than the settings say, or whose weights cannot go over from a search to a training."""
    _refuse_unrecordable(settings, parts, compute)
    _refuse_mixed_groups(settings, parts, told)
    _refuse_undividable(settings, parts, told, compute.processes.count)
    if "search" in parts and settings.train.start == "shared":
        _refuse_unlike_networks(settings)


def refuse_too_few_images(settings: Settings, data: DataSet, parts: Collection[Part]) -> None:
    """Raises `UserError` for too few images for a batch, for a score, or for the protocol.

    parts: those that train networks; none where one is only evaluated.
    """
    _refuse_few_images(settings, data, parts)
    _refuse_few_for_protocol(settings, data)


def refuse_other_data(run: Run, data: DataSet) -> None:
    """Raises `UserError` where a run that goes on finds other images than it began with, or than the run had
    whose training goes on in it."""
    before: dict[str, Any] = run.read(DATA) or {}
    whose = f"The run in {run.folder} began with"
    if not before and run.task and (started := data_of_start(run.task)):
        before = {name: getattr(started, name) for name in data.describe()}
        whose = f"The training in {run.task.start} was of"
    now = data.describe()
    differing = [
        f"{name}: {before[name]} before, {value} now"
        for name, value in now.items()
        if name in before and before[name] != value
    ]
    if differing:
        raise UserError(
            f"{whose} other images, and cannot go on with these:\n  "
            + "\n  ".join(differing)
            + "\nPut the images back as they were, or begin a new run with another --out."
        )


def _refuse_unrecordable(settings: Settings, parts: Collection[Part], compute: Compute) -> None:
    """Refuses a decay rate that changes where steps are recorded with the one that they begin with."""
    if not compute.captures:
        return
    for name, section in trained_sections(settings, parts).items():
        if section.schedule.second_decay_rate_end is not None:
            raise UserError(
                f"{name}.schedule.second_decay_rate_end changes Adam's decay rate from step to step, "
                "and steps recorded as CUDA graphs keep the one that they were recorded with. Set "
                f"compute.capture=none, or {name}.schedule.second_decay_rate_end=null."
            )


def _refuse_mixed_groups(
    settings: Settings, parts: Collection[Part], told: DiscriminatorArchitecture | None
) -> None:
    """Refuses batches of which a discriminator would compare images in other groups than it learned with, or
    real ones with generated ones."""
    searched = "search" in parts and settings.search.discriminator != "fixed"
    if not searched and not (told and told.minibatch_deviation):
        return
    for name, section in _sections_to_train(settings, parts).items():
        for kind in ("discriminator_batch", "generator_batch"):
            if getattr(section, kind) % GROUP:
                raise UserError(
                    f"{name}.{kind} is {getattr(section, kind)}, and a discriminator with /{DEVIATION} "
                    f"compares the images of groups of {GROUP}: other images would be compared than it "
                    f"learned with. Set {name}.{kind} to a multiple of {GROUP}."
                )


def _sections_to_train(
    settings: Settings, parts: Collection[Part]
) -> dict[str, AdversarialSettings]:
    """As `trained_sections`, with the training of what a search will find: now or later."""
    sections = trained_sections(settings, parts)
    return {**sections, "train": settings.train} if "search" in parts else sections


def _refuse_undividable(
    settings: Settings,
    parts: Collection[Part],
    told: DiscriminatorArchitecture | None,
    processes: int,
) -> None:
    """Refuses what several processes would not do as one does with the whole batch."""
    if processes == 1:
        return
    for name, section in trained_sections(settings, parts).items():
        for kind in ("discriminator", "generator"):
            batch = getattr(section, f"{kind}_batch")
            if batch % processes:
                raise UserError(
                    f"{name}.{kind}_batch is {batch}, which {processes} processes cannot share equally. "
                    f"Set it to a multiple of {processes}: it is the batch of all of them together."
                )
        objective = section.objective
        undividable = {
            "loss=relativistic-average": objective.loss == "relativistic-average",
            "lecam_penalty": objective.lecam_penalty > 0,
            "top_share": objective.top_share < 1,
            "direction_head": objective.direction_head,
        }
        reasons = [f"{name}.objective.{what}" for what, used in undividable.items() if used]
        if section.augmentation_probability == "adaptive":
            reasons.append(f"{name}.augmentation_probability=adaptive")
        if told and told.minibatch_deviation:
            reasons.append(f"a discriminator with /{DEVIATION}")
        if reasons:
            raise UserError(
                f"{processes} processes cannot train with {', '.join(reasons)}: it looks at a whole batch "
                "at once, and each process sees only its part. Use one process."
            )


def _refuse_unlike_networks(settings: Settings) -> None:
    """Refuses a search whose networks have another shape than those that shall begin with their weights."""
    searched = _shape(settings.search, settings.cells)
    trained = _shape(settings.train, settings.cells)
    for name, value in searched.items():
        if trained[name] != value:
            raise UserError(
                "train.start is shared: trainings begin with the weights of the search's networks. But "
                f"search.{name} is {value}, and train.{name} is {trained[name]}. Make them the same (all "
                "cells of a search are equally wide), or set train.start=fresh."
            )


def _shape(section: AdversarialSettings, cells: int) -> dict[str, str]:
    """What decides which weights two networks have, by the names of the settings, as text."""
    widths = each_width(section.generator_channels, cells)
    return {
        "generator_channels": widths_text(widths[0] if len(set(widths)) == 1 else widths),
        "discriminator_channels": str(section.discriminator_channels),
        "objective.spectral_norm": str(section.objective.spectral_norm).lower(),
        "objective.direction_head": str(section.objective.direction_head).lower(),
    }


def _refuse_few_images(settings: Settings, data: DataSet, parts: Collection[Part]) -> None:
    """Refuses what would fail only after hours: too few images for a batch or for a score."""
    images = len(data.train)
    sections = _sections_to_train(settings, parts)
    for section, chosen in sections.items():
        batches = {"discriminator_batch": chosen.discriminator_batch}
        if chosen.objective.generator_sees_real:
            batches["generator_batch"] = chosen.generator_batch
        for name, batch in batches.items():
            if images < batch:
                raise UserError(
                    f"{data.name} has {images} training images, fewer than {section}.{name} "
                    f"({batch}). Lower that setting or add images."
                )
    # A covariance of F features needs more than F images, each split of an inception score one per class.
    by_inception = settings.judge.kind == "inception"
    features = settings.judge.feature_dimension
    classes = INCEPTION_CLASSES if by_inception else len(data.class_names) if data.labelled else 0
    for_inception = fewest_for_inception_score(classes, settings.evaluate.inception_splits)
    for_scores = max(features + 1, for_inception)
    by_distance = settings.search.reward == "frechet_distance"
    for_reward = features + 1 if by_distance else for_inception
    checks = []
    # The Inception judge wants more real images than most people have: final scores leave out, and
    # mark, what too few of them do not allow.
    if sections or not by_inception:
        checks.append((f"The number of training images of {data.name}", images, features + 1))
    if not by_inception:
        name = f"The number of held-out images of {data.name}"
        checks.append((name, len(data.held_out), for_scores))
    if "search" in sections:
        checks.append(("search.reward_images", settings.search.reward_images, for_reward))
    if "train" in sections:
        checks.append(("train.validation_images", settings.train.validation_images, for_scores))
    checks.append(("evaluate.images", settings.evaluate.images, for_scores))
    dimension = "2048 features" if by_inception else f"4 × judge.width ({features})"
    lower = "judge.kind=domain" if by_inception else "a lower judge.width"
    for name, count, needed in checks:
        if count < needed:
            raise UserError(
                f"{name} is {count}, but scores need {needed}: more than {dimension} and at least "
                f"classes × evaluate.inception_splits ({for_inception}). Raise it, or use {lower} or "
                "a lower evaluate.inception_splits."
            )


def _refuse_few_for_protocol(settings: Settings, data: DataSet) -> None:
    """Refuses data with fewer real images than the protocol compares with."""
    protocol = settings.evaluate.resolved_protocol()
    most = max(len(data.train), len(data.held_out))
    if protocol.real_images is not None and most < protocol.real_images:
        raise UserError(
            f"The protocol {protocol.name} compares with {protocol.real_images} real images, and "
            f"{data.name} has {len(data.train)} training and {len(data.held_out)} held-out ones. Use "
            "another evaluate.protocol, or custom."
        )
