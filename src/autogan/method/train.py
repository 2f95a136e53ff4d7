"""Training one architecture: from scratch (paper section 4), from what a search has learned, or on from
where another training ended."""

from collections import deque
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from autogan.basics.errors import Diverged, UserError
from autogan.basics.randomness import torch_generator
from autogan.files.storage import DamagedFile
from autogan.gan.averaging import HalfLife
from autogan.gan.from_settings import discriminator_for, gan_for
from autogan.gan.schedules import Schedule
from autogan.judges import FeatureStatistics, frechet_distance, inception_score
from autogan.method.context import Context
from autogan.method.evaluate import judge_generator
from autogan.method.game_batches import GameBatches
from autogan.method.losses import read_losses
from autogan.method.subject import DISCRIMINATOR, SEARCH, with_discriminator
from autogan.progress.base import Progress
from autogan.runs.checkpoints import load_checkpoint
from autogan.runs.drive import drive
from autogan.runs.ended_training import TRAINING
from autogan.runs.events import Event, Losses, Validated
from autogan.runs.folder import Run
from autogan.runs.outcomes import Validation, from_plain, to_plain
from autogan.runs.standstill import FEWEST, standstill, standstill_words
from autogan.runs.stopping import Stopping
from autogan.settings.sections import Settings, TrainSettings
from autogan.spaces.architecture import Architecture
from autogan.spaces.networks import Generator
from autogan.spaces.space import SearchSpace


