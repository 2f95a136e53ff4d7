"""How good a generator is, ready to be shown: scores between their two ends, classes, kinds of images."""

from dataclasses import dataclass

from autogan.basics.formatting import SCORES, score_text
from autogan.judges.values import ClassScores, Mode, Modes
from autogan.report.published import NOTE, OwnResult, Row, RowGroup, leaderboard
from autogan.runs.cautions import ClassShare, class_shares
from autogan.runs.contents import Evaluated, Results

MOST_CLASSES = 40
LITTLE_RECALL = 0.25
"""Below this share of the real images within reach, the page says that variety is missing."""

RANGES = {
    "frechet_distance": "0 or more, no unit",
    "inception_score": "1 to the number of classes, no unit",
    "kernel_distance": "about 0 or more, no unit",
    "precision": "a share of the generated images: 0 to 1",
    "recall": "a share of the real images: 0 to 1",
}
"""What values a score can have, for who reads it the first time."""


@dataclass(frozen=True)
class ScoreBar:
    """One score between "untrained" (0) and "floor" (100), which readers know as real images.

    key: its name in results.json. range: see RANGES.
    as_few: of as few generated images as there are real ones to compare with; "" where these are no fewer.
    place: where that one (or the only one) lies, cut to 0…100; None where the ends do not tell.
    note: what may look like a mistake in it, and is none; else "".
    """

    key: str
    name: str
    better: str
    range: str
    value: str
    as_few: str
    untrained: str
    floor: str
    place: float | None
    note: str


@dataclass(frozen=True)
class Classes:
    """The classes to show, how many there are, and the largest share among those shown.

    missing: names of those that are hardly ever generated, of those that real images have. each: whether
    every class was generated at all.
    """

    shown: list[ClassShare]
    count: int
    largest: float
    missing: list[str]
    each: bool


def score_bars(results: Results) -> list[ScoreBar]:
    """A bar for every score that the run has."""
    bars = []
    shown, few, first, last = (
        scores.to_dict() if scores else {}
        for scores in (results.scores, results.as_few, results.untrained, results.floor)
    )
    for key, (name, better) in SCORES.items():
        value, untrained, floor = (scores.get(key) for scores in (shown, first, last))
        if value is None:
            continue
        fair = few.get(key, value) if few else value
        bars.append(
            ScoreBar(
                key,
                name,
                better,
                RANGES[key],
                score_text(shown, key),
                score_text(few, key) if few else "",
                score_text(first, key),
                score_text(last, key),
                _place(better, fair, untrained, floor),
                _note(key, better, fair, untrained, floor),
            )
        )
    return bars


def _place(
    better: str, value: float | None, untrained: float | None, floor: float | None
) -> float | None:
    """How far a score is from the untrained (0) to the real end (100), cut to these; None where an end is not
    known, or the real one is no better."""
    if value is None or untrained is None or floor is None:
        return None
    way = floor - untrained
    if (way if better == "higher" else -way) <= 0:
        return None
    return min(100.0, max(0.0, 100 * (value - untrained) / way))


def _note(
    key: str, better: str, value: float | None, untrained: float | None, floor: float | None
) -> str:
    """What may look like a mistake in a score and its two ends, and is none."""
    sign, notes = -1 if better == "lower" else 1, []
    if value is not None and untrained is not None and floor is not None:
        if sign * (floor - untrained) <= 0:
            notes.append(
                "Here real images score no better than an untrained generator, so this score tells "
                "nothing: the images are too few, or the judge knows too little."
            )
        elif sign * (value - floor) > 0:
            notes.append(
                "Better than the real images? Both are measured, on few images. Beyond the real ones lies "
                "chance, or a generator that makes only clear images."
            )
        elif sign * (value - untrained) < 0:
            notes.append("By this score the images are worse than those of an untrained generator.")
    if key == "kernel_distance" and any(v is not None and v < 0 for v in (value, floor)):
        notes.append(
            "This distance is an estimate that is right on average: for sets that are alike it lies "
            "around zero, and so single values lie below."
        )
    return " ".join(notes)


