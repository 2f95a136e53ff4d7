"""The search: multi-level architecture search with parameter sharing (paper algorithm 1).

    for every iteration:
        1. train the shared weights, an architecture from the controller for every batch
        2. train the controller, the reward of a child being its inception score
        at a stage boundary: keep the best beams, grow both networks by a cell, start a new controller
        if the adversarial game collapsed in 1: fresh shared weights, the controller keeps what it knows

Growth comes before the reset, so that beams are never chosen with weights just drawn. Where the
authors' program has faults (docs/method.md lists them), this follows the paper.
"""

import time
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from autogan.gan import Gan, generate, latent_batches
from autogan.ground import Ground
from autogan.images.batches import Batches
from autogan.judges import inception_score
from autogan.nets.discriminator import Discriminator
from autogan.nets.generator import Generator
from autogan.progress import Progress
from autogan.runs import Run
from autogan.space import Architecture, SearchSpace
from autogan.strategies import make_strategy

RESET_CHECK_EVERY_STEPS = 10


@dataclass(frozen=True)
class Child:
    """An architecture that was scored with the shared weights.

    purpose: "controller" (a reward), "beam" (at the end of a stage) or "derive" (at the very end).
    reward: inception score of its images; seconds: what scoring it took.
    """

    architecture: str
    stage: int
    iteration: int
    purpose: str
    reward: float
    seconds: float


