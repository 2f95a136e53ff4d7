"""What long work tells whoever watches: the plan, what is being done, how much is done."""


class Progress:
    """Receives progress and shows nothing; the terminal shows it (see `terminal.py`).

    Work is counted in multiply-accumulates, so that one clock serves steps at 8×8 and at 32×32.
    """

    def plan(self, work: dict[str, float]) -> None:
        """The parts of the run in order, each with its work in multiply-accumulates."""

    def start(self, part: str) -> None:
        """A part of the plan begins; whatever was left of the one before is done."""

    def doing(self, what: str) -> None:
        """What is being done inside the part, for example "stage 2 of 3, iteration 7 of 12"."""

    def spent(self, work: float) -> None:
        """Multiply-accumulates of the present part that have been done since the last call."""

    def figure(self, name: str, value: float) -> None:
        """The latest value of something worth watching, for example "reward"."""

    def note(self, text: str) -> None:
        """Something that happened once and should stay readable."""