def in_words(results: Results, bars: list[ScoreBar]) -> list[str]:
    """The scores as sentences for someone who does not know them."""
    scores, sentences = results.scores, []
    distance = next((bar for bar in bars if bar.key == "frechet_distance"), None)
    if distance is not None and distance.place is not None:
        sentences.append(
            f"By Fréchet distance the generated images are {distance.place:.0f} % of the way from an "
            "untrained generator to real images."
        )
    if scores.precision is not None and scores.recall is not None:
        sentences.append(
            f"{100 * scores.precision:.0f} % of the generated images lie among real ones (precision). "
            f"{100 * scores.recall:.0f} % of the real images lie among generated ones (recall)"
            + (": much of their variety is missing." if scores.recall < LITTLE_RECALL else ".")
        )
    if results.by_class is not None and results.by_class.agreement is not None:
        sentences.append(
            f"Asked for a class, it makes an image that the judge puts into that class "
            f"{100 * results.by_class.agreement:.0f} % of the time."
        )
    sentences += _variety(classes_of(results), results.modes)
    return sentences


def _variety(classes: Classes | None, modes: Modes | None) -> list[str]:
    """Which classes and kinds of images are generated, in a sentence or two."""
    if classes is None:
        return [_kinds(modes, "that the judge tells apart") + "."] if modes else []
    if classes.missing:
        sentences = [f"Hardly ever generated: {', '.join(classes.missing)}."]
        if modes is not None:
            sentences.append(_kinds(modes, "found inside the classes") + ".")
        return sentences
    each = f"Each of the {classes.count} classes is generated"
    if not classes.each:
        each = f"Of the {classes.count} classes, each that real images have is generated"
    if modes is None:
        return [f"{each}."]
    kinds = _kinds(modes, "found inside them")
    joint = ", but " if modes.missing else ", and "
    return [f"{each}{joint}{kinds[0].lower()}{kinds[1:]}."]


def _kinds(modes: Modes, which: str) -> str:
    count = len(modes.missing)
    kinds = f"of the {len(modes.modes)} kinds of images {which}"
    if not count:
        return f"None {kinds} is missing"
    return f"{count} {kinds} {'is' if count == 1 else 'are'} hardly ever generated"


def protocol_words(results: Results) -> str:
    """How many images were compared with which real ones, and the protocol that says so."""
    scores, protocol = results.scores, results.protocol
    real = f"{protocol.real} images" if protocol.real else "real ones"
    words = f"{scores.images:,} generated images against {scores.real_images:,} {real}"
    name = protocol.name
    return words if name == "custom" else f"{words} (protocol {name})"


def classes_of(results: Results) -> Classes | None:
    """The classes, generated against real; None where the judge knows no classes of the data.

    Beyond MOST_CLASSES those are shown whose shares differ most.
    """
    every = class_shares(results)
    if not every:
        return None
    shown = every
    if len(every) > MOST_CLASSES:
        shown = sorted(every, key=lambda c: -abs(c.generated - c.real))[:MOST_CLASSES]
    largest = max(max(c.generated, c.real) for c in shown)
    missing = [c.name for c in every if c.missing]
    return Classes(shown, len(every), largest, missing, all(c.generated > 0 for c in every))


@dataclass(frozen=True)
class MissingKind:
    """A kind of images that is hardly ever generated. picture: real ones, as a data URI; "" for none."""

    mode: Mode
    picture: str


def missing_kinds(results: Results, pictures: dict[int, str]) -> list[MissingKind]:
    """The missing kinds, largest real share first. pictures: by place among the modes."""
    if results.modes is None:
        return []
    modes = results.modes
    return [MissingKind(modes.modes[p], pictures.get(p, "")) for p in modes.missing]


@dataclass(frozen=True)
class ClassRow:
    """A class that the generator can be asked for. picture: its images, as a data URI; "" for none."""

    scores: ClassScores
    picture: str


def class_rows(results: Results, pictures: dict[int, str]) -> list[ClassRow]:
    """A row for every class that can be asked for. pictures: by label."""
    if results.by_class is None:
        return []
    scores = enumerate(results.by_class.classes)
    return [ClassRow(of_class, pictures.get(label, "")) for label, of_class in scores]


@dataclass(frozen=True)
class Published:
    """Where the run stands among published figures, or the reason why it stands beside none.

    rows: those of the table whose data, size, judge and protocol it shares, each with whether it is
    this run's; none where there is no such table.
    """

    title: str
    rows: tuple[tuple[Row, bool], ...]
    words: str


def published(results: Evaluated, name: str) -> Published:
    """The published table with this run, called `name`, in it."""
    groups, apart = leaderboard([OwnResult(name, results)])
    if name in apart:
        return Published("", (), apart[name])
    group: RowGroup = next(group for group in groups if group.own)
    title = f"{group.table.data}, {group.table.image_size} pixels, protocol {group.protocol}"
    return Published(
        title, tuple((row, at in group.own) for at, row in enumerate(group.rows)), NOTE
    )
