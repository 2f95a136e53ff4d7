"""How much work a run is, in multiply-accumulates, before it is done."""

from autogan.config import AdversarialSettings, Settings
from autogan.nets.cost import discriminator_cost, generator_cost
from autogan.space import SearchSpace

_BACKWARD = 2  # a backward pass is about two forward passes
_JUDGE_WORK = 24e6  # of the classifier in judges/network.py, at width 32, for a 32×32 image


class Work:
    """The work of each kind of step, for one run's settings.

    Where the architecture of a step is not known yet, the space's first member stands for it.
    """

    def __init__(self, settings: Settings, training_images: int) -> None:
        self.settings = settings
        self.training_images = training_images

    def _generator(self, widths: AdversarialSettings, stage: int) -> int:
        return generator_cost(
            SearchSpace.autogan(stage + 1).first(),
            latent_size=self.settings.network.latent_size,
            channels=widths.generator_channels,
            bottom_size=self.settings.network.bottom_size,
        ).multiply_accumulates

    def _discriminator(self, widths: AdversarialSettings, stage: int) -> int:
        return discriminator_cost(
            stages=self.settings.cells,
            stage=stage,
            channels=widths.discriminator_channels,
            image_size=self.settings.network.bottom_size << (stage + 1),
        ).multiply_accumulates

    def _judge(self) -> float:
        """One image: the multiply-accumulates of the classifier grow with the square of both."""
        recipe = self.settings.judge
        return _JUDGE_WORK * (recipe.width / 32) ** 2 * (recipe.image_size / 32) ** 2

    def judge_training(self) -> float:
        """Training the domain judge."""
        return self.settings.judge.epochs * self.training_images * (1 + _BACKWARD) * self._judge()

    def discriminator_step(self, widths: AdversarialSettings, stage: int) -> float:
        """One discriminator step at a stage."""
        discriminator = 2 * (1 + _BACKWARD) * self._discriminator(widths, stage)
        return widths.discriminator_batch * (discriminator + self._generator(widths, stage))

    def generator_step(self, widths: AdversarialSettings, stage: int) -> float:
        """One generator step at a stage; D's backward pass makes no weight gradients."""
        generator = (1 + _BACKWARD) * self._generator(widths, stage)
        return widths.generator_batch * (generator + 2 * self._discriminator(widths, stage))

    def scoring(self, widths: AdversarialSettings, stage: int, images: int) -> float:
        """Making and judging `images` images at a stage."""
        return images * (self._generator(widths, stage) + self._judge())

    def shared_steps(self) -> int:
        """Discriminator steps of one iteration's shared training."""
        search = self.settings.search
        batches = self.training_images // search.discriminator_batch
        return max(1, round(search.shared_epochs * batches))

    def search(self) -> float:
        """The whole search, with the scoring of candidates at the end of every stage."""
        search = self.settings.search
        starts = [*search.stage_starts(), search.iterations]
        total = 0.0
        for stage in range(self.settings.cells):
            steps = self.shared_steps()
            iteration = steps * self.discriminator_step(search, stage)
            iteration += steps / search.discriminator_steps * self.generator_step(search, stage)
            child = self.scoring(search, stage, search.reward_images)
            samples = search.controller_steps * search.controller.samples_per_step
            total += (starts[stage + 1] - starts[stage]) * (iteration + samples * child)
            if stage + 1 < self.settings.cells:
                total += search.candidates * child
        return total

    def candidates(self) -> float:
        """Scoring the sampled candidates with the shared weights."""
        search, last = self.settings.search, self.settings.cells - 1
        return self.settings.derive.candidates * self.scoring(search, last, search.reward_images)

    def training(self, generator_steps: int) -> float:
        """Training one architecture from scratch, with its validations."""
        train, last = self.settings.train, self.settings.cells - 1
        step = train.discriminator_steps * self.discriminator_step(train, last)
        step += self.generator_step(train, last)
        validations = -(-generator_steps // train.validate_every_steps)
        validation = self.scoring(train, last, train.validation_images)
        return generator_steps * step + validations * validation

    def evaluation(self) -> float:
        """Scoring the winner and an untrained generator."""
        last = self.settings.cells - 1
        return 2 * self.scoring(self.settings.train, last, self.settings.evaluate.images)

    def plan(self) -> dict[str, float]:
        """The parts of a whole run, in order."""
        derive, train = self.settings.derive, self.settings.train
        budget = derive.generator_steps or train.generator_steps
        plan = {
            "search": self.search(),
            "derive": self.candidates() + derive.top * self.training(budget),
        }
        if budget != train.generator_steps:
            plan["train"] = self.training(train.generator_steps)
        return {**plan, "evaluate": self.evaluation()}
