"""The search: multi-level architecture search with parameter sharing (paper algorithm 1).

    for every iteration:
        1. train the shared weights, an architecture from the controller for every batch
        2. train the controller, the reward of a child being its inception score (of images without
           classes: the negative Fréchet distance to real ones)
        at a stage boundary: keep the best beams, grow both networks by a cell, start a new controller
        if the adversarial game collapsed in 1: fresh shared weights, the controller keeps what it knows

Where in this it stands is a value (`Position`), and between two steps the state is whole: it is kept
now and then, and an interrupted search goes on from there exactly.

Growth comes before the reset, so that beams are never chosen with weights just drawn. Where the
authors' program has faults (docs/method.md lists them), this follows the paper.
"""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from torch import Tensor

from autogan.basics.errors import Diverged, UserError
from autogan.gan.generation import generate, latent_batches
from autogan.gan.step import Gan
from autogan.images import default_cache_directory
from autogan.images.batches import Batches
from autogan.judges import (
    FeatureStatistics,
    Judgement,
    frechet_distance,
    inception_score,
    reference,
)
from autogan.method.context import Context
from autogan.method.dynamic_reset import LossWindow
from autogan.progress.base import Progress
from autogan.runs.folder import Run
from autogan.runs.stopping import Stopped
from autogan.spaces import search_space
from autogan.spaces.architecture import Architecture
from autogan.strategies import make_strategy

RESET_CHECK_EVERY_STEPS = 10
PROPOSED_AT_ONCE = 50
"""Architectures for as many batches of shared training: one of many costs a twentieth of one alone."""


@dataclass(frozen=True)
class Child:
    """An architecture that was scored with the shared weights.

    purpose: "controller" (a reward), "beam" (at the end of a stage) or "derive" (at the very end).
    reward: inception score of its images, or their negative Fréchet distance to real images of the
    stage's resolution (`search.reward`); seconds: what scoring it took.
    """

    architecture: str
    stage: int
    iteration: int
    purpose: str
    reward: float
    seconds: float


@dataclass
class Position:
    """Where inside an iteration a search stands.

    phase: "shared training", "controller", "growth", or "ranking" once all iterations are done.
    step: steps of the phase that are done. collapsed: whether the game of this iteration's shared
    training has ended.
    proposed: architectures that are being scored now, or that the next batches of shared training
    take; scored: the first of those, None for one that could not be.
    """

    phase: str = "shared training"
    step: int = 0
    collapsed: bool = False
    proposed: list[Architecture] = field(default_factory=list)
    scored: list[Child | None] = field(default_factory=list)

    def state_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "phase": self.phase,
            "step": self.step,
            "collapsed": self.collapsed,
            "proposed": [str(architecture) for architecture in self.proposed],
            "scored": [asdict(child) if child else None for child in self.scored],
        }

    @classmethod
    def of(cls, state: dict[str, Any]) -> "Position":
        """The position that `state_dict` described."""
        return cls(
            state["phase"],
            state["step"],
            state["collapsed"],
            [Architecture.parse(text) for text in state["proposed"]],
            [Child(**child) if child else None for child in state["scored"]],
        )


