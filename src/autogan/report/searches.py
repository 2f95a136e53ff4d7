"""The searches of a run, each with its lines of the log: of generators or pairs, and of discriminators."""

from dataclasses import dataclass

from autogan.runs.events import Grown, IterationEnded, Losses, StrategyUpdate, WeightsReset
from autogan.runs.outcomes import Child
from autogan.runs.record import RunRecord
from autogan.spaces import DEFAULT_SPACE, search_space
from autogan.spaces.decisions import Decision
from autogan.spaces.pair import PREFIX
from autogan.spaces.space import SearchSpace


@dataclass(frozen=True)
class SearchView:
    """What the log tells of one search.

    part: of the run: "search", or "discriminator" for the search for discriminators after it.
    """

    part: str
    children: list[Child]
    updates: list[StrategyUpdate]
    ended: list[IterationEnded]
    grown: list[Grown]
    resets: list[WeightsReset]
    losses: list[Losses]

    @property
    def is_first(self) -> bool:
        """Whether it is the search that the run began with."""
        return self.part == "search"

    @property
    def key(self) -> str:
        """Before the names of its charts."""
        return "" if self.is_first else f"{self.part}-"

    def title(self, text: str) -> str:
        """The title of a chart, which says where it is not of the search that the run began with."""
        return text if self.is_first else f"Discriminators: {text[0].lower()}{text[1:]}"

    def stage_of(self, iteration: int) -> int:
        """The stage of an iteration: every growth after an earlier one made it one higher."""
        return sum(grow.iteration < iteration for grow in self.grown)

    def space(self, stages: int) -> SearchSpace:
        """The whole space that its children are from."""
        child = next(iter(self.children), None)
        return search_space(child.architecture.space if child else DEFAULT_SPACE, stages)

    def is_open(self, decision: Decision) -> bool:
        """Whether it decides that: after the search for generators, only what is the discriminator's."""
        return self.is_first or decision.name.startswith(PREFIX)


def searches_of(record: RunRecord) -> list[SearchView]:
    """The search that a run began with, and that for discriminators after it where it began one."""
    first = _view(record, "search", None, record.children)
    after = _view(record, "discriminator", "discriminator", record.pairs)
    return [first, after] if after.children or after.losses or after.ended else [first]


def _view(record: RunRecord, part: str, said: str | None, children: list[Child]) -> SearchView:
    """said: what the lines of this search say of their part."""
    return SearchView(
        part,
        children,
        [line for line in record.of(StrategyUpdate) if line.part == said],
        [line for line in record.of(IterationEnded) if line.part == said],
        [line for line in record.of(Grown) if line.part == said],
        [line for line in record.of(WeightsReset) if line.part == said],
        [line for line in record.of(Losses) if line.part == part],
    )
