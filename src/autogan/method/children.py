"""The children of a search: architectures scored with the shared weights, and those that could not be."""

from typing import Any

from autogan.basics.errors import UserError
from autogan.gan.step import Gan
from autogan.method.child_scoring import ChildScorer
from autogan.progress.base import Progress
from autogan.runs.events import ChildScored, Failed
from autogan.runs.journal import Journal
from autogan.runs.outcomes import Child, from_plain, to_plain
from autogan.spaces.architecture import Architecture
from autogan.strategies.base import Observation, Rung, State


class Children:
    """All children so far, in the order in which they were scored.

    history: those that were scored. observations: the same as strategies see them, with the failed.
    """

    def __init__(
        self, scorer: ChildScorer, gan: Gan, seed: int, journal: Journal, progress: Progress
    ) -> None:
        self.history: list[Child] = []
        self.observations: list[Observation] = []
        self._scorer = scorer
        self._gan = gan
        self._seed = seed
        self._journal = journal
        self._progress = progress

    def score(
        self, architecture: Architecture, stage: int, iteration: int, purpose: str
    ) -> Child | None:
        """Scores one child and remembers it; None where it cannot be scored.

        Raises `Diverged` where that is not its own fault: the shared weights are no finite numbers.
        """
        try:
            reward = self._scorer.score(architecture)
        except (UserError, ArithmeticError) as error:
            self._gan.refuse_non_finite()
            self.observations.append(self._failed(architecture, stage))
            self._journal.log(Failed(architecture, purpose, str(error), stage, iteration))
            self._progress.note(f"{architecture} could not be scored: {error}")
            return None
        seconds = round(self._scorer.seconds, 3)
        child = Child(architecture, stage, iteration, purpose, reward, seconds)
        self.history.append(child)
        self.observations.append(self.observation(child))
        self._journal.log(ChildScored(child))
        self._progress.metric("reward", child.reward)
        return child

    def observation(self, child: Child) -> Observation:
        """A child as strategies see it."""
        return Observation(child.architecture, Rung(child.stage), self._seed, (child.reward,))

    def _failed(self, architecture: Architecture, stage: int) -> Observation:
        return Observation(architecture, Rung(stage), self._seed, (), State.FAILED)

    @property
    def failures(self) -> list[tuple[int, Observation]]:
        """Those that could not be scored, each with its place among all observations."""
        numbered = enumerate(self.observations)
        return [(place, o) for place, o in numbered if o.state is State.FAILED]

    def state_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "history": [to_plain(child) for child in self.history],
            "failures": [
                [place, str(failed.architecture), failed.rung.stage]
                for place, failed in self.failures
            ],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes back to a state that `state_dict` gave."""
        self.history = [from_plain(Child, child) for child in state["history"]]
        self.observations = [self.observation(child) for child in self.history]
        for place, text, stage in state.get("failures", []):  # not in states of version 0.1.0
            self.observations.insert(place, self._failed(Architecture.parse(text), stage))
