"""Filling a table: one architecture after the other, trained from scratch through its rungs, and scored.

The unit is a training: one that is interrupted leaves nothing and is done again, and what stands in
the file is of one process from beginning to end.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from autogan.basics.errors import Diverged, UserError
from autogan.device.compute import gpu_name
from autogan.device.processor import processor_name
from autogan.method.context import Context
from autogan.method.train import Training
from autogan.progress.base import Cost, Progress
from autogan.runs.events import Event, Losses
from autogan.runs.stopping import Stopping
from autogan.settings.sections import Settings
from autogan.spaces.architecture import Architecture
from autogan.spaces.limits import Costs
from autogan.trials.table_file import TableWriter, create, members_in_order, reading
from autogan.trials.table_recipe import identity_of, refuse_unfixed
from autogan.trials.table_scores import refuse_few_images, table_scores
from autogan.trials.table_values import RungRecord, TrainingRecord

REPEATED = 200
"""Architectures, the first in the order of training, that are trained with more seeds than one."""
SEEDS = 3
"""That these have."""


@dataclass(frozen=True)
class Shard:
    """Which of the trainings: those whose place leaves `number - 1` when divided by `of`."""

    number: int = 1
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """3/16: the third of sixteen. Raises `UserError` for what is none."""
        number, _, of = text.partition("/")
        if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
            raise UserError(
                f"--shard takes a number and how many there are, as 3/16; not {text!r}."
            )
        return cls(int(number), int(of))


@dataclass(frozen=True)
class Plan:
    """What is to be trained: seed 0 of the first architectures in the order of training, or of all;
    then the other seeds of the first `repeated` of them."""

    first: int | None = None
    repeated: int = REPEATED
    seeds: int = SEEDS

    def jobs(self, members: list[Architecture], shard: Shard) -> list[tuple[Architecture, int]]:
        """Architecture and seed of each training of a shard, in order."""
        chosen = members[: self.first]
        jobs = [(a, 0) for a in chosen]
        jobs += [(a, seed) for seed in range(1, self.seeds) for a in chosen[: self.repeated]]
        return jobs[shard.number - 1 :: shard.of]


class LossCurve:
    """Stands for a run's journal: keeps the losses of one training."""

    def __init__(self) -> None:
        self.losses: list[tuple[int, float, float]] = []

    def log(self, event: Event) -> None:
        """Keeps losses."""
        if isinstance(event, Losses):
            at = (event.step, event.discriminator_loss, event.generator_loss)
            self.losses.append(at)


@dataclass(frozen=True)
class Bench:
    """Stands for the run of one training, which has no folder."""

    settings: Settings
    stopping: Stopping
    journal: LossCurve


class Collector:
    """Trains what a shard of a table lacks; `step` does one training, until `done`.

    context: with the recipe's settings. path: of the table's file, which is made where there is none.
    """

    def __init__(
        self, path: Path, context: Context, plan: Plan, shard: Shard, stopping: Stopping
    ) -> None:
        refuse_unfixed(context.settings)
        refuse_few_images(context)
        identity = identity_of(context)
        self._costs = Costs(context.settings, context.classes, context.compute.device)
        create(path, identity, self._sizes)
        self._writer = TableWriter(path, identity)
        self._context = context
        self._stopping = stopping
        self._machine = _machine(context)
        jobs = plan.jobs(members_in_order(identity.search_space()), shard)
        with reading(path) as connection:
            rows = connection.execute(
                "SELECT architecture, seed FROM trainings JOIN architectures USING (number)"
            )
            there = set(rows.fetchall())
        self._left = [(a, seed) for a, seed in jobs if (str(a), seed) not in there]
        self.planned = len(jobs)
        steps, *_ = context.workload.training(context.settings.trials.rung_steps[-1])
        self.cost: Cost = steps
        """Of one training."""

    @property
    def done(self) -> bool:
        """Whether the shard has all of its trainings."""
        return not self._left

    @property
    def collected(self) -> int:
        """Trainings of the shard that stand in the file."""
        return self.planned - len(self._left)

    def step(self) -> TrainingRecord:
        """One training, written to the file."""
        architecture, seed = self._left[0]
        record = self._trained(architecture, seed)
        with self._stopping.in_steps():
            self._writer.add(record)
            self._left.pop(0)
        self._stopping.check()
        return record

    def close(self) -> None:
        """Closes the file."""
        self._writer.close()

    def _sizes(self, architecture: Architecture) -> tuple[int, int]:
        return (
            round(self._costs.of(architecture, "parameters")),
            round(self._costs.of(architecture, "multiply_accumulates")),
        )

    def _trained(self, architecture: Architecture, seed: int) -> TrainingRecord:
        curve = LossCurve()
        training, steps = self._training(architecture, seed, curve)
        watch = StopWatch(self._context.compute.device)
        rungs: list[RungRecord] = []
        reason = ""
        try:
            for rung in self._through_rungs(training, steps, watch):
                rungs.append(rung)
        except Diverged as error:
            reason = str(error)
        training.gan.forget_recordings()
        if self._context.compute.device.type == "cuda":
            torch.cuda.empty_cache()  # several processes may share the GPU
        return TrainingRecord(
            architecture=architecture,
            seed=seed,
            state="diverged" if reason else "complete",
            rungs=tuple(rungs),
            seconds=watch.seconds,
            latency_milliseconds=round(self._costs.of(architecture, "latency_milliseconds"), 3),
            machine=self._machine,
            ended=round(time.time(), 1),
            losses=tuple(curve.losses),
            reason=reason,
        )

    def _training(
        self, architecture: Architecture, seed: int, curve: LossCurve
    ) -> tuple[Training, tuple[int, ...]]:
        """A training that never validates by itself, and the steps of its rungs."""
        settings = self._context.settings
        steps = settings.trials.rung_steps
        train = settings.train.model_copy(
            update={"generator_steps": steps[-1], "validate_every_steps": steps[-1]}
        )
        settings = settings.model_copy(update={"train": train, "seed": seed})
        bench = Bench(settings, self._stopping, curve)
        context = replace(self._context, settings=settings)
        return Training(architecture, steps[-1], "table", context, bench, Progress()), steps

    def _through_rungs(
        self, training: Training, steps: tuple[int, ...], watch: "StopWatch"
    ) -> Iterator[RungRecord]:
        for until in steps:
            with watch:
                while training.steps_done < until:
                    training.step()
                training.refuse_non_finite()
            averaged = training.averaged_generator()
            scoring = StopWatch(self._context.compute.device)
            with scoring:
                validation = table_scores(averaged, self._context, "validation")
            test = table_scores(averaged, self._context, "test")
            yield RungRecord(until, watch.seconds, scoring.seconds, validation, test)


class StopWatch:
    """Seconds that work inside `with` takes: of the processor where it is done there, so that other work
    of the machine counts for little; else of the clock."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._clock: Callable[[], float] = (
            time.process_time if device.type == "cpu" else time.perf_counter
        )
        self._seconds = 0.0
        self._began: float | None = None

    @property
    def seconds(self) -> float:
        """So far, to the millisecond."""
        return round(self._seconds, 3)

    def __enter__(self) -> None:
        self._began = self._clock()

    def __exit__(self, *_: object) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        assert self._began is not None
        self._seconds += self._clock() - self._began


def _machine(context: Context) -> str:
    """What trains: the processor or the GPU, and with how many threads."""
    device = context.compute.device
    if device.type == "cuda":
        return f"{gpu_name(str(device))}, torch {torch.__version__}"
    threads = torch.get_num_threads()
    return f"{processor_name()}, {threads} thread{'s' * (threads > 1)}, torch {torch.__version__}"
