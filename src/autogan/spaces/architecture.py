"""An architecture: the options taken in some search space, as a value that knows no particular one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from autogan.basics.errors import UserError
from autogan.spaces import (
    DEFAULT_SPACE,
    PAIR_SPACES,
    SPACES,
    TRAINED_SPACES,
    search_space,
    space_class,
    space_of,
)
from autogan.spaces.decisions import Option, option_text

MOST_CHARACTERS = 2000


@dataclass(frozen=True)
class Architecture:
    """One option for each decision of a space, stage by stage of growth.

    Raises `UserError` where an option does not exist. It compares and hashes by what it takes, which
    is cheap: training steps look networks up by it. `str(architecture)` is its text form, which
    `parse` reads back; that is also how it goes into JSON.

    space: the name of its space.
    taken: for each stage, the options of that stage's decisions in their order.
    """

    space: str
    taken: tuple[tuple[Option, ...], ...]
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        space = search_space(self.space, len(self.taken))
        for stage, options in enumerate(self.taken):
            decisions = space.at_stage(stage)
            if len(options) != len(decisions):
                raise UserError(
                    f"Stage {stage} of an architecture of {self.space} takes {len(decisions)} "
                    f"options, not {len(options)}."
                )
            for decision, option in zip(decisions, options, strict=True):
                if option not in decision.options:
                    allowed = ", ".join(option_text(o) for o in decision.options)
                    raise UserError(
                        f"{str(decision.place).capitalize()}: {decision.name} cannot be "
                        f"{option!r}. Allowed: {allowed}."
                    )
        object.__setattr__(self, "_hash", hash((self.space, self.taken)))

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        # Made anew: words hash differently in every process.
        return Architecture, (self.space, self.taken)

    def __len__(self) -> int:
        return len(self.taken)

    def __str__(self) -> str:
        text = space_of(self).text(self)
        return text if self.space == DEFAULT_SPACE else f"{self.space}:{text}"

    def prefix(self, stages: int) -> "Architecture":
        """The architecture of the first `stages` stages."""
        return Architecture(self.space, self.taken[:stages])

    def to_vector(self) -> list[int]:
        """Positions among all the options that its space knows; for AutoGAN the authors' vector."""
        space = space_of(self)
        return [code for stage in range(len(self)) for code in space.encode(self, stage)]

    @classmethod
    def from_vector(cls, vector: Sequence[int]) -> "Architecture":
        """The architecture of an authors' vector; `UserError` says at which position it is none."""
        return space_class(DEFAULT_SPACE).from_vector(vector)

    @classmethod
    def parse(cls, text: str) -> "Architecture":
        """The architecture of what its space reads, for AutoGAN: a published name ("autogan-a" or
        "A"), a text form or an authors' vector.

        A text begins with the name of its space and a colon; without them it is AutoGAN's.
        """
        text = text.strip()
        if len(text) > MOST_CHARACTERS:
            raise UserError(
                f"An architecture's text has at most {MOST_CHARACTERS:,} characters, not {len(text):,}."
            )
        name, _, rest = text.partition(":")
        if name in (*SPACES, *PAIR_SPACES, *TRAINED_SPACES):
            return space_class(name).parse(rest.strip())
        return space_class(DEFAULT_SPACE).parse(text)
