"""What long work tells whoever watches: the plan, what is being done, how much is done."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """An amount of work of one kind, before or after it is done.

    kind: "judge" (its training), "training" (of generator and discriminator), "scoring" or
        "sampling"; each has a speed of its own.
    calls: steps or batches, each of which costs some time whatever its size.
    work: multiply-accumulates of all of them. images: real or generated ones that pass through.
    """

    kind: str
    calls: float
    work: float
    images: float = 0.0

    def __mul__(self, times: float) -> "Cost":
        return Cost(self.kind, self.calls * times, self.work * times, self.images * times)

    __rmul__ = __mul__

    def __truediv__(self, parts: float) -> "Cost":
        return self * (1 / parts)

    def __add__(self, other: "Cost") -> "Cost":
        assert self.kind == other.kind, (self.kind, other.kind)
        return Cost(
            self.kind,
            self.calls + other.calls,
            self.work + other.work,
            self.images + other.images,
        )


class Progress:
    """Receives progress and shows nothing; the terminal shows it (see `terminal.py`)."""

    def plan(self, parts: dict[str, list[Cost]]) -> None:
        """The parts of the run, and the costs of each, all in the order in which they come."""

    def start(self, part: str) -> None:
        """A part of the plan begins; whatever was left of the one before is done."""

    def status(self, what: str) -> None:
        """What is being done inside the part, for example "stage 2 of 3, iteration 7 of 12"."""

    def advance(self, cost: Cost) -> None:
        """What of the present part has been done since the last call."""

    def skipped(self, costs: list[Cost]) -> None:
        """What of the present part was done in an earlier sitting."""

    def metric(self, name: str, value: float) -> None:
        """The latest value of something worth watching, for example "reward"."""

    def note(self, text: str) -> None:
        """Something that happened once and should stay readable."""
