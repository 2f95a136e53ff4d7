"""Training one architecture from scratch (paper section 4)."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor

from autogan.basics.errors import Diverged
from autogan.basics.randomness import torch_generator
from autogan.gan.step import Gan
from autogan.images.batches import Batches
from autogan.judges import FeatureStatistics, frechet_distance, inception_score
from autogan.method.context import Context
from autogan.method.evaluate import judge_generator
from autogan.progress.base import Progress
from autogan.runs.folder import Run
from autogan.spaces.architecture import Architecture
from autogan.spaces.networks import Generator
from autogan.spaces.space import SearchSpace

COLLAPSED_SPREAD = 1e-3
"""Below this share of the real images' variance, a generator makes one image over and over."""


@dataclass(frozen=True)
class Validation:
    """Scores of the averaged generator on the validation latents after some generator steps."""

    generator_steps: int
    inception_score: float | None
    """None: the judge knows no classes."""
    frechet_distance: float
    spread: float | None = None
    """Total variance of the judge's features of its images, as a share of that of the training
    images; None in files of before it was measured."""

    @property
    def collapsed(self) -> bool:
        """Whether the generator makes one image over and over."""
        return self.spread is not None and self.spread < COLLAPSED_SPREAD

    def better_than(self, other: "Validation | None", metric: str) -> bool:
        """Whether this one is preferred: a higher inception score or a lower Fréchet distance."""
        if other is None:
            return True
        mine, theirs = getattr(self, metric), getattr(other, metric)
        return bool(mine > theirs if metric == "inception_score" else mine < theirs)


def validation_of(generator: Generator, generator_steps: int, context: Context) -> Validation:
    """Scores on the validation latents, always the same ones, which the final scores never use."""
    judgement = judge_generator(
        generator,
        context,
        context.settings.train.validation_images,
        torch_generator(context.settings.seed, "validation/latents"),
    )
    splits = context.settings.evaluate.inception_splits
    knows_classes = context.judge.class_count > 0
    statistics = FeatureStatistics.from_features(judgement.features)
    real = context.reference.statistics
    return Validation(
        generator_steps,
        inception_score(judgement.probabilities, splits).mean if knows_classes else None,
        frechet_distance(statistics, real),
        (statistics.covariance.trace().cpu() / real.covariance.trace().cpu()).item(),
    )


