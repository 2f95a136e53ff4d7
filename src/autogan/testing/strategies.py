"""What every search strategy keeps to."""

import math
import random
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.spaces.decisions import Option
from autogan.spaces.space import SearchSpace
from autogan.strategies.base import Observation, Rung, State, Strategy
from autogan.testing.checks import (
    draws_from_no_shared_stream,
    stored_and_read,
    without_pickle,
)
from autogan.testing.toys import AdditiveToy, search_toy

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
            # Only where it does not learn from values:
            # learns = False
    """

    rungs: Sequence[Rung] = (Rung(0), Rung(1), Rung(2))
    """From the first to the last; the strategy promotes from each but the last."""
    kept = 3
    """Promoted from each rung."""
    learns = True
    """Whether its later proposals are better than uniform ones, on a landscape without traps."""
    learns_from_failures = False
    """Whether it proposes the like of what failed less often than before."""
    learning_rung = Rung(0)
    """Where it is asked to show that."""
    learning_steps = 90
    """So many steps of one proposal each are enough to show it."""
    landscapes = 12
    """On so many it is shown."""

    @abstractmethod
    def make(self, space: SearchSpace, seed: int) -> Strategy:
        """A new strategy at its beginning."""

    def space(self) -> SearchSpace:
        """The space that is searched."""
        return search_space("autogan", 3)

    def make_learner(self, space: SearchSpace, seed: int) -> Strategy:
        """One that learns within `learning_steps`: with other settings, where by default it is slow."""
        return self.make(space, seed)

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
        strategy.learn_from_loss(AdditiveToy(self.space(), 0).loss, rung)
        strategy.observe(observations)

    def promote(
        self, strategy: Strategy, rung: Rung, history: list[Observation]
    ) -> tuple[list[Observation], list[Architecture]]:
        """The end of a rung: candidates as they were observed, and what is promoted of them."""
        candidates = list(dict.fromkeys(strategy.propose(20, rung, history)))
        observations = self.observed(strategy, candidates, rung)
        history += observations
        return observations, strategy.promote(rung, observations, self.kept)

    def after(self, rung: Rung, promoted: Sequence[Architecture]) -> Rung:
        """The next rung, which begins with what was promoted."""
        return replace(self.rungs[list(self.rungs).index(rung) + 1], promoted=tuple(promoted))

    # The tests.

    def test_proposals_are_members_as_many_as_asked_on_every_rung(self) -> None:
        space = self.space()
        strategy, history = self.make(space, 0), list[Observation]()
        for rung in self.walk(strategy, history):
            for count in (1, 7):
                proposals = strategy.propose(count, rung, history)
                self._check_members(proposals, count, rung)
                trained = strategy.propose_for_training(count, rung, history, random.Random(1))
                self._check_members(trained, count, rung)
            self.learn(strategy, rung, history)
            candidates = strategy.candidates(5, rung, history)
            assert len(set(candidates)) == len(candidates), "a candidate stands there twice"
            assert 1 <= len(candidates) <= 5, f"{len(candidates)} candidates, not 1 to 5"
            self._check_members(candidates, len(candidates), rung)

    def _check_members(self, proposals: Sequence[Architecture], count: int, rung: Rung) -> None:
        assert len(proposals) == count, f"{len(proposals)} proposals, not {count}"
        for proposal in proposals:
            assert isinstance(proposal, Architecture), proposal
            assert proposal in self.space(), f"{proposal} is outside of the space"
            assert len(proposal) == rung.stage + 1, f"{proposal} is not for {rung}"
            beginnings = {proposal.prefix(len(one)) for one in rung.promoted[:1]}
            assert beginnings <= set(rung.promoted), f"{proposal} extends nothing promoted"

    def test_the_promoted_are_distinct_observed_and_the_best_first(self) -> None:
        strategy, history = self.make(self.space(), 0), list[Observation]()
        rung = self.rungs[0]
        while not self.is_last(rung):
            self.learn(strategy, rung, history)
            candidates = list(dict.fromkeys(strategy.propose(20, rung, history)))
            observations = self.observed(strategy, candidates, rung)
            again = self.observed(strategy, candidates[:5], rung)
            given = [*observations, *again]
            promoted = strategy.promote(rung, given, self.kept)
            assert given == [*observations, *again], "it changed what it was told"
            expected = min(self.kept, len(candidates))
            assert len(promoted) == len(set(promoted)) == expected, promoted
            assert set(promoted) <= set(candidates), promoted
            gains = {o.architecture: _gains(strategy, o) for o in observations}
            places = {architecture: place for place, architecture in enumerate(promoted)}
            for one in promoted:
                for other in candidates:
                    if places.get(other, expected) > places[one]:
                        assert not _better(gains[other], gains[one]), f"{other} is better: {one}"
            rung = self.after(rung, promoted)

    def test_proposals_after_a_promotion_extend_a_promoted_one(self) -> None:
        strategy, history = self.make(self.space(), 0), list[Observation]()
        for rung in self.walk(strategy, history):
            self._check_members(strategy.propose(20, rung, history), 20, rung)
            self.learn(strategy, rung, history)

    def walk(self, strategy: Strategy, history: list[Observation]) -> Iterator[Rung]:
        """All rungs in turn; between two of them the best are promoted."""
        rung = self.rungs[0]
        yield rung
        while not self.is_last(rung):
            rung = self.after(rung, self.promote(strategy, rung, history)[1])
            yield rung

    def test_it_goes_on_exactly_from_a_state_that_was_stored(self, tmp_path: Path) -> None:
        strategy, history = self.make(self.space(), 0), list[Observation]()
        for rung in self.walk(strategy, history):
            for _ in range(2):
                self.learn(strategy, rung, history)
            restored, theirs = self.make(self.space(), 0), list(history)
            self._something_to_forget(restored)
            restored.load_state_dict(stored_and_read(strategy.state_dict(), tmp_path))
            for _ in range(3):
                proposals = strategy.propose(5, rung, history)
                assert restored.propose(5, rung, theirs) == proposals, f"on {rung}"
                trained = strategy.propose_for_training(5, rung, history, random.Random(2))
                same = restored.propose_for_training(5, rung, theirs, random.Random(2))
                assert same == trained, f"for training, on {rung}"
                observations = self.observed(strategy, proposals, rung)
                history += observations
                theirs += observations
                loss = AdditiveToy(self.space(), 0).loss
                metrics = strategy.learn_from_loss(loss, rung)
                assert restored.learn_from_loss(loss, rung) == metrics, f"on {rung}"
                metrics = strategy.observe(observations)
                assert restored.observe(observations) == metrics, f"on {rung}"
            if not self.is_last(rung):
                assert strategy.candidates(5, rung, history) == restored.candidates(5, rung, theirs)
                observations = self.observed(strategy, proposals, rung)
                promoted = restored.promote(rung, observations, self.kept)
                twin, twins = self.make(self.space(), 0), list(history)
                twin.load_state_dict(stored_and_read(strategy.state_dict(), tmp_path))
                assert twin.promote(rung, observations, self.kept) == promoted
                after = self.after(rung, promoted)
                assert restored.propose(5, after, theirs) == twin.propose(5, after, twins)

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
        rung = self.rungs[0]
        while True:
            for state in (State.FAILED, State.DIVERGED, State.STOPPED, State.RUNNING):
                for failed in strategy.propose(3, rung, history):
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
            rung = self.after(rung, promoted)

    def test_metrics_are_numbers_that_the_journal_can_hold(self) -> None:
        strategy, history = self.make(self.space(), 0), list[Observation]()
        for rung in self.walk(strategy, history):
            for count in (1, 4):
                proposals = strategy.propose(count, rung, history)
                observations = self.observed(strategy, proposals, rung)
                history += observations
                metrics = strategy.learn_from_loss(AdditiveToy(self.space(), 0).loss, rung)
                metrics |= strategy.observe(observations)
                for name, value in metrics.items():
                    assert type(value) is float, f"{name} is a {type(value).__name__}"
                    assert math.isfinite(value), f"{name} is {value}"
                    assert name not in TAKEN_NAMES, f"{name} means something else in the journal"

    def test_it_changes_nothing_but_itself(self) -> None:
        space = self.space()
        strategy, alone, other = self.make(space, 0), self.make(space, 0), self.make(space, 1)
        history, own_history = list[Observation](), list[Observation]()
        for rung in self.walk(strategy, history):
            with draws_from_no_shared_stream():
                self.learn(strategy, rung, history)
                told = list(history)
                strategy.propose(5, rung, history)
                assert history == told, "it changed what it was told"
                strategy.propose_for_training(5, rung, history, random.Random(0))
                assert history == told, "it changed what it was told"
                strategy.candidates(2, rung, history)
                assert history == told, "it changed what it was told"
            assert space == self.space(), "it changed the space"
        for rung in self.walk(alone, own_history):  # beside another one, nothing is different
            other.propose(3, self.rungs[0], [])
            self.learn(alone, rung, own_history)
            alone.propose(5, rung, own_history)
            alone.propose_for_training(5, rung, own_history, random.Random(0))
            alone.candidates(2, rung, own_history)
        assert own_history == history, "another strategy of the same kind disturbed it"

    def test_nothing_is_pickled(self) -> None:
        strategy, history = self.make(self.space(), 0), list[Observation]()
        with without_pickle():
            for rung in self.walk(strategy, history):
                self.learn(strategy, rung, history)
                self.make(self.space(), 0).load_state_dict(strategy.state_dict())

    def test_it_learns_what_is_better(self) -> None:
        """Over several landscapes; the advantage over uniform proposals is in their standard deviations."""
        if not self.learns:
            return
        stages = self.learning_rung.stage + 1
        advantages = []
        for seed in range(self.landscapes):
            toy = AdditiveToy(self.space(), seed, noise=0.1)
            proposals = self._latest_proposals(toy, seed)
            mean = sum(map(toy.value, proposals)) / len(proposals)
            advantages.append((mean - toy.mean(stages)) / toy.deviation(stages))
        mean = sum(advantages) / len(advantages)
        shown = ", ".join(f"{advantage:.2f}" for advantage in advantages)
        assert mean > 0.5, f"its proposals are hardly better than uniform ones: {shown}"
        better = sum(advantage > 0 for advantage in advantages)
        assert better >= 0.7 * self.landscapes, f"only sometimes: {shown}"

    def test_it_avoids_what_fails(self) -> None:
        """Half of all architectures fail; proposals at the end are rarely of them."""
        if not self.learns_from_failures:
            return
        shares = []
        for seed in range(self.landscapes):
            space = self.space()
            doomed = space.at_stage(0)[0].options[seed % 2]
            toy = AdditiveToy(space, seed, fails=partial(_begins_with, doomed))
            proposals = self._latest_proposals(toy, seed)
            shares.append(sum(map(toy.fails, proposals)) / len(proposals))
        mean = sum(shares) / len(shares)
        assert mean < 0.35, f"of its last proposals these shares fail: {shares}"

    def _latest_proposals(self, toy: AdditiveToy, seed: int) -> list[Architecture]:
        """The last third of what it proposes."""
        strategy = self.make_learner(toy.space, seed)
        made = search_toy(strategy, toy, self.learning_rung, self.learning_steps)
        return [o.architecture for o in made[-self.learning_steps // 3 :]]


def _begins_with(option: Option, architecture: Architecture) -> bool:
    return architecture.taken[0][0] == option


def _gains(strategy: Strategy, observation: Observation) -> list[float]:
    pairs = zip(strategy.goals, observation.values, strict=True)
    return [goal.gain(value) for goal, value in pairs]


def _better(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether `one` is nowhere worse, and somewhere better."""
    pairs = list(zip(one, other, strict=True))
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)
