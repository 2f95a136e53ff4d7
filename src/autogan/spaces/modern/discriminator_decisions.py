"""The decisions of the modern space's discriminator, and its architecture as a value."""

from dataclasses import dataclass

from autogan.basics.errors import UserError
from autogan.spaces.decisions import Decision, Place
from autogan.spaces.modern.decisions import WIDTHS, check_number

BLOCKS = ("residual", "bottleneck")
ATTENTIONS = ("none", "softmax")
DEVIATION = "deviation"


@dataclass(frozen=True)
class BlockArchitecture:
    """The options that one growing block of a discriminator takes.

    block: "residual" (AutoGAN's) or "bottleneck" (R3GAN's, which halves through a low-pass).
    attention: "none" or "softmax", after the block. width: "full" or "half", inside the block.
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
        check_number(len(self.blocks))
        for index, block in enumerate(self.blocks):
            for decision in block_decisions(index):
                option = getattr(block, decision.name)
                if option not in decision.options:
                    allowed = ", ".join(map(str, decision.options))
                    raise UserError(
                        f"{str(decision.place).capitalize()}: {decision.name} cannot be "
                        f"{option!r}. Allowed: {allowed}."
                    )

    @classmethod
    def plain(cls, stages: int) -> "DiscriminatorArchitecture":
        """The default of every block."""
        return cls((BlockArchitecture(),) * stages)

    def __str__(self) -> str:
        ends = (DEVIATION,) * self.minibatch_deviation
        return "/".join((*map(str, self.blocks), *ends))

    @classmethod
    def parse(cls, text: str) -> "DiscriminatorArchitecture":
        """Reads a text form, such as `bottleneck/residual+softmax+half/deviation`."""
        parts = text.strip().split("/")
        deviation = parts[-1] == DEVIATION
        blocks = tuple(_parse_block(part) for part in (parts[:-1] if deviation else parts))
        return cls(blocks, deviation)


def pools(index: int, stages: int) -> bool:
    """Whether a growing block halves the side: all do, except the last of three or more."""
    return index < max(2, stages - 1)


def block_decisions(index: int) -> tuple[Decision, ...]:
    """The decisions about one growing block."""
    place = Place("discriminator block", index)
    return (
        Decision("block", place, BLOCKS),
        Decision("attention", place, ATTENTIONS),
        Decision("width", place, WIDTHS),
    )


def discriminator_decisions(stages: int) -> tuple[Decision, ...]:
    """All decisions about a discriminator of `stages` growing blocks, that of its end last."""
    end = Decision("minibatch_deviation", Place("discriminator end", 0), (False, True))
    return (*(d for index in range(stages) for d in block_decisions(index)), end)


def _parse_block(text: str) -> BlockArchitecture:
    block, *extras = text.strip().split("+")
    attention = next((word for word in extras if word in ATTENTIONS), ATTENTIONS[0])
    width = next((word for word in extras if word in WIDTHS), WIDTHS[0])
    known = {attention, width}
    if block not in BLOCKS or not known.issuperset(extras) or len(set(extras)) < len(extras):
        raise UserError(
            f"Cannot read {text.strip()!r} as a block of a discriminator. Blocks: {', '.join(BLOCKS)}; "
            f"added: +softmax (attention), +half (width); at the end: /{DEVIATION}."
        )
    return BlockArchitecture(block, attention, width)
