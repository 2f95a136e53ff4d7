"""The search: multi-level architecture search with parameter sharing (paper algorithm 1).

    for every iteration:
        1. train the shared weights, an architecture from the controller for every batch
        2. train the controller, the reward of a child being its inception score (of images without
           classes: the negative Fréchet distance to real ones)
        at a stage boundary: keep the best beams, grow both networks by a cell, start a new controller
        if the adversarial game collapsed in 1: fresh shared weights, the controller keeps what it knows

`Search.step` is this loop, one step at a time: where in it the search stands is a value (`Position`),
and between two steps the state is whole, so that an interrupted search goes on from there exactly.

What is searched is a `Subject`: generators as in the paper, pairs of a generator and its discriminator,
or the discriminators of one generator. All of them are architectures; the loop is the same.

Growth comes before the reset, so that beams are never chosen with weights just drawn. Where the
authors' program has faults (docs/method.md lists them), this follows the paper.
"""

import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from torch import Tensor

from autogan.basics.errors import UserError
from autogan.basics.randomness import derived_seed
from autogan.gan.schedules import Schedule
from autogan.images import default_cache_directory
from autogan.judges import reference
from autogan.method.child_scoring import ChildScorer, Scoring
from autogan.method.children import Children
from autogan.method.context import Context
from autogan.method.dynamic_reset import LossWindow
from autogan.method.game_batches import GameBatches
from autogan.method.losses import read_losses
from autogan.method.position import CONTROLLER, GROWTH, SHARED_TRAINING, Position
from autogan.method.probe import Probe
from autogan.method.side_by_side import SideBySide, scorers_of
from autogan.method.subject import SEARCH, Subject, shared_gan
from autogan.method.within_limits import WithinLimits
from autogan.progress.base import Progress
from autogan.runs.events import (
    Grown,
    IterationEnded,
    StrategyUpdate,
    WeightsReset,
)
from autogan.runs.file_names import ARCHITECTURES
from autogan.runs.folder import Run
from autogan.runs.outcomes import Child, from_plain, to_plain
from autogan.spaces.architecture import Architecture
from autogan.spaces.limits import Costs, Limits
from autogan.strategies import make_strategy
from autogan.strategies.base import Rung

RESET_CHECK_EVERY_STEPS = 10
PROPOSED_AT_ONCE = 50
"""Architectures for as many batches of shared training: one of many costs a twentieth of one alone."""