def validation_of(generator: Generator, generator_steps: int, context: Context) -> Validation:
    """Scores on the validation latents, always the same ones, which the final scores never use."""
    judgement = judge_generator(
        generator,
        context,
        context.settings.train.validation_images,
        torch_generator(context.settings.seed, "validation/latents"),
        context.wanted_labels(context.settings.train.validation_images, "validation/labels"),
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


def average_decay_of(settings: TrainSettings) -> float | HalfLife:
    """How the averaged generator forgets."""
    if settings.average_half_life_images is None:
        return settings.average_decay
    return HalfLife(
        settings.average_half_life_images,
        settings.average_seen_share,
        settings.discriminator_batch * settings.discriminator_steps,
    )


class Log(Protocol):
    """Where a training's events go."""

    def log(self, event: Event) -> None:
        """Takes one."""


class TrainingRun(Protocol):
    """What a training needs of its run: a `Run`, or what has no folder."""

    @property
    def settings(self) -> Settings:
        """Say how often losses are logged."""

    @property
    def stopping(self) -> Stopping:
        """Whether the work was asked to stop."""

    @property
    def journal(self) -> Log:
        """Is told losses and validations."""


class Training:
    """From fresh or inherited weights to the averaged generator that validated best.

    architecture: of a generator, or of a pair, whose discriminator it then trains against; `architecture`
    is the generator's, `discriminator` what is trained against, None for the space's own.
    name: names the random streams, the checkpoints and the log lines, e.g. "train", "candidate-0".
    """

    def __init__(
        self,
        architecture: Architecture,
        generator_steps: int,
        name: str,
        context: Context,
        run: TrainingRun,
        progress: Progress,
    ) -> None:
        self.architecture, self.discriminator = with_discriminator(architecture, context)
        self.generator_steps = generator_steps
        self.name = name
        self.context = context
        self.settings = settings = context.settings.train
        self.run = run
        self.progress = progress
        self.gan = gan_for(
            settings,
            self._new_generator(),
            discriminator_for(settings, context.space, context.classes, self.discriminator),
            context.compute,
            seed=context.settings.seed,
            purpose=name,
            average_decay=average_decay_of(settings),
        )
        self.batches = GameBatches(
            context.data.train.placed_on(context.compute.device).pixels,
            settings,
            context.settings.seed,
            name,
            generator_sees_real=self.gan.objective.generator_sees_real,
            labels=context.labels,
        )
        stage = len(architecture) - 1
        self._step_cost = context.workload.generator_step(settings, stage)
        self._step_cost += settings.discriminator_steps * context.workload.discriminator_step(
            settings, stage
        )
        self.schedule = Schedule(settings, generator_steps)
        self.steps_done = 0  # generator steps
        self.until = generator_steps  # of these; fewer where it is looked at before it may go on
        self.validations: list[Validation] = []
        self.best: Validation | None = None
        self.best_state: dict[str, Tensor] = {}
        self._last_losses: deque[Losses] = deque(maxlen=FEWEST)
        self._stands_still = False  # and it was said

    def _new_generator(self) -> Generator:
        return SearchSpace.only(self.architecture).generator(
            latent_size=self.context.settings.network.latent_size,
            channels=self.settings.generator_channels,
            bottom_size=self.context.settings.network.bottom_size,
            classes=self.context.classes,
        )

    @property
    def done(self) -> bool:
        """Whether the last step that is wanted for now was done and validated."""
        return self.steps_done >= self.until and not self._validation_is_due()

    def step(self) -> bool:
        """A training step, or a validation where one is due; whether it was a validation."""
        if self._validation_is_due():
            self.validate()
            return True
        self._train_step()
        return False

    def best_generator(self) -> Generator:
        """The averaged generator that validated best, in evaluation mode."""
        best = self._new_generator()
        best.load_state_dict(self.best_state)
        return self.context.compute.place(best.eval())

    def averaged_generator(self) -> Generator:
        """A copy of the averaged generator as it stands now."""
        assert self.gan.average is not None
        averaged = self._new_generator()
        averaged.load_state_dict(self.gan.average.state_dict())
        return averaged

    def _train_step(self) -> None:
        """Discriminator steps and a generator step."""
        self.schedule.apply(self.gan, self.steps_done)
        for _ in range(self.settings.discriminator_steps):
            loss = self.gan.discriminator_step(self.batches.next(), self.architecture)
        generator_loss = self.gan.generator_step(
            self.settings.generator_batch, self.architecture, self.batches.next_for_generator()
        )
        self.steps_done += 1
        self.progress.advance(self._step_cost)
        if self.steps_done % 10 == 0:
            self.progress.status(f"{self.name}: step {self.steps_done} of {self.generator_steps}")
        log_every = max(1, self.run.settings.log_every_steps // self.settings.discriminator_steps)
        if self.steps_done % log_every == 0:
            probability = self.gan.augmentation.learned_probability()
            losses = read_losses(
                self.name, self.steps_done, loss, generator_loss, None, probability
            )
            self.run.journal.log(losses)
            self._look_for_standstill(losses)

    def _look_for_standstill(self, losses: Losses) -> None:
        self._last_losses.append(losses)
        step = standstill(self._last_losses)
        if step is not None and not self._stands_still:
            self.progress.note(f"{self.name}: {standstill_words(step)}")
        self._stands_still = step is not None

    def _validation_is_due(self) -> bool:
        """Whether the present step ends an interval, or all, and was not validated yet."""
        at_end = self.steps_done == self.generator_steps
        at_interval = (
            self.steps_done > 0 and self.steps_done % self.settings.validate_every_steps == 0
        )
        validated = (
            bool(self.validations) and self.validations[-1].generator_steps == self.steps_done
        )
        return (at_end or at_interval) and not validated

    def validate(self) -> None:
        """Scores the averaged generator on the validation latents, always the same ones."""
        assert self.gan.average is not None
        averaged = self.averaged_generator()
        self.progress.status(f"{self.name}: validation after {self.steps_done} steps")
        try:
            with self.run.stopping.at_once():
                validation = validation_of(averaged, self.steps_done, self.context)
        except FloatingPointError as error:
            raise Diverged(f"The generator's images cannot be scored: {error}") from None
        self.validations.append(validation)
        if validation.better_than(self.best, self.context.settings.derive.metric):
            self.best = validation
            self.best_state = {k: v.clone() for k, v in self.gan.average.state_dict().items()}
        self.run.journal.log(Validated(self.name, validation))
        for name in ("inception_score", "frechet_distance"):
            value = getattr(validation, name)
            if value is not None:
                self.progress.metric(name, value)
        last = len(self.architecture) - 1
        images = self.settings.validation_images
        self.progress.advance(self.context.workload.scoring(self.settings, last, images))

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        return {
            "step": self.steps_done,
            "gan": self.gan.state_dict(),
            "batches": self.batches.state_dict(),
            "validations": [to_plain(validation) for validation in self.validations],
            "best": to_plain(self.best) if self.best else None,
            "best_state": self.best_state,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes back to a state that `state_dict` gave."""
        self.steps_done = state["step"]
        self.gan.load_state_dict(state["gan"])
        self.batches.load_state_dict(state["batches"])
        self.validations = [from_plain(Validation, v) for v in state["validations"]]
        self.best = from_plain(Validation, state["best"]) if state["best"] else None
        self.best_state = {
            k: v.to(self.context.compute.device) for k, v in state["best_state"].items()
        }

    def go_on_from(self, ended: dict[str, Any]) -> None:
        """Begins with networks, average, optimisers, streams and batches as an ended training left them.

        Steps, rates and validations count anew. ended: what its `state_dict` gave.
        """
        self.gan.load_state_dict(ended["gan"])
        self.gan.set_learning_rate(1.0)  # schedules leave that alone which they let stay
        self.batches.load_state_dict(ended["batches"])

    def position(self) -> dict[str, Any]:
        """Generator steps that are done."""
        return {"step": self.steps_done}

    def refuse_non_finite(self) -> None:
        """Raises `Diverged` where the weights are no finite numbers any more."""
        self.gan.refuse_non_finite()

    def reseed(self, attempt: int) -> None:
        """Other latents from here on."""
        self.gan.streams.latents.reseed(attempt)


def ended_state(folder: Path) -> dict[str, Any]:
    """The last state of the training of a run that has ended; `UserError` where it is gone or damaged."""
    try:
        state = load_checkpoint(folder, TRAINING)
    except DamagedFile as damage:
        raise UserError(f"{damage} So nothing can go on from it.") from None
    if state is None:
        raise UserError(f"The state that the training goes on from is gone from {folder}.")
    return state


def shared_weights(run: Run) -> dict[str, Any]:
    """The state of the game that the run's search, or the later one of two, has played."""
    searched = next(part for part in (DISCRIMINATOR, SEARCH) if run.checkpoints.position(part))
    state = run.checkpoints.load(searched)
    assert state is not None, f"the state of {searched} is gone"
    game: dict[str, Any] = state["gan"]
    return game


def train(
    architecture: Architecture,
    generator_steps: int,
    name: str,
    context: Context,
    run: Run,
    progress: Progress,
) -> Training:
    """Trains one architecture to its end, from its newest checkpoint in the run's folder if there is one.

    Raises `Diverged` where training goes wrong again and again.
    """
    training = Training(architecture, generator_steps, name, context, run, progress)
    at = run.checkpoints.position(name)
    if at is not None:
        progress.skipped(context.workload.training(at["step"]))
    elif run.task and run.task.start:
        training.go_on_from(ended_state(Path(run.task.start)))
    elif training.settings.start == "shared":
        training.gan.inherit(shared_weights(run))
    processes = context.compute.processes
    with run.stopping.together(processes.agreed) if processes.count > 1 else nullcontext():
        drive(training, run.keeper(name))
    return training
