"""What all sections of the settings share."""

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PositiveInt,
    Tag,
)
from pydantic_core import PydanticCustomError

DecayRate = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(gt=0, le=1)]
Weight = Annotated[float, Field(gt=0, le=1e6)]
"""Relative to others; their sum stays a finite number."""


class Section(BaseModel):
    """Base of all sections: immutable, complete, and closed against misspelt names."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


ONE_NUMBER, ONE_PER_CELL = "one number", "one number per cell"
FORMS = (ONE_NUMBER, ONE_PER_CELL)
"""How a setting with two forms may be given. pydantic puts the form into the path to a bad value;
messages leave it out."""


def _form(value: object) -> str:
    return ONE_PER_CELL if isinstance(value, list | tuple) else ONE_NUMBER


PerCell = Annotated[
    Annotated[PositiveInt, Tag(ONE_NUMBER)] | Annotated[tuple[PositiveInt, ...], Tag(ONE_PER_CELL)],
    Discriminator(_form),
]
"""One positive number for all cells, or one for each, the first cell's first."""


def _probability(value: object) -> object:
    number = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
    if not number and value != "adaptive":
        raise PydanticCustomError("probability", "adaptive, or a number from 0 to 1")
    return value


Probability = Annotated[
    Annotated[float, Field(ge=0, le=1)] | Literal["adaptive"], BeforeValidator(_probability)
]
"""A number from 0 to 1, or adaptive."""


def _automatic_count(value: object) -> object:
    count = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if not count and value != "auto":
        raise PydanticCustomError("automatic_count", "auto, or a whole number from 1 up")
    return value


AutomaticCount = Annotated[
    Annotated[int, Field(ge=1)] | Literal["auto"], BeforeValidator(_automatic_count)
]
"""A number from 1 up, or auto."""


def refuse_useless(section: Section, name: str, needed: str) -> None:
    """Raises `ValueError` where a setting was changed that means nothing because another was not."""
    defaults = {key: field.default for key, field in type(section).model_fields.items()}
    if getattr(section, name) != defaults[name] and getattr(section, needed) == defaults[needed]:
        raise ValueError(
            f"{name} is {getattr(section, name)}, which means nothing while {needed} is "
            f"{_shown(defaults[needed])}"
        )


def _shown(value: object) -> str:
    return "null" if value is None else "empty" if value == () else str(value)
