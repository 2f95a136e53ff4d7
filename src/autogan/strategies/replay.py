"""REINFORCE for trials: the policy is made anew from the history, so that any number of processes may ask."""

from collections.abc import Sequence
from copy import deepcopy

from autogan.settings.search import ControllerSettings
from autogan.spaces.space import SearchSpace
from autogan.strategies.base import Descent, Goal, Observation, Rung, State
from autogan.strategies.reinforce import Reinforce


class Replay:
    """A policy that is a function of the seed and the history, as if it had seen all of it in order.

    Every complete observation is one update, in the order of the history, which is that of the trials'
    numbers and not that in which they ended. What comes after the first one that is running may still change
    its place, so it is learned on a copy; what comes before is learned once and kept in memory.
    """

    def __init__(
        self, space: SearchSpace, settings: ControllerSettings, seed: int, goal: Goal
    ) -> None:
        self._space, self._settings, self._seed, self._goal = space, settings, seed, goal
        self._learned: list[Observation] = []
        self._policy = self._new()

    def propose(
        self, count: int, rung: Rung, history: Sequence[Observation], seed: int
    ) -> list[Descent]:
        """Draws of the policy that has seen `history`. seed: of these draws alone."""
        running = next((n for n, o in enumerate(history) if o.state is State.RUNNING), len(history))
        settled, unsettled = _complete(history[:running]), _complete(history[running:])
        if settled[: len(self._learned)] != self._learned:
            self._learned, self._policy = [], self._new()
        self._policy.decide_all(rung)
        _learn(self._policy, settled[len(self._learned) :])
        self._learned = settled
        policy = self._policy
        if unsettled:
            policy = self._new()
            policy.load_state_dict(deepcopy(self._policy.state_dict()))
            _learn(policy, unsettled)
        policy.reseed(seed)
        return policy.descents(count, rung, history)

    def _new(self) -> Reinforce:
        return Reinforce(self._space, self._settings, self._seed, (self._goal,))


def _complete(history: Sequence[Observation]) -> list[Observation]:
    return [o for o in history if o.state is State.COMPLETE]


def _learn(policy: Reinforce, observations: Sequence[Observation]) -> None:
    for observation in observations:
        policy.observe([observation])