class Training:
    """From fresh weights to the averaged generator that validated best.

    name: names the random streams, the checkpoints and the log lines, e.g. "train", "candidate-0".
    """

    def __init__(
        self,
        architecture: Architecture,
        generator_steps: int,
        name: str,
        context: Context,
        run: Run,
        progress: Progress,
    ) -> None:
        self.architecture = architecture
        self.generator_steps = generator_steps
        self.name = name
        self.context = context
        self.settings = settings = context.settings.train
        self.run = run
        self.progress = progress
        self.gan = Gan(
            self._new_generator(),
            SearchSpace.only(architecture).discriminator(settings.discriminator_channels),
            learning_rate=settings.learning_rate,
            betas=settings.betas,
            compute=context.compute,
            seed=context.settings.seed,
            purpose=name,
            average_decay=settings.average_decay,
        )
        self.batches = Batches(
            context.data.train.placed_on(context.compute.device).pixels,
            settings.discriminator_batch,
            context.settings.seed,
            name,
        )
        stage = len(architecture) - 1
        self._step_work = context.work.generator_step(settings, stage)
        self._step_work += settings.discriminator_steps * context.work.discriminator_step(
            settings, stage
        )
        self.step = 0  # generator steps done
        self.validations: list[Validation] = []
        self.best: Validation | None = None
        self.best_state: dict[str, Tensor] = {}

    def _new_generator(self) -> Generator:
        return SearchSpace.only(self.architecture).generator(
            latent_size=self.context.settings.network.latent_size,
            channels=self.settings.generator_channels,
            bottom_size=self.context.settings.network.bottom_size,
        )

    def run_all(self) -> Generator:
        """Trains to the last step, from the run's newest checkpoint where there is one.

        Returns the averaged generator that validated best. Raises `Diverged` where training goes
        wrong again and again.
        """
        self.run.carry(self.name, self, self._train)
        best = self._new_generator()
        best.load_state_dict(self.best_state)
        return self.context.compute.place(best.eval())

    def _train(self) -> None:
        while self.step < self.generator_steps or self._validation_is_due():
            if self._validation_is_due():
                self.validate()
                self.run.step_done(keep=True)
            else:
                self._train_step()
                self.run.step_done()

    def _train_step(self) -> None:
        """Discriminator steps and a generator step."""
        self.gan.set_learning_rate(self.learning_rate_factor())
        for _ in range(self.settings.discriminator_steps):
            loss = self.gan.discriminator_step(self.batches.next(), self.architecture)
        generator_loss = self.gan.generator_step(self.settings.generator_batch, self.architecture)
        self.step += 1
        self.progress.advance(self._step_work)
        if self.step % 10 == 0:
            self.progress.status(f"{self.name}: step {self.step} of {self.generator_steps}")
        log_every = max(1, self.run.settings.log_every_steps // self.settings.discriminator_steps)
        if self.step % log_every == 0:
            self._log_losses(loss, generator_loss)

    def _validation_is_due(self) -> bool:
        """Whether the present step ends an interval, or all, and was not validated yet."""
        at_end = self.step == self.generator_steps
        at_interval = self.step > 0 and self.step % self.settings.validate_every_steps == 0
        validated = bool(self.validations) and self.validations[-1].generator_steps == self.step
        return (at_end or at_interval) and not validated

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
        self.progress.status(f"{self.name}: validation after {self.step} steps")
        try:
            with self.run.stopping.at_once():
                validation = validation_of(averaged, self.step, self.context)
        except FloatingPointError as error:
            raise Diverged(f"The generator's images cannot be scored: {error}") from None
        self.validations.append(validation)
        if validation.better_than(self.best, self.context.settings.derive.metric):
            self.best = validation
            self.best_state = {k: v.clone() for k, v in self.gan.average.state_dict().items()}
        self.run.log("validation", part=self.name, **asdict(validation))
        for name in ("inception_score", "frechet_distance"):
            value = getattr(validation, name)
            if value is not None:
                self.progress.metric(name, value)
        last = len(self.architecture) - 1
        images = self.settings.validation_images
        self.progress.advance(self.context.work.scoring(self.settings, last, images))

    def _log_losses(self, discriminator_loss: Tensor, generator_loss: Tensor) -> None:
        losses = {
            "discriminator_loss": discriminator_loss.item(),
            "generator_loss": generator_loss.item(),
        }
        if not all(map(math.isfinite, losses.values())):
            raise Diverged(f"The training {self.name} went wrong in step {self.step}: {losses}.")
        self.run.log("losses", part=self.name, step=self.step, **losses)

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
            k: v.to(self.context.compute.device) for k, v in state["best_state"].items()
        }

    def position(self) -> dict[str, Any]:
        """Generator steps that are done."""
        return {"step": self.step}

    def refuse_non_finite(self) -> None:
        """Raises `Diverged` where the weights are no finite numbers any more."""
        self.gan.refuse_non_finite()

    def reseed(self, attempt: int) -> None:
        """Other latents from here on."""
        self.gan.reseed(attempt)


def train(
    architecture: Architecture,
    generator_steps: int,
    name: str,
    context: Context,
    run: Run,
    progress: Progress,
) -> tuple[Generator, Training]:
    """Trains one architecture, from its newest checkpoint in the run's folder if there is one."""
    training = Training(architecture, generator_steps, name, context, run, progress)
    at = run.position(name)
    if at is not None:
        progress.skipped(context.work.training(at["step"]))
    return training.run_all(), training
