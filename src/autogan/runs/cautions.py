"""What the scores of a finished run warn of: collapse, missing classes, little variety, copies, a weak judge.

Each is a sentence or two for the report and the terminal, sharp on purpose: such a generator may have a
good Fréchet distance.
"""

from dataclasses import dataclass

from autogan.judges.values import MISSING_BELOW, weak_below
from autogan.runs.contents import Results

ALMOST_NO_RECALL = 0.05
"""Share of the real images within reach below which a generator is said to repeat itself."""
COPIES_BELOW = 0.5
"""Samples whose median distance to the nearest training image is below this part of that of held-out
real images count as copies."""
GUESSING_BY_ROTATION = 0.25
MOST_IMAGES = 0.5
"""A judge that puts more of the real images into one class must do better than always to answer that."""


def cautions(results: Results) -> list[str]:
    """All that applies, the worst first."""
    found = (_collapse(results), _copies(results), _missing(results), _variety(results))
    return [words for words in (*found, _judge(results)) if words]


def _collapse(results: Results) -> str:
    if not results.validation.collapsed:
        return ""
    return "It has collapsed: it makes one image over and over. Train longer, or with another seed."


def _copies(results: Results) -> str:
    near = results.neighbours
    if near.generated_median >= COPIES_BELOW * near.held_out_median:
        return ""
    return (
        f"It copies: its samples lie {near.generated_median:.3g} from the nearest training image "
        f"(median), real images that it never saw {near.held_out_median:.3g}. Good scores are then no "
        "merit. More images, augmentation or a shorter training help."
    )


@dataclass(frozen=True)
class ClassShare:
    """A class as the judge sees it: its share, 0 to 1, of generated and of held-out real images."""

    name: str
    generated: float
    real: float

    @property
    def missing(self) -> bool:
        """Whether the generator hardly ever makes it."""
        return self.generated < MISSING_BELOW * self.real


def class_shares(results: Results) -> list[ClassShare]:
    """All classes, generated against real; none where the judge knows no classes of the data."""
    generated = results.scores.class_shares
    real = results.floor.class_shares if results.floor else ()
    if len(generated) != len(real):
        return []
    names = results.judge.class_names
    if len(names) != len(real):
        names = [f"class {number}" for number in range(len(real))]
    return [ClassShare(*fields) for fields in zip(names, generated, real, strict=True)]


def _missing(results: Results) -> str:
    missing = [share.name for share in class_shares(results) if share.missing]
    if not missing:
        return ""
    advice = (
        "The generator is told classes, but does not follow them yet: train longer."
        if results.classes
        else "Where images have classes, network.conditional=auto tells the generator which one to make."
    )
    return f"Classes are missing: {', '.join(missing)}. {advice}"


def _variety(results: Results) -> str:
    recall = results.scores.recall
    if recall is None or recall >= ALMOST_NO_RECALL:
        return ""
    return (
        f"It repeats itself: only {100 * recall:.0f} % of the real images have a generated one near "
        "them (recall). Look at the samples before you trust the other scores."
    )


def _judge(results: Results) -> str:
    judge, right = results.judge, results.judge.held_out_accuracy
    guessing = (
        GUESSING_BY_ROTATION if judge.task == "rotation" else 1 / max(1, len(judge.class_names))
    )
    if right is None:
        return ""
    if right >= weak_below(guessing):
        shares = class_shares(results) if judge.task != "rotation" else []
        most_frequent = next((share for share in shares if share.real > MOST_IMAGES), None)
        if most_frequent is None or right >= weak_below(most_frequent.real):
            return ""
        return (
            f"The judge knows too little: it puts {100 * most_frequent.real:.0f} % of the real images into "
            f"{most_frequent.name}, and is right for {100 * right:.0f} % of them. No score here says much. "
            "More images of the other classes help."
        )
    return (
        f"The judge knows too little: it answers {100 * right:.0f} % of its questions about held-out "
        f"images rightly, and guessing gives {100 * guessing:.0f} %. No score here says much. More "
        "images help, or judge.epochs."
    )
