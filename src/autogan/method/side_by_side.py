"""Children of a round scored side by side, with the rewards that one process would give them.

Their latents are those of the one stream, as if they were scored one after the other; so it does not matter
which process is faster.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from autogan.basics.errors import UserError
from autogan.device.compute import Compute
from autogan.device.gpus import VISIBLE, visible_gpus
from autogan.gan.generation import latent_batches
from autogan.gan.streams import LatentStream
from autogan.method.child_scoring import ChildScorer, Scoring
from autogan.method.scoring_processes import Scored, Scorers, as_bytes, as_state
from autogan.settings.search import SearchSettings
from autogan.spaces.architecture import Architecture
from autogan.spaces.networks import Generator


class SideBySide(ChildScorer):
    """Scores the children of a round side by side, and gives their rewards one after the other.

    The first `score` of a round waits for as many children as there are processes; those after it know
    their rewards already. What was not asked for yet is no part of the search's state: it is scored again
    after an interruption. A round of a single child is scored here.
    """

    def __init__(
        self,
        count: int,
        generator: Generator,
        latents: LatentStream,
        scoring: Scoring,
        compute: Compute,
        interruptible: Callable[[], AbstractContextManager[None]],
    ) -> None:
        super().__init__(generator, latents, scoring, compute, interruptible)
        self._scorers = Scorers(count, generator, scoring, compute)
        self._known: list[Scored] = []

    def look_ahead(self, children: Sequence[Architecture], next_one: int) -> None:
        """As `ChildScorer.look_ahead`. Raises `UserError` where a process dies."""
        if len(children) == 1 or self._is_known(children[next_one]):
            return
        start, tasks = self._latents.state(), []
        for child in children[next_one : next_one + self._scorers.count]:
            tasks.append((child, as_bytes(self._latents.state())))
            for _ in latent_batches(self._scoring.images, self._latents.draw):
                pass  # drawn to know where the next child's begin
        self._latents.set_state(start)
        self._known = []
        self._known = self._scorers.scored(tasks, self.real, self._interruptible)

    def _is_known(self, architecture: Architecture) -> bool:
        """Whether the next answer is of this child, and from where the stream stands: where a child before
        it failed, it stands elsewhere."""
        return bool(self._known) and (self._known[0].architecture, self._known[0].before) == (
            architecture,
            as_bytes(self._latents.state()),
        )

    def score(self, architecture: Architecture) -> float:
        """As `ChildScorer.score`."""
        if not self._is_known(architecture):
            return super().score(architecture)
        known = self._known.pop(0)
        self._latents.set_state(as_state(known.after))
        self.seconds = known.seconds
        if known.reward is None:
            raise UserError(known.error) if known.users else ArithmeticError(known.error)
        return known.reward

    def close(self) -> None:
        """Ends the processes."""
        self._known = []
        self._scorers.close()


def scorers_of(options: SearchSettings, compute: Compute) -> int:
    """How many processes score the children of a search by these settings, made a number.

    Raises `UserError` where several are wanted and the device is not the first GPU that is seen.
    """
    other_gpu = compute.device.type == "cuda" and compute.device.index not in (None, 0)
    if options.scorers == "auto":
        return max(1, len(visible_gpus())) if compute.device.type == "cuda" and not other_gpu else 1
    if options.scorers > 1 and other_gpu:
        raise UserError(
            f"search.scorers is {options.scorers}, and compute.device {compute.device} names one GPU. Set it "
            f"to cuda, and name the GPUs by {VISIBLE}."
        )
    return options.scorers
