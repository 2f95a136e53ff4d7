"""The decisions about a discriminator, and its architecture as a value."""

from collections.abc import Sequence
from dataclasses import dataclass

from autogan.basics.errors import UserError
from autogan.basics.limits import DOUBLINGS_WITH_SOFTMAX, MOST_CELLS
from autogan.spaces.decisions import Decision, Option, Place, option_text
from autogan.spaces.widths import INNER_WIDTHS

BLOCKS = ("residual", "bottleneck")
ATTENTIONS = ("none", "softmax")
DEVIATION = "deviation"
EXAMPLE = "residual/bottleneck+half/residual+softmax/deviation"
MOST_CHARACTERS = 1000
BLOCKS_WITH_SOFTMAX = DOUBLINGS_WITH_SOFTMAX + 1
"""The last so many blocks may take softmax attention: behind those before them maps are larger than where a
generator's cells may."""
GROUP = 4
"""Images whose deviation is looked at together."""


@dataclass(frozen=True)
class BlockArchitecture:
    """The options that one growing block of a discriminator takes.

    block: "residual" (AutoGAN's) or "bottleneck" (R3GAN's, which halves through a low-pass).
    attention: "none" or "softmax", after the block; "softmax" in the last BLOCKS_WITH_SOFTMAX blocks only.
    width: "full" or "half", inside the block.
    """

    block: str = "residual"
    attention: str = "none"
    width: str = "full"

    def __str__(self) -> str:
        extras = [self.attention] * (self.attention != "none")
        extras += [self.width] * (self.width != "full")
        return "+".join([self.block, *extras])


@dataclass(frozen=True)
class DiscriminatorArchitecture:
    """One option for each decision about a discriminator; the default is AutoGAN's discriminator.

    It compares and hashes by what it takes, and `parse(str(architecture))` gives it back. Raises
    `UserError` where an option does not exist.

    blocks: of each growing block, one for each stage. minibatch_deviation: whether the last block reads
    one more channel: how much the images of a group of four differ. A batch should then be a multiple of
    four, or groups mix real and generated images.
    """

    blocks: tuple[BlockArchitecture, ...]
    minibatch_deviation: bool = False

    def __post_init__(self) -> None:
        if not 1 <= len(self.blocks) <= MOST_CELLS:
            raise UserError(
                f"A discriminator has at least one growing block and at most {MOST_CELLS}, not "
                f"{len(self.blocks)}."
            )
        for index, block in enumerate(self.blocks):
            for decision in block_decisions(index, len(self.blocks)):
                option = getattr(block, decision.name)
                if option not in decision.options:
                    allowed = ", ".join(map(option_text, decision.options))
                    why = ""
                    if option == "softmax" and decision.name == "attention":
                        why = f" Only the last {BLOCKS_WITH_SOFTMAX} blocks have maps small enough for it."
                    raise UserError(
                        f"{str(decision.place).capitalize()}: {decision.name} cannot be "
                        f"{option!r}. Allowed: {allowed}.{why}"
                    )

    @classmethod
    def plain(cls, stages: int) -> "DiscriminatorArchitecture":
        """The default of every block."""
        return cls((BlockArchitecture(),) * stages)

    @classmethod
    def of(cls, taken: Sequence[Sequence[Option]]) -> "DiscriminatorArchitecture":
        """The architecture that takes these options of `stage_decisions`, stage by stage."""
        (*first, deviation), *others = taken
        blocks = tuple(BlockArchitecture(*map(str, options)) for options in (first, *others))
        return cls(blocks, bool(deviation))

    @property
    def taken(self) -> tuple[tuple[Option, ...], ...]:
        """The options of `stage_decisions`, stage by stage."""
        end: tuple[Option, ...] = (self.minibatch_deviation,)
        return tuple(
            (block.block, block.attention, block.width, *(() if index else end))
            for index, block in enumerate(self.blocks)
        )

    def __str__(self) -> str:
        ends = (DEVIATION,) * self.minibatch_deviation
        return "/".join((*map(str, self.blocks), *ends))

    @classmethod
    def parse(cls, text: str) -> "DiscriminatorArchitecture":
        """Reads a text form, such as `bottleneck/residual+softmax+half/deviation`."""
        if len(text) > MOST_CHARACTERS:
            raise UserError(
                f"A discriminator's text has at most {MOST_CHARACTERS:,} characters, not {len(text):,}."
            )
        parts = text.strip().split("/")
        deviation = parts[-1] == DEVIATION
        blocks = tuple(_parse_block(part) for part in (parts[:-1] if deviation else parts))
        return cls(blocks, deviation)


def pools(index: int, stages: int) -> bool:
    """Whether a growing block halves the side: all do, except the last of three or more."""
    return index < max(2, stages - 1)


def block_decisions(index: int, stages: int) -> tuple[Decision, ...]:
    """The decisions about one growing block of so many."""
    place = Place("discriminator block", index)
    small = index >= stages - BLOCKS_WITH_SOFTMAX
    return (
        Decision("block", place, BLOCKS),
        Decision("attention", place, ATTENTIONS if small else ("none",)),
        Decision("width", place, INNER_WIDTHS),
    )


def stage_decisions(stage: int, stages: int) -> tuple[Decision, ...]:
    """The decisions that a stage of growth adds: its block, and with the first what stands at the end.

    stages: that the discriminator comes to have; with more of them, the maps behind the first are larger.
    """
    end = Decision("minibatch_deviation", Place("discriminator end", 0), (False, True))
    return (*block_decisions(stage, stages), *(() if stage else (end,)))


OpenOptions = Sequence[Sequence[tuple[Option, ...]]]
"""For every stage, the open options of each of its `stage_decisions`."""


def all_options(stages: int) -> OpenOptions:
    """Those of a discriminator that shares its weights between all architectures."""
    return [
        [decision.options for decision in stage_decisions(stage, stages)] for stage in range(stages)
    ]


def only_options(architecture: DiscriminatorArchitecture) -> OpenOptions:
    """Those of the discriminator of one architecture."""
    return [[(option,) for option in options] for options in architecture.taken]


def told_discriminator(
    text: str | None, stages: int, setting: str = "network.discriminator"
) -> DiscriminatorArchitecture | None:
    """The discriminator of a text form that a setting holds, with a block for every stage; None for None.

    Raises `UserError` that names the `setting` where the text is none, or is of another number of blocks.
    """
    if text is None:
        return None
    try:
        told = DiscriminatorArchitecture.parse(text)
    except UserError as error:
        raise UserError(f"{setting}: {error}") from None
    if len(told.blocks) != stages:
        raise UserError(
            f"{setting} is a discriminator of {len(told.blocks)} growing blocks, and the generator has "
            f"{stages} cells: one block for each cell is needed, as in {'/'.join(['residual'] * stages)}."
        )
    return told


def _parse_block(text: str) -> BlockArchitecture:
    block, *extras = text.strip().split("+")
    attention = next((word for word in extras if word in ATTENTIONS), ATTENTIONS[0])
    width = next((word for word in extras if word in INNER_WIDTHS), INNER_WIDTHS[0])
    known = {attention, width}
    if block not in BLOCKS or not known.issuperset(extras) or len(set(extras)) < len(extras):
        raise UserError(
            f"Cannot read {text.strip()!r} as a block of a discriminator. Blocks: {', '.join(BLOCKS)}; "
            f"added: +softmax (attention), +half (width); at the end: /{DEVIATION}; as in {EXAMPLE}."
        )
    return BlockArchitecture(block, attention, width)
