"""What all sections of the settings share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Discriminator, PositiveInt, Tag


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
