"""Training one architecture from scratch (paper section 4)."""

from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor

from autogan.evaluate import judge_generator
from autogan.gan import Gan
from autogan.ground import Ground
from autogan.images.batches import Batches
from autogan.judges import FeatureStatistics, frechet_distance, inception_score
from autogan.nets.discriminator import Discriminator
from autogan.nets.generator import Generator
from autogan.progress import Progress
from autogan.randomness import torch_generator
from autogan.runs import Run
from autogan.space import Architecture, SearchSpace


@dataclass(frozen=True)
class Validation:
    """Scores of the averaged generator on the validation latents after some generator steps."""

    generator_steps: int
    inception_score: float
    frechet_distance: float

    def better_than(self, other: "Validation | None", metric: str) -> bool:
        """Whether this one is preferred: a higher inception score or a lower Fréchet distance."""
        if other is None:
            return True
        mine, theirs = getattr(self, metric), getattr(other, metric)
        return bool(mine > theirs if metric == "inception_score" else mine < theirs)


class Training:
    """From fresh weights to the averaged generator that validated best.

    name: names the random streams, the checkpoints and the log lines, e.g. "train", "candidate-0".
    """

    def __init__(
        self,
        architecture: Architecture,
        generator_steps: int,
        name: str,
        ground: Ground,
        run: Run,
        progress: Progress,
    ) -> None:
        self.architecture = architecture
        self.generator_steps = generator_steps
        self.name = name
        self.ground = ground
        self.settings = settings = ground.settings.train
        self.run = run
        self.progress = progress
        self.gan = Gan(
            self._new_generator(),
            Discriminator(ground.settings.cells, settings.discriminator_channels),
            learning_rate=settings.learning_rate,
            betas=settings.betas,
            compute=ground.compute,
            seed=ground.settings.seed,
            purpose=name,
            average_decay=settings.average_decay,
        )
        self.batches = Batches(
            ground.data.train.pixels.to(ground.compute.device),
            settings.discriminator_batch,
            ground.settings.seed,
            name,
        )
        self.step = 0  # generator steps done
        self.validations: list[Validation] = []
        self.best: Validation | None = None
        self.best_state: dict[str, Tensor] = {}

    def _new_generator(self) -> Generator:
        return Generator(
            SearchSpace.only(self.architecture),
            latent_size=self.ground.settings.network.latent_size,
            channels=self.settings.generator_channels,
            bottom_size=self.ground.settings.network.bottom_size,
        )

    def run_all(self) -> Generator:
        """Trains from the present step to the last; the averaged generator that validated best."""
        stage = len(self.architecture) - 1
        step_work = self.ground.work.generator_step(self.settings, stage)
        step_work += self.settings.discriminator_steps * self.ground.work.discriminator_step(
            self.settings, stage
        )
        while self.step < self.generator_steps:
            self.gan.set_learning_rate(self.learning_rate_factor())
            for _ in range(self.settings.discriminator_steps):
                loss = self.gan.discriminator_step(self.batches.next(), self.architecture)
            generator_loss = self.gan.generator_step(
                self.settings.generator_batch, self.architecture
            )
            self.step += 1
            self.progress.spent(step_work)
            if self.step % 10 == 0:
                self.progress.doing(f"{self.name}: step {self.step} of {self.generator_steps}")
            log_every = max(
                1, self.run.settings.log_every_steps // self.settings.discriminator_steps
            )
            if self.step % log_every == 0:
                self._log_losses(loss, generator_loss)
            last = self.step == self.generator_steps
            if last or self.step % self.settings.validate_every_steps == 0:
                self.validate()
                self.run.save_checkpoint(self.name, self.step, self.state_dict())
        best = self._new_generator()
        best.load_state_dict(self.best_state)
        return self.ground.compute.place(best.eval())

    def learning_rate_factor(self) -> float:
        """1, or with linear decay a ramp from 1 to 0 over the second half of the training."""
        if not self.settings.linear_decay:
            return 1.0
        return min(1.0, 2 * (1 - self.step / self.generator_steps))

    def validate(self) -> None:
        """Scores the averaged generator on the validation latents, always the same ones."""
        assert self.gan.average is not None
        averaged = self._new_generator()
        averaged.load_state_dict(self.gan.average.state_dict())
        self.progress.doing(f"{self.name}: validation after {self.step} steps")
        judgement = judge_generator(
            averaged,
            self.ground,
            self.settings.validation_images,
            torch_generator(self.ground.settings.seed, "validation/latents"),
        )
        splits = self.ground.settings.evaluate.inception_splits
        validation = Validation(
            self.step,
            inception_score(judgement.probabilities, splits).mean,
            frechet_distance(
                FeatureStatistics.from_features(judgement.features),
                self.ground.reference.statistics,
            ),
        )
        self.validations.append(validation)
        if validation.better_than(self.best, self.ground.settings.derive.metric):
            self.best = validation
            self.best_state = {k: v.clone() for k, v in self.gan.average.state_dict().items()}
        self.run.log("validation", part=self.name, **asdict(validation))
        for name in ("inception_score", "frechet_distance"):
            self.run.curve(f"{self.name}/{name}", getattr(validation, name), self.step)
            self.progress.figure(name, getattr(validation, name))
        last = len(self.architecture) - 1
        images = self.settings.validation_images
        self.progress.spent(self.ground.work.scoring(self.settings, last, images))

    def _log_losses(self, discriminator_loss: Tensor, generator_loss: Tensor) -> None:
        losses = {
            "discriminator_loss": discriminator_loss.item(),
            "generator_loss": generator_loss.item(),
        }
        self.run.log("losses", part=self.name, step=self.step, **losses)
        for name, value in losses.items():
            self.run.curve(f"{self.name}/{name}", value, self.step)

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        return {
            "step": self.step,
            "gan": self.gan.state_dict(),
            "batches": self.batches.state_dict(),
            "validations": [asdict(validation) for validation in self.validations],
            "best": asdict(self.best) if self.best else None,
            "best_state": self.best_state,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes back to a state that `state_dict` gave."""
        self.step = state["step"]
        self.gan.load_state_dict(state["gan"])
        self.batches.load_state_dict(state["batches"])
        self.validations = [Validation(**validation) for validation in state["validations"]]
        self.best = Validation(**state["best"]) if state["best"] else None
        self.best_state = {
            k: v.to(self.ground.compute.device) for k, v in state["best_state"].items()
        }


def train(
    architecture: Architecture,
    generator_steps: int,
    name: str,
    ground: Ground,
    run: Run,
    progress: Progress,
) -> tuple[Generator, Training]:
    """Trains one architecture, from its latest checkpoint in the run's folder if there is one."""
    training = Training(architecture, generator_steps, name, ground, run, progress)
    state = run.load_checkpoint(name)
    if state is not None:
        training.load_state_dict(state)
    return training.run_all(), training