class LossWindow:
    """The latest losses of one network; tells when its game has ended (paper section 3.3)."""

    def __init__(self, size: int, device: torch.device) -> None:
        self._losses = torch.zeros(size, device=device)
        self._count = 0

    def add(self, loss: Tensor) -> None:
        """Takes one more loss, a scalar that stays on its device."""
        self._losses[self._count % len(self._losses)] = loss
        self._count += 1

    def collapsed(self, threshold: float) -> bool:
        """Whether the window is full and its standard deviation lies below `threshold`."""
        full = self._count >= len(self._losses)
        return full and self._losses.std(correction=0).item() < threshold

    def clear(self) -> None:
        """Forgets all losses."""
        self._count = 0

    def state_dict(self) -> dict[str, Any]:
        """The losses and how many were ever taken."""
        return {"losses": self._losses, "count": self._count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes back to a state that `state_dict` gave."""
        self._losses.copy_(state["losses"])
        self._count = state["count"]


class Search:
    """One search: shared networks, a strategy, beams and the history of every scored child.

    `run_all` searches to the end; `candidates` then samples and scores architectures to derive from.
    """

    def __init__(self, ground: Ground, run: Run, progress: Progress) -> None:
        self.settings = settings = ground.settings
        self.search = settings.search
        self.data = ground.data
        self.judge = ground.judge
        self.compute = compute = ground.compute
        self.work = ground.work
        self.run = run
        self.progress = progress
        self.space = SearchSpace.autogan(settings.cells)
        self.strategy = make_strategy(self.search, self.space, settings.seed)
        self.gan = Gan(
            Generator(
                self.space,
                latent_size=settings.network.latent_size,
                channels=self.search.generator_channels,
                bottom_size=settings.network.bottom_size,
            ),
            Discriminator(settings.cells, self.search.discriminator_channels),
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
        self.steps = 0  # discriminator steps since the search began
        self.beams: list[list[Child]] = []  # of every stage that has ended
        self.history: list[Child] = []
        self.batches = self._stage_batches()

    @property
    def stage(self) -> int:
        """The present stage: children have stage + 1 cells."""
        return self.strategy.stage

    def _stage_batches(self) -> Batches:
        size = self.settings.network.bottom_size << (self.stage + 1)
        pixels = self.data.resized(size).train.pixels.to(self.compute.device)
        purpose = f"search/stage{self.stage}"
        return Batches(pixels, self.search.discriminator_batch, self.settings.seed, purpose)

    def run_all(self) -> None:
        """Searches from the present iteration to the last, with a checkpoint after each."""
        starts = self.search.stage_starts()
        while self.iteration < self.search.iterations:
            collapsed = self.train_shared_weights()
            self.train_controller()
            last = self.iteration + 1 == self.search.iterations
            if self.iteration + 1 in starts:
                self.grow()
            if collapsed and not last:
                self.reset()
            self.iteration += 1
            self.run.save_checkpoint("search", self.iteration, self.state_dict())

    def train_shared_weights(self) -> bool:
        """Phase 1, controller fixed: an architecture for every batch. Whether the game collapsed."""
        every = self.search.discriminator_steps
        for step in range(self.work.shared_steps()):
            if step % 10 == 0:
                self._doing(f"shared training, step {step} of {self.work.shared_steps()}")
            (architecture,) = self.strategy.propose(1)
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
            self.progress.spent(spent)
            if self.steps % RESET_CHECK_EVERY_STEPS == 0 and self._collapsed():
                return True
        return False

    def _collapsed(self) -> bool:
        threshold = self.search.reset.threshold
        return self.generator_losses.collapsed(threshold) or self.discriminator_losses.collapsed(
            threshold
        )

    def train_controller(self) -> None:
        """Phase 2, shared weights fixed: sample, score, and let the strategy learn."""
        for step in range(self.search.controller_steps):
            self._doing(f"controller, step {step} of {self.search.controller_steps}")
            architectures = self.strategy.propose(self.search.controller.samples_per_step)
            rewards = [self.score(a, "controller").reward for a in architectures]
            figures = self.strategy.observe(architectures, rewards)
            number = self.iteration * self.search.controller_steps + step
            self.run.log("controller", iteration=self.iteration, step=step, **figures)
            self.run.curve("search/reward", sum(rewards) / len(rewards), number)
            for name, value in figures.items():
                self.run.curve(f"search/{name}", value, number)

    def score(self, architecture: Architecture, purpose: str) -> Child:
        """Scores one child with the shared weights, and remembers it.

        Its BatchNorm layers use the statistics of its own images: the running ones are shared by
        all paths through the generator.
        """
        began = time.monotonic()
        judgement = self.judge.judge_all(
            generate(self.gan.generator, latents, self.compute, architecture, batch_statistics=True)
            for latents in latent_batches(self.search.reward_images, self.gan.latents)
        )
        reward = inception_score(judgement.probabilities, self.settings.evaluate.inception_splits)
        seconds = round(time.monotonic() - began, 3)
        child = Child(str(architecture), self.stage, self.iteration, purpose, reward.mean, seconds)
        self.history.append(child)
        self.run.log("child", **asdict(child))
        self.progress.figure("reward", child.reward)
        self.progress.spent(self.work.scoring(self.search, self.stage, self.search.reward_images))
        return child

    def candidates(self, count: int, purpose: str) -> list[Child]:
        """`count` distinct architectures from the policy, scored, best first.

        A policy that has settled may know fewer: after 20 × count samples what was found is taken.
        """
        distinct: dict[Architecture, None] = {}
        for _ in range(20 * count):
            distinct.setdefault(self.strategy.propose(1)[0])
            if len(distinct) == count:
                break
        children = []
        for number, architecture in enumerate(distinct):
            self._doing(f"scoring candidate {number + 1} of {len(distinct)}")
            children.append(self.score(architecture, purpose))
        return sorted(children, key=lambda child: -child.reward)

    def grow(self) -> None:
        """Keeps the K best of M candidates and goes on to the next stage.

        The shared weights stay; the cells and blocks that now come into play were drawn with them.
        """
        kept = self.candidates(self.search.candidates, "beam")[: self.search.beams]
        self.beams.append(kept)
        self.strategy.grow([Architecture.parse(child.architecture) for child in kept])
        self.batches = self._stage_batches()
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

    def write_architectures(self, ranking: list[Child] | None = None) -> None:
        """Writes architectures.json: the beams of every ended stage, and the final ranking."""
        self.run.write(
            "architectures.json",
            {
                "stages": [[_described(child) for child in beams] for beams in self.beams],
                "ranking": [_described(child) for child in ranking or []],
                "scored": len(self.history),
            },
        )

    def _log_losses(self, discriminator_loss: Tensor, generator_loss: Tensor) -> None:
        losses = {
            "discriminator_loss": discriminator_loss.item(),
            "generator_loss": generator_loss.item(),
        }
        self.run.log("losses", part="search", step=self.steps, stage=self.stage, **losses)
        for name, value in losses.items():
            self.run.curve(f"search/{name}", value, self.steps)

    def _doing(self, what: str) -> None:
        self.progress.doing(
            f"stage {self.stage + 1} of {len(self.space)}, iteration {self.iteration + 1} of "
            f"{self.search.iterations}: {what}"
        )

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next iteration depends on."""
        return {
            "iteration": self.iteration,
            "steps": self.steps,
            "gan": self.gan.state_dict(),
            "strategy": self.strategy.state_dict(),
            "generator_losses": self.generator_losses.state_dict(),
            "discriminator_losses": self.discriminator_losses.state_dict(),
            "batches": self.batches.state_dict(),
            "beams": [[asdict(child) for child in beams] for beams in self.beams],
            "history": [asdict(child) for child in self.history],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes back to a state that `state_dict` gave."""
        self.iteration = state["iteration"]
        self.steps = state["steps"]
        self.gan.load_state_dict(state["gan"])
        self.strategy.load_state_dict(state["strategy"])
        self.generator_losses.load_state_dict(state["generator_losses"])
        self.discriminator_losses.load_state_dict(state["discriminator_losses"])
        self.batches = self._stage_batches()
        self.batches.load_state_dict(state["batches"])
        self.beams = [[Child(**child) for child in beams] for beams in state["beams"]]
        self.history = [Child(**child) for child in state["history"]]


def _described(child: Child) -> dict[str, Any]:
    return {**asdict(child), "vector": Architecture.parse(child.architecture).to_vector()}