class Search:
    """One search: shared networks, a strategy, beams and the history of every scored child.

    `run_all` searches to the end; `rank` then samples and scores architectures to derive from.
    """

    def __init__(self, context: Context, run: Run, progress: Progress) -> None:
        self.settings = settings = context.settings
        self.search = settings.search
        self.data = context.data
        self.judge = context.judge
        self.compute = compute = context.compute
        self.work = context.work
        self.run = run
        self.progress = progress
        self.space = search_space("autogan", settings.cells)
        self.strategy = make_strategy(self.search, self.space, settings.seed)
        self.gan = Gan(
            self.space.generator(
                latent_size=settings.network.latent_size,
                channels=self.search.generator_channels,
                bottom_size=settings.network.bottom_size,
            ),
            self.space.discriminator(self.search.discriminator_channels),
            learning_rate=self.search.learning_rate,
            betas=self.search.betas,
            compute=compute,
            seed=settings.seed,
            purpose="search",
        )
        window = self.search.reset.window
        self.generator_losses = LossWindow(window, compute.device)
        self.discriminator_losses = LossWindow(window, compute.device)
        self.iteration = 0
        self.at = Position()
        self.steps = 0  # discriminator steps since the search began
        self.beams: list[list[Child]] = []  # of every stage that has ended
        self.history: list[Child] = []
        self.failed = 0  # children that could not be scored
        self.ranking: list[Child] = []
        self._enter_stage()

    @property
    def stage(self) -> int:
        """The present stage: children have stage + 1 cells."""
        return self.strategy.stage

    def _enter_stage(self) -> None:
        """Real images at the stage's resolution, and where rewards need them their statistics."""
        size = self.settings.network.bottom_size << (self.stage + 1)
        images = self.data.resized(size).train
        self.batches = Batches(
            images.placed_on(self.compute.device).pixels,
            self.search.discriminator_batch,
            self.settings.seed,
            f"search/stage{self.stage}",
        )
        if self.search.reward == "frechet_distance":
            self.real = reference(self.judge, images, self.data.digest, default_cache_directory())

    def run_all(self) -> None:
        """Searches to the last iteration, from the run's newest checkpoint where there is one."""
        self.run.carry("search", self, self._search)

    def _search(self) -> None:
        starts = self.search.stage_starts()
        while self.iteration < self.search.iterations:
            if self.at.phase == "shared training":
                self.train_shared_weights()
            if self.at.phase == "controller":
                self.train_controller()
            last = self.iteration + 1 == self.search.iterations
            if self.iteration + 1 in starts:
                self.grow()
            if self.at.collapsed and not last:
                self.reset()
            self.iteration += 1
            self.at = Position()
            self.run.step_done(keep=True)

    def train_shared_weights(self) -> None:
        """Phase 1, controller fixed: an architecture for every batch, until the game collapses."""
        while self.at.step < self.work.shared_steps() and not self.at.collapsed:
            if self.at.step % 10 == 0:
                self._doing(f"shared training, step {self.at.step} of {self.work.shared_steps()}")
            self._shared_step()
            self.at.step += 1
            if self.steps % RESET_CHECK_EVERY_STEPS == 0:
                self.at.collapsed = self._collapsed()
            self.run.step_done()
        self.at = Position("controller", collapsed=self.at.collapsed)

    def _next_architecture(self) -> Architecture:
        """One sample for one batch. The controller learns nothing here, so they are drawn in blocks."""
        if not self.at.proposed:
            left = self.work.shared_steps() - self.at.step
            self.at.proposed = self.strategy.propose(min(PROPOSED_AT_ONCE, left))
        return self.at.proposed.pop(0)

    def _shared_step(self) -> None:
        every = self.search.discriminator_steps
        architecture = self._next_architecture()
        loss = self.gan.discriminator_step(self.batches.next(), architecture)
        self.discriminator_losses.add(loss)
        self.steps += 1
        spent = self.work.discriminator_step(self.search, self.stage)
        if self.steps % every == 0:
            generator_loss = self.gan.generator_step(self.search.generator_batch, architecture)
            self.generator_losses.add(generator_loss)
            spent += self.work.generator_step(self.search, self.stage)
            if self.steps % self.settings.log_every_steps < every:
                self._log_losses(loss, generator_loss)
        self.progress.advance(spent)

    def _collapsed(self) -> bool:
        threshold = self.search.reset.threshold
        return self.generator_losses.collapsed(threshold) or self.discriminator_losses.collapsed(
            threshold
        )

    def train_controller(self) -> None:
        """Phase 2, shared weights fixed: sample, score, and let the strategy learn."""
        samples = self.search.controller.samples_per_step
        while self.at.step < self.search.controller_steps:
            self._doing(f"controller, step {self.at.step} of {self.search.controller_steps}")
            children = self._scored(lambda: self.strategy.propose(samples), "controller")
            self._learn(children)
            self.at = Position("controller", self.at.step + 1, self.at.collapsed)
            self.run.step_done()
        self.run.log("iteration", iteration=self.iteration, stage=self.stage, steps=self.steps)
        self.at = Position("growth", collapsed=self.at.collapsed)

    def _learn(self, children: list[Child]) -> None:
        if not children:
            return
        rewards = [child.reward for child in children]
        architectures = [Architecture.parse(child.architecture) for child in children]
        figures = self.strategy.observe(architectures, rewards)
        figures = {"reward": sum(rewards) / len(rewards), **figures}
        self.run.log("controller", iteration=self.iteration, step=self.at.step, **figures)

    def _scored(self, propose: Callable[[], list[Architecture]], purpose: str) -> list[Child]:
        """Scores what `propose` gives, or what it gave before an interruption; one child a step.

        Those that could not be scored are left out.
        """
        if not self.at.proposed:
            self.at.proposed = propose()
        while len(self.at.scored) < len(self.at.proposed):
            number = len(self.at.scored)
            if purpose != "controller":
                self._doing(f"scoring candidate {number + 1} of {len(self.at.proposed)}")
            self.at.scored.append(self.score(self.at.proposed[number], purpose))
            self.run.step_done()
        return [child for child in self.at.scored if child is not None]

    def score(self, architecture: Architecture, purpose: str) -> Child | None:
        """Scores one child with the shared weights, and remembers it; None where it cannot be scored.

        Its BatchNorm layers use the statistics of its own images: the running ones are shared by
        all paths through the generator.
        """
        began = time.monotonic()
        try:
            reward = self.reward(self._judgement(architecture))
        except (UserError, ArithmeticError) as error:
            self.gan.refuse_non_finite()  # then it is not this child's fault
            self._log_failure(architecture, purpose, str(error))
            return None
        seconds = round(time.monotonic() - began, 3)
        child = Child(str(architecture), self.stage, self.iteration, purpose, reward, seconds)
        self.history.append(child)
        self.run.log("child", **asdict(child))
        self.progress.metric("reward", child.reward)
        self.progress.advance(self.work.scoring(self.search, self.stage, self.search.reward_images))
        return child

    def _judgement(self, architecture: Architecture) -> Judgement:
        """What the judge says of a child's images. A request to stop need not wait for it."""
        before = self.gan.latents_state()
        try:
            with self.run.stopping.at_once():
                return self.judge.judge_all(
                    generate(
                        self.gan.generator,
                        latents,
                        self.compute,
                        architecture,
                        batch_statistics=True,
                    )
                    for latents in latent_batches(self.search.reward_images, self.gan.latents)
                )
        except Stopped:
            self.gan.set_latents_state(before)
            raise

    def _log_failure(self, architecture: Architecture, purpose: str, reason: str) -> None:
        self.failed += 1
        self.run.log(
            "failed",
            architecture=str(architecture),
            stage=self.stage,
            iteration=self.iteration,
            purpose=purpose,
            reason=reason,
        )
        self.progress.note(f"{architecture} could not be scored: {reason}")

    def reward(self, judgement: Judgement) -> float:
        """What `search.reward` says; higher is better."""
        if self.search.reward == "frechet_distance":
            statistics = FeatureStatistics.from_features(judgement.features)
            reward = -frechet_distance(statistics, self.real.statistics)
        else:
            splits = self.settings.evaluate.inception_splits
            reward = inception_score(judgement.probabilities, splits).mean
        if not math.isfinite(reward):
            raise FloatingPointError(f"its reward is {reward}")
        return reward

    def candidates(self, count: int, purpose: str) -> list[Child]:
        """`count` distinct architectures from the policy, scored, best first.

        Raises `UserError` where none could be scored.
        """
        children = self._scored(lambda: self._distinct(count), purpose)
        if not children:
            raise UserError(
                f"None of {len(self.at.proposed)} candidates could be scored; log.jsonl says why "
                '("failed").'
            )
        return sorted(children, key=lambda child: -child.reward)

    def _distinct(self, count: int) -> list[Architecture]:
        """Proposals of the policy. One that has settled may know fewer than `count`: after 20 times
        as many samples what was found is taken."""
        distinct: dict[Architecture, None] = {}
        for _ in range(20 * count):
            distinct.setdefault(self.strategy.propose(1)[0])
            if len(distinct) == count:
                break
        return list(distinct)

    def rank(self) -> list[Child]:
        """The candidates to derive from, of the policy that all iterations taught, best first.

        Its states are a part of their own: the last one of the search stays as the search left it.
        """
        if not self.ranking:
            self.run.carry("ranking", self, self._rank)
        return self.ranking

    def _rank(self) -> None:
        if not self.ranking:
            self.at.phase = "ranking"
            self.ranking = self.candidates(self.settings.derive.candidates, "derive")
            self.run.step_done(keep=True)

    def grow(self) -> None:
        """Keeps the K best of M candidates and goes on to the next stage.

        The shared weights stay; the cells and blocks that now come into play were drawn with them.
        """
        kept = self.candidates(self.search.candidates, "beam")[: self.search.beams]
        self.beams.append(kept)
        self.strategy.grow([Architecture.parse(child.architecture) for child in kept])
        self._enter_stage()
        self.write_architectures()
        self.run.log("grow", iteration=self.iteration, stage=self.stage)
        self.progress.note(
            f"Stage {self.stage + 1} begins with {len(kept)} beams; best: {kept[0].architecture} "
            f"(reward {kept[0].reward:.3f})"
        )

    def reset(self) -> None:
        """Fresh shared weights, optimisers and loss windows; the strategy keeps what it learned."""
        self.gan.restart()
        self.generator_losses.clear()
        self.discriminator_losses.clear()
        self.run.log("reset", iteration=self.iteration, stage=self.stage)
        self.progress.note(f"Iteration {self.iteration}: the losses stood still; dynamic reset.")

    def write_architectures(self) -> None:
        """Writes architectures.json: the beams of every ended stage, and the final ranking."""
        self.run.write(
            "architectures.json",
            {
                "stages": [[_described(child) for child in beams] for beams in self.beams],
                "ranking": [_described(child) for child in self.ranking],
                "scored": len(self.history),
                "failed": self.failed,
            },
        )

    def _log_losses(self, discriminator_loss: Tensor, generator_loss: Tensor) -> None:
        losses = {
            "discriminator_loss": discriminator_loss.item(),
            "generator_loss": generator_loss.item(),
        }
        if not all(map(math.isfinite, losses.values())):
            raise Diverged(f"The search's training went wrong in step {self.steps}: {losses}.")
        self.run.log("losses", part="search", step=self.steps, stage=self.stage, **losses)

    def _doing(self, what: str) -> None:
        self.progress.status(
            f"stage {self.stage + 1} of {self.space.stages}, iteration {self.iteration + 1} of "
            f"{self.search.iterations}: {what}"
        )

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        return {
            "iteration": self.iteration,
            "at": self.at.state_dict(),
            "steps": self.steps,
            "gan": self.gan.state_dict(),
            "strategy": self.strategy.state_dict(),
            "generator_losses": self.generator_losses.state_dict(),
            "discriminator_losses": self.discriminator_losses.state_dict(),
            "batches": self.batches.state_dict(),
            "beams": [[asdict(child) for child in beams] for beams in self.beams],
            "history": [asdict(child) for child in self.history],
            "failed": self.failed,
            "ranking": [asdict(child) for child in self.ranking],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes back to a state that `state_dict` gave."""
        self.iteration = state["iteration"]
        self.at = Position.of(state["at"])
        self.steps = state["steps"]
        self.gan.load_state_dict(state["gan"])
        self.strategy.load_state_dict(state["strategy"])
        self.generator_losses.load_state_dict(state["generator_losses"])
        self.discriminator_losses.load_state_dict(state["discriminator_losses"])
        self._enter_stage()
        self.batches.load_state_dict(state["batches"])
        self.beams = [[Child(**child) for child in beams] for beams in state["beams"]]
        self.history = [Child(**child) for child in state["history"]]
        self.failed = state["failed"]
        self.ranking = [Child(**child) for child in state["ranking"]]

    def position(self) -> dict[str, Any]:
        """Iterations that are done, and where in the next one the search stands."""
        return {"iteration": self.iteration, "phase": self.at.phase, "step": self.at.step}

    def refuse_non_finite(self) -> None:
        """Raises `Diverged` where the shared weights are no finite numbers any more."""
        self.gan.refuse_non_finite()

    def reseed(self, attempt: int) -> None:
        """Other latents from here on."""
        self.gan.reseed(attempt)


def _described(child: Child) -> dict[str, Any]:
    return {**asdict(child), "vector": Architecture.parse(child.architecture).to_vector()}
