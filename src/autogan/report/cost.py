"""What a run cost: time and images of each part."""

from dataclasses import dataclass

from autogan.report.searches import searches_of
from autogan.runs.events import CandidateTrained, Validated
from autogan.runs.record import RunRecord


@dataclass(frozen=True)
class PartCost:
    """trained_on: real images that discriminators saw, repeats counted; judged: generated images that
    were scored; None where the part has none or the folder does not tell."""

    name: str
    seconds: float
    trained_on: int | None
    judged: int | None


def part_costs(record: RunRecord) -> list[PartCost]:
    """The parts that have ended or begun, in their order, from timings.json and the log."""
    return [
        PartCost(name, seconds, _trained_on(record, name), _judged(record, name))
        for name, seconds in (record.timings or {}).items()
    ]


def _trained_on(record: RunRecord, part: str) -> int | None:
    batch = record.setting("train.discriminator_batch")
    ratio = record.setting("train.discriminator_steps")
    for view in searches_of(record):
        if part == view.part:
            batch = record.setting("search.discriminator_batch")
            return view.ended[-1].steps * batch if view.ended and batch else None
    if not batch or not ratio:
        return None
    if part == "derive":
        steps = sum(event.candidate.generator_steps for event in record.of(CandidateTrained))
        return steps * ratio * batch or None
    if part == "train":
        return validated_steps(record, "train") * ratio * batch or None
    return None


def validated_steps(record: RunRecord, part: str) -> int:
    """Generator steps of a training up to its last validation."""
    steps = [e.validation.generator_steps for e in record.of(Validated) if e.part == part]
    return max(steps, default=0)


def _judged(record: RunRecord, part: str) -> int | None:
    per_child = record.setting("search.reward_images") or 0
    per_validation = record.setting("train.validation_images") or 0
    validations = [event.part for event in record.of(Validated)]
    ranked = [child.purpose == "derive" for child in record.children]
    ranked_pairs = [child.purpose == "derive" for child in record.pairs]
    last = ranked_pairs or ranked
    counts = {
        "search": per_child * ranked.count(False),
        "discriminator": per_child * (ranked_pairs.count(False) + ranked.count(True)),
        "derive": per_child * last.count(True)
        + per_validation * sum(name != "train" for name in validations),
        "train": per_validation * validations.count("train"),
        "evaluate": record.results.scores.images + record.results.untrained.images
        if record.results
        else 0,
    }
    return counts.get(part) or None
