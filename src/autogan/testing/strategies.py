"""What every search strategy keeps to."""

import math
import random
import zlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import torch

from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.space import SearchSpace
from autogan.strategies.base import Observation, Rung, State, Strategy
from autogan.testing.checks import draws_from_no_shared_stream, stored_and_read

TAKEN_NAMES = ("event", "seconds", "iteration", "step", "reward")
"""What stands beside a strategy's metrics in a line of the journal."""


class StrategyConformance(ABC):
    """Tests of a strategy, on small searches whose scores are made up.

    In a file of tests:

        from autogan.testing import StrategyConformance
        from mine import Evolution

        class TestEvolution(StrategyConformance):
            def make(self, space, seed):
                return Evolution(space, population=8, seed=seed)

            # Only where it is not for stages of growth:
            # rungs = (Rung(2, 100), Rung(2, 400))
    """

    rungs: Sequence[Rung] = (Rung(0), Rung(1), Rung(2))
    """From the first to the last; the strategy promotes from each but the last."""
    kept = 3
    """Promoted from each rung."""

    @abstractmethod
    def make(self, space: SearchSpace, seed: int) -> Strategy:
        """A new strategy at its beginning."""

    def space(self) -> SearchSpace:
        """The space that is searched."""
        return search_space("autogan", 3)

    # How the tests play a search.

    def is_last(self, rung: Rung) -> bool:
        """Whether nothing comes after it, and so nothing is promoted from it."""
        return rung == self.rungs[-1]

    def observed(
        self, strategy: Strategy, architectures: Sequence[Architecture], rung: Rung
    ) -> list[Observation]:
        """Complete observations, whose values depend on the architecture and the goal alone."""
        return [
            Observation(
                architecture,
                rung,
                0,
                tuple(
                    zlib.crc32(f"{goal.name} {architecture}".encode()) / 2**32
                    for goal in strategy.goals
                ),
            )
            for architecture in architectures
        ]

    def learn(self, strategy: Strategy, rung: Rung, history: list[Observation]) -> None:
        """One step of a search."""
        observations = self.observed(strategy, strategy.propose(4, rung, history), rung)
        history += observations
        strategy.observe(observations)

    def promote(
        self, strategy: Strategy, rung: Rung, history: list[Observation]
    ) -> tuple[list[Observation], list[Architecture]]:
        """The end of a rung: candidates as they were observed, and what is promoted of them."""
        candidates = list(dict.fromkeys(strategy.propose(20, rung, history)))
        observations = self.observed(strategy, candidates, rung)
        history += observations
        return observations, strategy.promote(rung, observations, self.kept)

    # The tests.

    def test_proposals_are_members_as_many_as_asked_on_every_rung(self) -> None:
        space = self.space()
        strategy, history = self.make(space, 0), list[Observation]()
        for rung in self.rungs:
            for count in (1, 7):
                proposals = strategy.propose(count, rung, history)
                assert len(proposals) == count, f"{len(proposals)} proposals, not {count}"
                for proposal in proposals:
                    assert isinstance(proposal, Architecture), proposal
                    assert proposal in space, f"{proposal} is outside of the space"
                    assert len(proposal) == rung.stage + 1, f"{proposal} is not for {rung}"
            self.learn(strategy, rung, history)
            if not self.is_last(rung):
                self.promote(strategy, rung, history)

    def test_the_promoted_are_distinct_observed_and_the_best_first(self) -> None:
        strategy, history = self.make(self.space(), 0), list[Observation]()
        for rung in self.rungs[:-1]:
            self.learn(strategy, rung, history)
            candidates = list(dict.fromkeys(strategy.propose(20, rung, history)))
            observations = self.observed(strategy, candidates, rung)
            again = self.observed(strategy, candidates[:5], rung)
            promoted = strategy.promote(rung, [*observations, *again], self.kept)
            expected = min(self.kept, len(candidates))
            assert len(promoted) == len(set(promoted)) == expected, promoted
            assert set(promoted) <= set(candidates), promoted
            gains = {o.architecture: _gains(strategy, o) for o in observations}
            places = {architecture: place for place, architecture in enumerate(promoted)}
            for one in promoted:
                for other in candidates:
                    if places.get(other, expected) > places[one]:
                        assert not _better(gains[other], gains[one]), f"{other} is better: {one}"

    def test_proposals_after_a_promotion_extend_a_promoted_one(self) -> None:
        strategy, history = self.make(self.space(), 0), list[Observation]()
        promoted: list[Architecture] = []
        for rung in self.rungs:
            proposals = strategy.propose(20, rung, history)
            for proposal in proposals if promoted else []:
                beginning = proposal.prefix(len(promoted[0]))
                assert beginning in promoted, f"{proposal} extends nothing that was promoted"
            self.learn(strategy, rung, history)
            if not self.is_last(rung):
                _, promoted = self.promote(strategy, rung, history)

    def test_it_goes_on_exactly_from_a_state_that_was_stored(self, tmp_path: Path) -> None:
        strategy, history = self.make(self.space(), 0), list[Observation]()
        for number, rung in enumerate(self.rungs):
            for _ in range(2):
                self.learn(strategy, rung, history)
            restored, theirs = self.make(self.space(), 0), list(history)
            self._something_to_forget(restored)
            restored.load_state_dict(stored_and_read(strategy.state_dict(), tmp_path))
            for _ in range(3):
                proposals = strategy.propose(5, rung, history)
                assert restored.propose(5, rung, theirs) == proposals, f"on {rung}"
                observations = self.observed(strategy, proposals, rung)
                history += observations
                theirs += observations
                metrics = strategy.observe(observations)
                assert restored.observe(observations) == metrics, f"on {rung}"
            if not self.is_last(rung):
                _, promoted = self.promote(strategy, rung, history)
                assert self.promote(restored, rung, theirs)[1] == promoted
                after = self.rungs[number + 1]
                assert restored.propose(5, after, theirs) == strategy.propose(5, after, history)

    def _something_to_forget(self, strategy: Strategy) -> None:
        rung, history = self.rungs[0], list[Observation]()
        for _ in range(3):
            self.learn(strategy, rung, history)
        self.promote(strategy, rung, history)

    def test_the_seed_decides_the_proposals(self) -> None:
        def proposed(seed: int, shared_streams: int) -> list[Architecture]:
            random.seed(shared_streams)
            torch.manual_seed(shared_streams)
            return self.make(self.space(), seed).propose(20, self.rungs[0], [])

        random_state, torch_state = random.getstate(), torch.get_rng_state()
        try:
            assert proposed(0, 0) == proposed(0, 1), "one seed gave different proposals"
            assert proposed(0, 0) != proposed(1, 0), "two seeds gave the same proposals"
        finally:
            random.setstate(random_state)
            torch.set_rng_state(torch_state)

    def test_it_copes_with_scorings_that_gave_no_values(self) -> None:
        strategy, history = self.make(self.space(), 0), list[Observation]()
        for rung in self.rungs:
            for state in (State.FAILED, State.DIVERGED, State.STOPPED):
                (failed,) = strategy.propose(1, rung, history)
                history.append(Observation(failed, rung, 0, (), state))
            self.learn(strategy, rung, history)
            if self.is_last(rung):
                return
            candidates = list(dict.fromkeys(strategy.propose(20, rung, history)))
            whole = self.observed(strategy, candidates[1:], rung)
            failed_one = Observation(candidates[0], rung, 0, (), State.FAILED)
            history += [failed_one, *whole]
            promoted = strategy.promote(rung, [failed_one, *whole], self.kept)
            assert promoted, "nothing was promoted"
            assert candidates[0] not in promoted, "an architecture was promoted that failed"

    def test_metrics_are_numbers_that_the_journal_can_hold(self) -> None:
        strategy, history = self.make(self.space(), 0), list[Observation]()
        for rung in self.rungs:
            for count in (1, 4):
                proposals = strategy.propose(count, rung, history)
                observations = self.observed(strategy, proposals, rung)
                history += observations
                metrics = strategy.observe(observations)
                for name, value in metrics.items():
                    assert type(value) is float, f"{name} is a {type(value).__name__}"
                    assert math.isfinite(value), f"{name} is {value}"
                    assert name not in TAKEN_NAMES, f"{name} means something else in the journal"
            if not self.is_last(rung):
                self.promote(strategy, rung, history)

    def test_it_changes_nothing_but_itself(self) -> None:
        space = self.space()
        strategy, alone, other = self.make(space, 0), self.make(space, 0), self.make(space, 1)
        history, own_history = list[Observation](), list[Observation]()
        for rung in self.rungs:
            with draws_from_no_shared_stream():
                self.learn(strategy, rung, history)
                told = list(history)
                observations = self.observed(strategy, strategy.propose(20, rung, history), rung)
                given = list(observations)
                if not self.is_last(rung):
                    strategy.promote(rung, observations, self.kept)
            assert history == told and observations == given, "it changed what it was told"
            assert space == self.space(), "it changed the space"
            history += observations
        for rung in self.rungs:  # beside another one, nothing is different
            other.propose(3, self.rungs[0], [])
            self.learn(alone, rung, own_history)
            observations = self.observed(alone, alone.propose(20, rung, own_history), rung)
            if not self.is_last(rung):
                alone.promote(rung, observations, self.kept)
            own_history += observations
        assert own_history == history, "another strategy of the same kind disturbed it"


def _gains(strategy: Strategy, observation: Observation) -> list[float]:
    pairs = zip(strategy.goals, observation.values, strict=True)
    return [goal.gain(value) for goal, value in pairs]


def _better(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether `one` is nowhere worse, and somewhere better."""
    pairs = list(zip(one, other, strict=True))
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)
