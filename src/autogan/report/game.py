"""What two networks played for, in words: everything in which a game is not the paper's."""

from autogan.settings.game import AdversarialSettings, ObjectiveSettings
from autogan.settings.sections import TrainSettings


def game_words(section: AdversarialSettings, conditional: bool) -> str:
    """Objective, augmentation and schedule, as far as they are not the paper's; "" where all is.

    conditional: whether the networks are told classes.
    """
    parts = {
        "Objective": _objective(section.objective),
        "Augmentation": _augmentation(section),
        "Schedule": _schedule(section, conditional),
    }
    return " ".join(f"{name}: {', '.join(words)}." for name, words in parts.items() if words)


def _objective(given: ObjectiveSettings) -> list[str]:
    words = []
    if given.direction_head:
        words.append("direction head (SAN)")
    for name, weight in (
        ("R1", given.real_penalty),
        ("R2", given.generated_penalty),
        ("slope penalty", given.slope_penalty),
        ("LeCam", given.lecam_penalty),
    ):
        if weight:
            words.append(f"{name} {weight:g}")
    if given.penalty_every_steps > 1:
        words.append(f"penalties every {given.penalty_every_steps} steps")
    if given.top_share < 1:
        words.append(f"best {given.top_share:.0%} of generated images")
    if not given.spectral_norm:
        words.append("no spectral norm")
    return [given.loss, *words] if words or given.loss != "hinge" else []


def _augmentation(section: AdversarialSettings) -> list[str]:
    words: list[str] = [*section.augmentation]
    probability = section.augmentation_probability
    if probability != 1:
        words.append(
            "adaptive probability" if probability == "adaptive" else f"probability {probability:g}"
        )
    return [*words, "mirrored real images"] if section.mirror else words


def _schedule(section: AdversarialSettings, conditional: bool) -> list[str]:
    given = section.schedule
    words = []
    if conditional and section.class_rate != 1:
        words.append(f"what tells classes apart {section.class_rate:g} times as fast")
    if given.learning_rate == "linear":
        words.append("learning rate linear to 0")
    if given.learning_rate == "cosine":
        words.append(f"learning rate cosine to {given.learning_rate_end:.0%}")
    if given.penalty_end < 1:
        words.append(f"penalties to {given.penalty_end:.0%}")
    if given.second_decay_rate_end is not None:
        words.append(f"β₂ {section.betas[1]:g} to {given.second_decay_rate_end:g}")
    if isinstance(section, TrainSettings) and section.average_half_life_images is not None:
        words.append(f"average with a half-life of {section.average_half_life_images:,.0f} images")
    return words
