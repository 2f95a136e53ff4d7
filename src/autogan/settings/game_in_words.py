"""What two networks play for, as settings say it: each ingredient by a short name and in plain sentences.

Imports no torch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from autogan.settings.game import AdversarialSettings, Change, Loss, ObjectiveSettings
from autogan.settings.sections import TrainSettings

_BY_CHANGE: dict[Change, str] = {
    "colour": "recoloured",
    "shift": "shifted",
    "cutout": "covered in part",
}


@dataclass(frozen=True)
class Ingredient:
    """name: short, such as "R1 1". sentence: for people who have not read the papers.

    where: "search" or "training", where only one of the two has it.
    """

    name: str
    sentence: str
    where: str = ""


_LOSSES: dict[Loss, Ingredient] = {
    "hinge": Ingredient(
        "hinge loss",
        "The discriminator is to give real images more than 1 and generated ones less than −1; going "
        "beyond that gains it nothing.",
    ),
    "non-saturating": Ingredient(
        "non-saturating logistic loss",
        "The discriminator says how probably an image is real, and the generator makes its own images "
        "seem as probable as it can.",
    ),
    "relativistic-pairing": Ingredient(
        "relativistic pairing",
        "Each generated image is compared with a real one: the discriminator wants the real one to seem "
        "more real, the generator the reverse.",
    ),
    "relativistic-average": Ingredient(
        "relativistic average",
        "Each image is compared with the average of the other kind: the discriminator wants real images "
        "above it, the generator its own.",
    ),
    "wasserstein": Ingredient(
        "Wasserstein loss",
        "The discriminator gives real images as much more than generated ones as it can, on average; the "
        "generator narrows that gap.",
    ),
}


def objective(given: ObjectiveSettings) -> list[Ingredient]:
    """The loss, and what holds the discriminator or chooses what the generator learns from."""
    return [_LOSSES[given.loss], *_penalties(given), *_further(given)]


def _penalties(given: ObjectiveSettings) -> Iterator[Ingredient]:
    steep = "The discriminator pays for how steeply its answer changes around"
    if weight := given.real_penalty:
        yield Ingredient(f"R1 {weight:g}", f"{steep} real images, with the weight {weight:g}.")
    if weight := given.generated_penalty:
        yield Ingredient(f"R2 {weight:g}", f"{steep} generated images, with the weight {weight:g}.")
    if weight := given.slope_penalty:
        yield Ingredient(
            f"gradient penalty {weight:g}",
            "The discriminator pays where its answer, between a real and a generated image, changes more "
            f"or less steeply than by 1, with the weight {weight:g}.",
        )
    if (every := given.penalty_every_steps) > 1:
        several = given.penalties > 1
        yield Ingredient(
            f"{'penalties' if several else 'penalty'} every {every} steps",
            f"To save time, {'these penalties are' if several else 'this penalty is'} computed in one of "
            f"{every} discriminator steps, and {'count' if several else 'counts'} {every} times there.",
        )
    if weight := given.lecam_penalty:
        yield Ingredient(
            f"LeCam {weight:g}",
            "The discriminator pays for going far beyond what it says of the other kind of images on "
            f"average, which helps with few images. The weight is {weight:g}, from discriminator step "
            f"{given.lecam_from_step:,} on.",
        )


def _further(given: ObjectiveSettings) -> Iterator[Ingredient]:
    if given.spectral_norm:
        yield Ingredient(
            "spectral norm",
            "Every weight matrix of the discriminator is divided by its largest singular value, so that "
            "its answer cannot change too steeply.",
        )
    if given.direction_head:
        yield Ingredient(
            "direction head (SAN)",
            "The discriminator’s last layer is a direction, which is trained apart to point from generated "
            "to real images.",
        )
    if given.top_share < 1:
        yield Ingredient(
            f"best {given.top_share:.0%} of images (top-k)",
            "The generator learns only from those of its images that the discriminator scores best: from "
            f"all at first, from {given.top_share:.0%} after {given.top_share_steps:,} steps.",
        )


def augmentation(section: AdversarialSettings) -> list[Ingredient]:
    """How images are changed before the discriminator sees them, which is said too where they are not."""
    mirrored = Ingredient(
        "mirrored real images",
        "Each real image is mirrored left to right with probability ½, as if there were twice as many.",
    )
    return [_augmentation(section), *([mirrored] if section.mirror else [])]


def _augmentation(section: AdversarialSettings) -> Ingredient:
    if not section.augmentation:
        return Ingredient(
            "no augmentation",
            "Images are not recoloured, shifted or covered before the discriminator sees them.",
        )
    name = f"augmentation by {_joined(section.augmentation)}"
    changed = _joined([_BY_CHANGE[change] for change in section.augmentation])
    sentence = (
        f"Before the discriminator sees an image, real or generated, it is {changed} at random, against "
        "learning by heart."
    )
    probability = section.augmentation_probability
    if probability == "adaptive":
        name += ", adaptive"
        sentence += (
            " How often a change is made adapts: more often, while the discriminator knows too many real "
            "images by heart."
        )
    elif probability != 1:
        name += f", probability {probability:g}"
        sentence += f" Each change is made to an image with probability {probability:g}."
    return Ingredient(name, sentence)


def schedule(section: AdversarialSettings, told: bool) -> Iterator[Ingredient]:
    """What changes while the networks train, and how fast the generator learns classes, where it is told."""
    given = section.schedule
    share = (
        f" over the first {given.cosine_share:.0%} of the steps" if given.cosine_share < 1 else ""
    )
    along = f"along half a cosine{share}"
    if told and (rate := section.class_rate) != 1:
        yield Ingredient(
            f"classes {rate:g} times as fast",
            f"The generator learns what tells classes apart {rate:g} times as fast as all else.",
        )
    if given.learning_rate == "linear":
        yield Ingredient(
            "learning rate to 0",
            "The networks learn at one rate for half of the steps; then it falls evenly to 0.",
        )
    if given.learning_rate == "cosine":
        end = f"{given.learning_rate_end:.0%}"
        yield Ingredient(f"learning rate to {end}", f"It falls {along} to {end} of what it was.")
    if given.penalty_end < 1:
        end = f"{given.penalty_end:.0%}"
        yield Ingredient(
            f"penalties to {end}", f"Their weights fall {along} to {end} of what they were."
        )
    if (rate_end := given.second_decay_rate_end) is not None:
        yield Ingredient(
            f"β₂ {section.betas[1]:g} to {rate_end:g}",
            f"Adam’s second decay rate rises {along}: later steps look back at more earlier ones.",
        )
    if isinstance(section, TrainSettings) and (life := section.average_half_life_images):
        yield Ingredient(
            f"average over {life:,.0f} images",
            "The generator that is kept is an average of its weights over the steps; what is "
            f"{life:,.0f} real images old counts half.",
        )


def _joined(words: Sequence[str]) -> str:
    """Such as "a, b and c"."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last
