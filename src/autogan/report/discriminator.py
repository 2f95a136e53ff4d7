"""The discriminator of a run for its page: which one, how it came, what it costs, block by block."""

from dataclasses import dataclass

from autogan.basics.errors import UserError
from autogan.runs.record import RunRecord
from autogan.spaces.block_operations import BlockRow, block_rows, discriminator_operations
from autogan.spaces.discriminator_architecture import DiscriminatorArchitecture

HOW = {
    "fixed": "It was not searched, as in the paper.",
    "after": (
        "It was searched after the generators, for the best of them, with weights drawn anew. A "
        "discriminator makes no images, so what it is worth is what a generator learns from it: the two "
        "played on for a few steps, the generator's images were scored, and all was put back."
    ),
    "together": (
        "It was searched together with the generator: each architecture was a pair. The two played on for "
        "a few steps, the generator's images were scored, and all was put back."
    ),
}


@dataclass(frozen=True)
class DiscriminatorWords:
    """text: its text form; how: a sentence; rows: its blocks; parameters, multiply_accumulates: in all."""

    text: str
    how: str
    rows: list[BlockRow]
    parameters: int
    multiply_accumulates: int


def discriminator_words(record: RunRecord) -> DiscriminatorWords | None:
    """Of the run's results; None where there are none, or where this version cannot read them."""
    results, channels = record.results, record.setting("train.discriminator_channels")
    if results is None or results.discriminator is None or not isinstance(channels, int):
        return None
    told = results.discriminator
    try:
        architecture = DiscriminatorArchitecture.parse(told.architecture)
    except UserError:
        return None  # of options that a later version has
    operations = discriminator_operations(
        architecture,
        len(architecture.blocks) - 1,
        channels=channels,
        image_size=results.image_size,
        classes=record.data.classes if record.data else None,
    )
    return DiscriminatorWords(
        told.architecture,
        HOW[told.how],
        block_rows(operations),
        told.parameters,
        told.multiply_accumulates,
    )