class Search:
    """One search: shared networks, a strategy, beams and the history of every scored child.

    Work for `drive`. When it is done, `Ranking` samples and scores architectures to derive from.
    """

    def __init__(
        self, context: Context, run: Run, progress: Progress, subject: Subject | None = None
    ) -> None:
        """subject: what is searched; by default what a run searches first."""
        self.subject = subject = subject or Subject.first(context)
        self.settings = settings = context.settings
        self.options = options = settings.search
        self.data = context.data
        self.labels = context.labels
        self.judge = context.judge
        self.compute = compute = context.compute
        self.workload = context.workload
        self.run = run
        self.progress = progress
        self.space = subject.space
        self.iterations = subject.iterations
        self.strategy = make_strategy(options, self.space, subject.seed(settings.seed))
        costs = Costs(settings, context.classes, compute.device)
        self.within = WithinLimits(
            self.strategy,
            Limits(subject.generators, options.limits, costs),
            subject.seed(settings.seed),
            progress.note,
        )
        self.gan = shared_gan(context, subject)
        self.scorer = self._make_scorer(context)
        self.generator_losses = LossWindow(options.reset.window, compute.device)
        self.discriminator_losses = LossWindow(options.reset.window, compute.device)
        self.iteration = 0
        self.at = Position()
        self.steps = 0  # discriminator steps since the search began
        self.restarted_at = 0  # of these, those before the present weights were drawn
        self.schedule = Schedule(options, self.iterations * self.workload.shared_steps())
        self.beams: list[list[Child]] = []  # of every stage that has ended
        self.children = Children(self.scorer, self.gan, settings.seed, run.journal, progress)
        self.ranking: list[Child] = []
        self._enter_stage()

    def _make_scorer(self, context: Context) -> ChildScorer:
        """Of several processes where they are wanted; a pair needs the whole game, which is here."""
        options, subject = self.options, self.subject
        count = 1 if subject.probes else scorers_of(options, self.compute)
        make = ChildScorer if count == 1 else partial(SideBySide, count)
        scoring = Scoring(
            context.judge,
            options.reward_images,
            self.settings.evaluate.inception_splits,
            context.wanted_labels(options.reward_images, "reward/labels"),
        )
        latents = self.gan.streams.latents
        scorer = make(self.gan.generator, latents, scoring, self.compute, self.run.stopping.at_once)
        if subject.probes:
            scorer.probe = Probe(self.gan, options, self.run.stopping)
        return scorer

    @property
    def stage(self) -> int:
        """The present stage: children have stage + 1 cells."""
        return len(self.beams)

    @property
    def rung(self) -> Rung:
        """How children are scored now: at the present stage, with the shared weights, from the beams."""
        beams = self.beams[-1] if self.beams else []
        return Rung(self.stage, promoted=tuple(child.architecture for child in beams))

    def _enter_stage(self) -> None:
        """Real images at the stage's resolution, and where rewards need them their statistics."""
        size = self.settings.network.bottom_size << (self.stage + 1)
        images = self.data.resized(size).train
        self.batches = GameBatches(
            images.placed_on(self.compute.device).pixels,
            self.options,
            self.settings.seed,
            f"{self.subject.part}/stage{self.stage}",
            generator_sees_real=self.gan.objective.generator_sees_real,
            labels=self.labels,
        )
        if self.scorer.probe is not None:
            self.scorer.probe.batches = self.batches
        self._discriminator_cost = self.workload.discriminator_step(self.options, self.stage)
        self._generator_cost = self.workload.generator_step(self.options, self.stage)
        if self.options.reward == "frechet_distance":
            self.scorer.real = reference(
                self.judge, images, self.data.digest, default_cache_directory()
            )

    # The algorithm

    @property
    def done(self) -> bool:
        """Whether all iterations are done."""
        return self.iteration >= self.iterations

    def step(self) -> bool:
        """The next step of the algorithm; whether it ended an iteration."""
        if self.at.phase == SHARED_TRAINING:
            if not self._shared_training_has_ended():
                self.shared_training_step()
                return False
            self.at = Position(CONTROLLER, collapsed=self.at.collapsed)
        if self.at.phase == CONTROLLER:
            if self.at.step < self.options.controller_steps:
                self.controller_step()
                return False
            self.run.journal.log(
                IterationEnded(self.iteration, self.stage, self.steps, self.subject.line_part)
            )
            self.at = Position(GROWTH, collapsed=self.at.collapsed)
        if self.iteration + 1 in self.options.stage_starts(self.iterations):
            if not self.all_scored(lambda: self.distinct(self.options.candidates), "beam"):
                return False
            self.grow()
        last = self.iteration + 1 == self.iterations
        if self.at.collapsed and not last:
            self.reset()
        self.iteration += 1
        self.at = Position()
        return True

    def _shared_training_has_ended(self) -> bool:
        return self.at.step >= self.workload.shared_steps() or self.at.collapsed

    def shared_training_step(self) -> None:
        """Phase 1, controller fixed: one batch, with an architecture of its own."""
        every = self.options.discriminator_steps
        if self.at.step % 10 == 0:
            self._tell(f"shared training, step {self.at.step} of {self.workload.shared_steps()}")
        architecture = self._next_architecture()
        self.schedule.apply(self.gan, self.steps - self.restarted_at)
        loss = self.gan.discriminator_step(self.batches.next(), architecture)
        self.discriminator_losses.add(loss)
        self.steps += 1
        cost = self._discriminator_cost
        if self.steps % every == 0:
            generator_loss = self.gan.generator_step(
                self.options.generator_batch, architecture, self.batches.next_for_generator()
            )
            self.generator_losses.add(generator_loss)
            cost += self._generator_cost
            if self.steps % self.settings.log_every_steps < every:
                probability = self.gan.augmentation.learned_probability()
                losses = read_losses(
                    self.subject.part, self.steps, loss, generator_loss, self.stage, probability
                )
                self.run.journal.log(losses)
        self.progress.advance(cost)
        self.at.step += 1
        if self.steps % RESET_CHECK_EVERY_STEPS == 0:
            self.at.collapsed = self._game_has_collapsed()

    def _next_architecture(self) -> Architecture:
        """One architecture for one batch. Strategies learn nothing here, so they are drawn in blocks."""
        if not self.at.proposed:
            left = self.workload.shared_steps() - self.at.step
            purpose = f"{self.subject.part}/paths/{self.steps}"
            stream = random.Random(derived_seed(self.settings.seed, purpose))
            self.at.proposed = self.within.propose_for_training(
                min(PROPOSED_AT_ONCE, left), self.rung, self.children.observations, stream
            )
        return self.at.proposed.pop(0)

    def _game_has_collapsed(self) -> bool:
        """The test of the dynamic reset: one network's losses stand still (paper section 3.3)."""
        threshold = self.options.reset.threshold
        windows = (self.generator_losses, self.discriminator_losses)
        return any(window.collapsed(threshold) for window in windows)

    def controller_step(self) -> None:
        """Phase 2, shared weights fixed: score a sample, or let the strategy learn from all of them."""
        self._tell(f"controller, step {self.at.step} of {self.options.controller_steps}")
        samples = self.options.controller.samples_per_step
        if not self.all_scored(lambda: self._propose(samples), "controller"):
            return
        children = [child for child in self.at.scored if child is not None]
        if children:
            rewards = [child.reward for child in children]
            learned = self.strategy.learn_from_loss(self._loss_through, self.rung)
            metrics = self.strategy.observe(
                [self.children.observation(child) for child in children]
            )
            metrics = {"reward": sum(rewards) / len(rewards), **metrics, **learned}
            self.run.journal.log(
                StrategyUpdate(self.iteration, self.at.step, metrics, self.subject.line_part)
            )
        self.at = Position(CONTROLLER, self.at.step + 1, self.at.collapsed)

    def _loss_through(self, architecture: Architecture, gates: Mapping[str, Tensor]) -> Tensor:
        """The generator's loss as a function of gates, for strategies that learn from it."""
        real = self.batches.next_for_generator()
        return self.gan.loss_through(self.options.generator_batch, architecture, gates, real)

    def grow(self) -> None:
        """Keeps the K best of M candidates and goes on to the next stage.

        The shared weights stay; the cells and blocks that now come into play were drawn with them.
        """
        candidates = self.best_scored()
        promoted = self.strategy.promote(
            self.rung,
            [self.children.observation(child) for child in candidates],
            self.options.beams,
        )
        by_architecture = {child.architecture: child for child in candidates}
        kept = [by_architecture[architecture] for architecture in promoted]
        self.beams.append(kept)
        self._enter_stage()
        self.write_architectures()
        self.run.journal.log(Grown(self.iteration, self.stage, self.subject.line_part))
        beams = "1 beam" if len(kept) == 1 else f"{len(kept)} beams"
        self.progress.note(
            f"Stage {self.stage + 1} begins with {beams}; best: {kept[0].architecture} "
            f"(reward {kept[0].reward:.3f})"
        )

    def reset(self) -> None:
        """Fresh shared weights, optimisers and loss windows; the strategy keeps what it learned."""
        self.gan.restart()
        self.restarted_at = self.steps
        self.generator_losses.clear()
        self.discriminator_losses.clear()
        self.run.journal.log(WeightsReset(self.iteration, self.stage, self.subject.line_part))
        self.progress.note(f"Iteration {self.iteration}: the losses stood still; dynamic reset.")

    # Proposals and their scores

    def _propose(self, count: int) -> list[Architecture]:
        return self.within.propose(count, self.rung, self.children.observations)

    def distinct(self, count: int) -> list[Architecture]:
        """At most `count` architectures to be promoted or derived from, each once."""
        return self.within.candidates(count, self.rung, self.children.observations)

    def score(self, architecture: Architecture, purpose: str) -> Child | None:
        """Scores one child with the shared weights; None where it cannot be scored."""
        child = self.children.score(architecture, self.stage, self.iteration, purpose)
        if child is not None:
            images = self.options.reward_images
            self.progress.advance(self.workload.scoring(self.options, self.stage, images))
            if self.subject.probes:
                self.progress.advance(self.workload.probe(self.stage))
        return child

    def all_scored(self, propose: Callable[[], list[Architecture]], purpose: str) -> bool:
        """Whether all that `propose` gave is scored; if not, the next one is, and no more."""
        if not self.at.proposed:
            self.at.proposed = propose()
        number = len(self.at.scored)
        if number == len(self.at.proposed):
            return True
        if purpose != "controller":
            self._tell(f"scoring candidate {number + 1} of {len(self.at.proposed)}")
        self.scorer.look_ahead(self.at.proposed, number)
        self.at.scored.append(self.score(self.at.proposed[number], purpose))
        return False

    def best_scored(self) -> list[Child]:
        """The children that were scored last, best first; `UserError` where none could be."""
        children = [child for child in self.at.scored if child is not None]
        if not children:
            raise UserError(
                f"None of {len(self.at.proposed)} candidates could be scored; log.jsonl says why "
                '("failed").'
            )
        return sorted(children, key=lambda child: -child.reward)

    # What it tells, and its state

    def write_architectures(self) -> None:
        """Writes architectures.json: the beams of every ended stage, and the final ranking.

        Of a search after the first one under "pairs", beside what stands there.
        """
        found: dict[str, Any] = {
            "stages": [[_described(child) for child in beams] for beams in self.beams],
            "ranking": [_described(child) for child in self.ranking],
            "scored": len(self.children.history),
            "failed": len(self.children.failures),
        }
        if self.subject.part != SEARCH:
            found = {**self.run.read(ARCHITECTURES), "pairs": found}
        self.run.write(ARCHITECTURES, found)

    def _tell(self, what: str) -> None:
        self.progress.status(
            f"stage {self.stage + 1} of {self.settings.cells}, iteration {self.iteration + 1} of "
            f"{self.iterations}: {what}"
        )

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        return {
            "iteration": self.iteration,
            "at": self.at.state_dict(),
            "steps": self.steps,
            "restarted_at": self.restarted_at,
            "gan": self.gan.state_dict(),
            "strategy": self.strategy.state_dict(),
            "generator_losses": self.generator_losses.state_dict(),
            "discriminator_losses": self.discriminator_losses.state_dict(),
            "batches": self.batches.state_dict(),
            "beams": [[to_plain(child) for child in beams] for beams in self.beams],
            **self.children.state_dict(),
            "ranking": [to_plain(child) for child in self.ranking],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes back to a state that `state_dict` gave."""
        self.iteration = state["iteration"]
        self.at = Position.of(state["at"])
        self.steps = state["steps"]
        self.restarted_at = state.get("restarted_at", 0)  # 0.1.0 had no schedules
        self.gan.load_state_dict(state["gan"])
        self.strategy.load_state_dict(state["strategy"])
        self.generator_losses.load_state_dict(state["generator_losses"])
        self.discriminator_losses.load_state_dict(state["discriminator_losses"])
        self.beams = [[from_plain(Child, c) for c in beams] for beams in state["beams"]]
        self._enter_stage()
        self.batches.load_state_dict(state["batches"])
        self.children.load_state_dict(state)
        self.ranking = [from_plain(Child, child) for child in state["ranking"]]

    def position(self) -> dict[str, Any]:
        """Iterations that are done, and where in the next one the search stands."""
        return {"iteration": self.iteration, "phase": self.at.phase, "step": self.at.step}

    def refuse_non_finite(self) -> None:
        """Raises `Diverged` where the shared weights are no finite numbers any more."""
        self.gan.refuse_non_finite()

    def reseed(self, attempt: int) -> None:
        """Other latents from here on."""
        self.gan.streams.latents.reseed(attempt)


def _described(child: Child) -> dict[str, Any]:
    return {**to_plain(child), "vector": child.architecture.to_vector()}
