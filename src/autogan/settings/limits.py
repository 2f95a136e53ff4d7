"""Settings of what architectures may cost."""

from pydantic import PositiveFloat, PositiveInt

from autogan.settings.base import Section

_IN_WORDS = {
    "parameters": "parameters",
    "multiply_accumulates": "multiply-accumulates",
    "latency_milliseconds": "milliseconds of latency",
}


class LimitSettings(Section):
    """What no architecture of a search may exceed, as it would be trained (with `train`'s widths): one that
    does is never scored, kept or trained. null: no limit."""

    parameters: PositiveInt | None = None
    """Of the generator."""
    multiply_accumulates: PositiveInt | None = None
    """Of one image."""
    latency_milliseconds: PositiveFloat | None = None
    """Of one image, measured on the machine that searches: the median of some."""

    @property
    def given(self) -> dict[str, float]:
        """Those that are set, by name."""
        return {name: limit for name, limit in self.model_dump().items() if limit is not None}

    @property
    def in_words(self) -> str:
        """Those that are set, such as "at most 2,000,000 parameters"; "" where none is."""
        said = [f"{limit:,.10g} {_IN_WORDS[name]}" for name, limit in self.given.items()]
        return f"at most {' and '.join(said)}" if said else ""
