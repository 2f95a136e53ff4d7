"""What each kind of step of a run costs, in steps and multiply-accumulates, before it is done.

Which parts a run has is the plan's to say (plan.py).
"""

from autogan.images.classes import Classes
from autogan.judges.cost import INCEPTION_MULTIPLY_ACCUMULATES, classifier_multiply_accumulates
from autogan.progress.base import Cost
from autogan.settings.game import AdversarialSettings
from autogan.settings.sections import Settings
from autogan.spaces import search_space
from autogan.spaces.discriminator_architecture import told_discriminator
from autogan.spaces.sizes import discriminator_size, generator_size

_BACKWARD = 2  # a backward pass is about two forward passes
PENALTY_PASSES = 6  # a gradient of D's input, and the backward pass through it, in forward passes
_SCORED_AT_ONCE = 250  # images in a batch that is generated and judged (see gan/generation.py)


class Workload:
    """The cost of each kind of step, for one run's settings.

    Where the architecture of a step is not known yet, the space's first member stands for it.
    """

    def __init__(
        self,
        settings: Settings,
        training_images: int,
        judge_examples: int,
        classes: Classes | None = None,
    ) -> None:
        """judge_examples: what an epoch of the judge's training goes through (see judges/questions.py).

        classes: that the networks are told.
        """
        self.settings = settings
        self.training_images = training_images
        self.judge_examples = judge_examples
        self.classes = classes
        self.discriminator = told_discriminator(settings.network.discriminator, settings.cells)

    def _generator(self, widths: AdversarialSettings, stage: int) -> int:
        return generator_size(
            search_space(self.settings.network.space, stage + 1).first(),
            latent_size=self.settings.network.latent_size,
            channels=widths.generator_channels,
            bottom_size=self.settings.network.bottom_size,
            classes=self.classes,
        ).multiply_accumulates

    def _discriminator(self, widths: AdversarialSettings, stage: int) -> int:
        return discriminator_size(
            search_space(self.settings.network.space, self.settings.cells),
            stage,
            channels=widths.discriminator_channels,
            image_size=self.settings.network.bottom_size << (stage + 1),
            classes=self.classes,
            told=self.discriminator,
        ).multiply_accumulates

    def _judge(self) -> float:
        """Multiply-accumulates of one image."""
        judge = self.settings.judge
        if judge.kind == "inception":
            return INCEPTION_MULTIPLY_ACCUMULATES
        return classifier_multiply_accumulates(judge.width, judge.image_size)

    def judge_training(self) -> Cost:
        """Training the domain judge."""
        judge = self.settings.judge
        images = judge.epochs * self.judge_examples
        work = images * (1 + _BACKWARD) * self._judge()
        return Cost("judge", max(1, images // judge.batch_size), work, images)

    def discriminator_step(self, widths: AdversarialSettings, stage: int) -> Cost:
        """One discriminator step at a stage, with its share of the penalties."""
        images, objective = widths.discriminator_batch, widths.objective
        passes = 2.0 * (1 + _BACKWARD)
        passes += PENALTY_PASSES * objective.penalties / objective.penalty_every_steps
        discriminator = passes * self._discriminator(widths, stage)
        return Cost(
            "training", 1, images * (discriminator + self._generator(widths, stage)), images
        )

    def generator_step(self, widths: AdversarialSettings, stage: int) -> Cost:
        """One generator step at a stage; D's backward pass makes no weight gradients."""
        images = widths.generator_batch
        generator = (1 + _BACKWARD) * self._generator(widths, stage)
        passes = 3 if widths.objective.generator_sees_real else 2
        work = images * (generator + passes * self._discriminator(widths, stage))
        return Cost("training", 1, work, images)

    def scoring(self, widths: AdversarialSettings, stage: int, images: int) -> Cost:
        """Making and judging `images` images at a stage."""
        work = images * (self._generator(widths, stage) + self._judge())
        return Cost("scoring", images / _SCORED_AT_ONCE, work, images)

    def shared_steps(self) -> int:
        """Discriminator steps of one iteration's shared training."""
        search = self.settings.search
        if search.shared_epochs is None:
            assert search.shared_steps is not None  # SearchSettings sees to it
            return search.shared_steps
        batches = self.training_images // search.discriminator_batch
        return max(1, round(search.shared_epochs * batches))

    def probe(self, stage: int) -> Cost:
        """The game that a pair of a stage plays before it is scored."""
        search = self.settings.search
        round_ = search.discriminator_steps * self.discriminator_step(search, stage)
        return search.probe_steps * (round_ + self.generator_step(search, stage))

    def search(self, iterations: int | None = None) -> list[Cost]:
        """The first `iterations` iterations (all of them where left out), stage by stage.

        With the scoring of candidates at the end of every stage but the last.
        """
        search = self.settings.search
        probes = search.discriminator == "together"
        return self._searched(search.iterations, iterations, probes)

    def discriminator_search(self, iterations: int | None = None) -> list[Cost]:
        """The ranking of generators, and as much of the search for discriminators after theirs."""
        total = self.settings.search.iterations_of_discriminators
        return [*self.candidates(probes=False), *self._searched(total, iterations, True)]

    def _searched(self, total: int, iterations: int | None, probes: bool) -> list[Cost]:
        search = self.settings.search
        iterations = total if iterations is None else iterations
        starts = [*search.stage_starts(total), total]
        costs: list[Cost] = []
        for stage in range(self.settings.cells):
            inside = min(iterations, starts[stage + 1]) - starts[stage]
            if inside <= 0:
                break
            steps = self.shared_steps()
            training = steps * self.discriminator_step(search, stage)
            training += steps / search.discriminator_steps * self.generator_step(search, stage)
            child = self.scoring(search, stage, search.reward_images)
            children = inside * search.controller_steps * search.controller.samples_per_step
            if iterations >= starts[stage + 1] and stage + 1 < self.settings.cells:
                children += search.candidates
            costs += [inside * training, children * child]
            if probes:
                costs.append(children * self.probe(stage))
        return costs

    def candidates(self, *, probes: bool | None = None) -> list[Cost]:
        """Scoring the sampled candidates with the shared weights.

        probes: whether they are pairs, by default as the final ranking's are.
        """
        search, last = self.settings.search, self.settings.cells - 1
        count = self.settings.derive.candidates
        costs = [count * self.scoring(search, last, search.reward_images)]
        if search.discriminator != "fixed" if probes is None else probes:
            costs.append(count * self.probe(last))
        return costs

    def training(self, generator_steps: int) -> list[Cost]:
        """Training one architecture, and its validations."""
        train, last = self.settings.train, self.settings.cells - 1
        step = train.discriminator_steps * self.discriminator_step(train, last)
        step += self.generator_step(train, last)
        validations = -(-generator_steps // train.validate_every_steps)
        validation = self.scoring(train, last, train.validation_images)
        return [generator_steps * step, validations * validation]

    def trials(self) -> list[Cost]:
        """All trials of a search by trials, where as many go on as in the long run do."""
        trials = self.settings.trials
        costs: list[Cost] = []
        before = 0
        for rung, steps in enumerate(trials.rung_steps):
            reach = trials.count / trials.reduction**rung
            costs += [reach * cost for cost in self._between(before, steps)]
            before = steps
        return costs

    def _between(self, before: int, after: int) -> list[Cost]:
        """A training from so many generator steps to so many, with its validations."""
        validations = (after - before) / self.settings.trials.steps
        step, _ = self.training(1)
        stage = self.settings.cells - 1
        images = self.settings.train.validation_images
        return [
            (after - before) * step,
            validations * self.scoring(self.settings.train, stage, images),
        ]

    def evaluation(self) -> Cost:
        """Scoring the winner and an untrained generator."""
        last = self.settings.cells - 1
        return 2 * self.scoring(self.settings.train, last, self.settings.evaluate.images)
