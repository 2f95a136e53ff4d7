"""What the networks of a run are trained with, as its folder tells.

The report shows the sentences, `autogan status` the names. Without torch.
"""

from collections.abc import Mapping
from dataclasses import replace

from autogan.runs.events import Losses
from autogan.runs.plan import SEARCHES, Part, Plan, trained_sections
from autogan.runs.record import RunRecord
from autogan.settings.game import AdversarialSettings
from autogan.settings.game_in_words import Ingredient, augmentation, objective, schedule
from autogan.spaces.pair import BETWEEN


def ingredients_of(record: RunRecord) -> list[Ingredient]:
    """All that the networks of a run are trained with; none where its settings cannot be read."""
    sections = _sections(record)
    if not sections:
        return []
    told = _told(record)
    schedules = _merged({where: [*schedule(of, told)] for where, of in sections.items()})
    shown = [one for group in _game(record) for one in group]
    return [*shown, *schedules, _discriminator(record), _start(record)]


def ingredients_in_short(record: RunRecord) -> str:
    """Loss and penalties; classes; changes of images: by their names alone."""
    return "; ".join(
        ", ".join(f"{one.name} (in the {one.where})" if one.where else one.name for one in group)
        for group in _game(record)
    )


def _game(record: RunRecord) -> list[list[Ingredient]]:
    """Loss and what stands beside it; what is told of classes; how images are changed."""
    return [_objectives(record), [_classes(record)], _merged(_augmentations(record))]


def _objectives(record: RunRecord) -> list[Ingredient]:
    assert record.settings is not None
    by_trials = record.task is not None and record.task.by_trials
    if by_trials and record.settings.trials.training == "searched":
        return [
            Ingredient(
                "loss and penalty of its own for each trial",
                "They are decisions of the search, and stand in a trial's text behind the @.",
            )
        ]
    return _merged({where: objective(of.objective) for where, of in _sections(record).items()})


def _sections(record: RunRecord) -> dict[str, AdversarialSettings]:
    """The settings by which the search and the training play, by these words."""
    if record.settings is None:
        return {}
    sections = trained_sections(record.settings, _parts(record))
    return {{"train": "training"}.get(name, name): section for name, section in sections.items()}


def _parts(record: RunRecord) -> tuple[Part, ...]:
    """Those of the run; of a search, with the derivation that can follow."""
    assert record.settings is not None
    return Plan.of(record.settings, record.task, derives=True).parts


def _merged(by_where: Mapping[str, list[Ingredient]]) -> list[Ingredient]:
    """Those of the search and of the training, each once; who has it is said where the other has it not."""
    found: list[Ingredient] = []
    for where, own in by_where.items():
        for one in own:
            shared = all(one in other for other in by_where.values())
            placed = one if shared else replace(one, where=where)
            if placed not in found:
                found.append(placed)
    return found


def _told(record: RunRecord) -> bool:
    """Whether the networks are told classes, as far as it is known before the images are read."""
    assert record.settings is not None
    if record.data is None:
        return record.settings.network.conditional != "never"
    return record.data.classes is not None


def _classes(record: RunRecord) -> Ingredient:
    data = record.data
    if not _told(record):
        return Ingredient("no classes told", "The networks are not told what an image shows.")
    if data is None or data.classes is None:
        return Ingredient(
            "classes told, if there are any",
            "The images have not been read yet: where they have classes, both networks are told them.",
        )
    name = f"told {len(data.classes)} classes"
    sentence = (
        "Each class has learned numbers of its own, which the generator reads beside its random input and "
        "in its batch normalisations. The discriminator is told the class as well, and judges whether an "
        "image fits it."
    )
    if not data.classes.unlabelled:
        return Ingredient(name, sentence)
    labelled = "some" if data.labelled_images is None else f"{data.labelled_images:,}"
    return Ingredient(
        f"{name} ({labelled} of {data.training_images:,} images labelled)",
        f"{sentence} Of the {data.training_images:,} training images {labelled} have a label. The "
        "discriminator guesses the class of the others, and learns from the labelled ones to guess.",
    )


def _augmentations(record: RunRecord) -> dict[str, list[Ingredient]]:
    """Of each, with what the log says last of a probability that adapts."""
    made = {where: augmentation(of) for where, of in _sections(record).items()}
    for where, (changes, *others) in made.items():
        if (last := _last_probability(record, where)) is not None:
            at = f"At step {last.step:,} the probability was {last.augmentation_probability:.3f}."
            made[where] = [replace(changes, sentence=f"{changes.sentence} {at}"), *others]
    return made


def _last_probability(record: RunRecord, where: str) -> Losses | None:
    lines = [
        line
        for line in record.of(Losses)
        if line.augmentation_probability is not None
        and (line.part in SEARCHES) == (where == "search")
    ]
    return lines[-1] if lines else None


def _discriminator(record: RunRecord) -> Ingredient:
    assert record.settings is not None
    searched = "search" in _parts(record)
    how = record.settings.search.discriminator if searched else "fixed"
    if how == "after":
        return Ingredient(
            "searched discriminator",
            "Discriminators are searched after the generators, for the best of these.",
        )
    if how == "together":
        return Ingredient(
            "searched discriminator",
            "Every architecture of the search is a generator together with its discriminator.",
        )
    paired = record.task is not None and BETWEEN in (record.task.architecture or "")
    if paired or record.settings.network.discriminator is not None:
        return Ingredient(
            "told discriminator", "It was named when the run was begun, and is not searched."
        )
    return Ingredient(
        "AutoGAN’s discriminator",
        "That of the paper, with a residual block for each cell; it is not searched.",
    )


def _start(record: RunRecord) -> Ingredient:
    """What the training begins with."""
    if record.task and record.task.start:
        return Ingredient(
            "start where another ended",
            f"Both networks go on from where the training in {record.task.start} ended.",
        )
    if record.inherits:
        return Ingredient(
            "start from the search",
            "Both networks go on with the weights that they learned in the search.",
        )
    return Ingredient(
        "start from scratch", "Both networks begin their training with weights drawn at random."
    )
