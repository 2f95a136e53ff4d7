"""The parts of a run in order: which there are, what each costs, what of it is done, what goes on.

Said here once; the pipeline, progress, status, report and verify read it. Without torch.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from autogan.progress.base import Cost
from autogan.runs.positions import Positions
from autogan.runs.task import Command, Task, derive_command
from autogan.runs.workload import Workload
from autogan.settings.game import AdversarialSettings
from autogan.settings.sections import Settings

Part = Literal["data and judge", "search", "discriminator", "trials", "derive", "train", "evaluate"]
SEARCHES: tuple[Part, ...] = ("search", "discriminator", "trials")
"""The parts that search; the others train what was found, and score it."""
JUDGE = "judge"
"""What progress calls the part "data and judge"."""


@dataclass(frozen=True)
class Reached:
    """How far a run is. prepared: its data are known and judged; evaluated: its results are whole.

    trials: how many have ended, of a search by trials.
    """

    positions: Positions
    prepared: bool
    evaluated: bool
    trials: int = 0

    @property
    def iterations(self) -> int:
        """Iterations of the search that are done."""
        return self.positions.search.iteration if self.positions.search else 0

    @property
    def discriminator_iterations(self) -> int:
        """Iterations of the search for discriminators after it that are done."""
        return self.positions.discriminator.iteration if self.positions.discriminator else 0

    @property
    def candidates(self) -> int:
        """Candidates whose training has ended, well or not."""
        return self.positions.derive.candidates if self.positions.derive else 0

    def trained(self, name: str) -> int:
        """Generator steps of a training that are done."""
        return self.positions.trained(name)


@dataclass(frozen=True)
class Plan:
    """A run's parts and their amounts; an amount is None where the run's settings are not known.

    task: None where the run does not say it; it is taken for a whole one then.
    top: candidates to train; derive_steps, train_steps: generator steps of a candidate's training
    and of the full one. derives: whether a search's run goes on with its derivation. trials: how many
    trainings a search by trials begins.
    workload: prices the parts; None where the run's data are not known yet.
    discriminator_iterations: of the search for discriminators after the generators'; 0: there is none.
    """

    task: Task | None
    iterations: int | None
    top: int | None
    derive_steps: int | None
    train_steps: int | None
    derives: bool = False
    workload: Workload | None = None
    discriminator_iterations: int = 0
    trials: int | None = None

    @classmethod
    def of(
        cls,
        settings: Settings,
        task: Task | None,
        workload: Workload | None = None,
        *,
        derives: bool = False,
    ) -> "Plan":
        """For a run's settings and task."""
        return cls(
            task,
            settings.search.iterations,
            settings.derive.top,
            settings.derive.generator_steps or settings.train.generator_steps,
            settings.train.generator_steps,
            derives,
            workload,
            settings.search.iterations_of_discriminators,
            settings.trials.count,
        )

    @property
    def command(self) -> Command:
        """The command that the run is of; "run" where it does not say so."""
        return self.task.command if self.task else "run"

    @property
    def trains_again(self) -> bool:
        """Whether the winner is trained with another budget than the candidates were."""
        return self.derive_steps not in (None, self.train_steps)

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts of this run, in order."""
        if self.command == "train":
            return ("data and judge", "train", "evaluate")
        if self.task is not None and self.task.by_trials:
            return ("data and judge", "trials")
        searches: tuple[Part, ...] = ("search",)
        if self.discriminator_iterations:
            searches = ("search", "discriminator")
        if self.command == "search":
            derivation: tuple[Part, ...] = ("derive",) if self.derives else ()
            return ("data and judge", *searches, *derivation)
        if self.trains_again:
            return ("data and judge", *searches, "derive", "train", "evaluate")
        return ("data and judge", *searches, "derive", "evaluate")

    def candidates(self, ranked: int) -> int:
        """How many candidates of a ranking are trained."""
        return ranked if self.top is None else min(self.top, ranked)

    def costs(self) -> dict[str, list[Cost]]:
        """What progress is told: the parts by its names, each with its costs in order."""
        return {JUDGE if part == "data and judge" else part: self.cost(part) for part in self.parts}

    def cost(self, part: Part) -> list[Cost]:
        """What one part costs as a whole."""
        assert self.workload is not None and self.train_steps is not None
        assert self.top is not None and self.derive_steps is not None
        match part:
            case "data and judge":
                return [self.workload.judge_training()]
            case "search":
                return self.workload.search()
            case "discriminator":
                return self.workload.discriminator_search()
            case "trials":
                return self.workload.trials()
            case "derive":
                trainings = [self.top * cost for cost in self.workload.training(self.derive_steps)]
                return [*self.workload.candidates(), *trainings]
            case "train":
                return self.workload.training(self.train_steps)
        return [self.workload.evaluation()]

    def done(self, part: Part, reached: Reached) -> list[Cost]:
        """What of a part is done; of the judge's training that is not told."""
        assert self.workload is not None and self.derive_steps is not None
        match part:
            case "data and judge":
                return []
            case "search":
                return self.workload.search(reached.iterations)
            case "discriminator" if reached.positions.discriminator is None:
                return []
            case "discriminator":
                return self.workload.discriminator_search(reached.discriminator_iterations)
            case "trials":
                assert self.trials is not None
                share = min(1.0, reached.trials / self.trials)
                return [share * cost for cost in self.workload.trials()]
            case "derive":
                number = reached.candidates
                done = self.workload.candidates() if reached.positions.derive else []
                done += [number * cost for cost in self.workload.training(self.derive_steps)]
                return done + self.workload.training(reached.trained(f"candidate-{number}"))
            case "train":
                return self.workload.training(reached.trained("train"))
        return [self.workload.evaluation()] if reached.evaluated else []

    def share(self, reached: Reached) -> float | None:
        """The share of the run's work that is done, 0 to 1, without the judge's training.

        None while the run's data are not known.
        """
        if self.workload is None:
            return None
        counted = [part for part in self.parts if part != "data and judge"]
        planned = sum(cost.work for part in counted for cost in self.cost(part))
        done = sum(cost.work for part in counted for cost in self.done(part, reached))
        return min(1.0, done / planned)

    @property
    def share_of_search(self) -> float:
        """Of a run's multiply-accumulates, those of its search, 0 to 1; without the judge's training."""
        counted = [part for part in self.parts if part != "data and judge"]
        work = {part: sum(cost.work for cost in self.cost(part)) for part in counted}
        searched = [work[part] for part in counted if part in SEARCHES]
        return sum(searched) / sum(work.values())

    def ended(self, part: Part, reached: Reached) -> bool:
        """Whether a part is done."""
        match part:
            case "data and judge":
                return reached.prepared
            case "search":
                return reached.iterations == self.iterations
            case "discriminator":
                return reached.discriminator_iterations == self.discriminator_iterations
            case "trials":
                return self.trials is not None and reached.trials >= self.trials
            case "derive":
                derived = reached.positions.derive
                return derived is not None and derived.candidates == self.candidates(derived.of)
            case "train":
                return reached.trained("train") == self.train_steps
        return reached.evaluated

    def left(self, reached: Reached) -> list[Part]:
        """The parts that are still to be done, the present one first."""
        return [part for part in self.parts if not self.ended(part, reached)]

    def next_command(self, folder: Path, reached: Reached) -> str | None:
        """The command line that goes on with the run in `folder`; None where nothing is left, or
        where the run does not say which command it is of."""
        left = self.left(reached)
        if self.task is None:
            return None
        if self.command == "search" and not self.task.by_trials and left in ([], ["derive"]):
            return derive_command(folder) if left or not self.derives else None
        return self.task.resume_command(folder) if left else None


def trained_sections(settings: Settings, parts: Collection[Part]) -> dict[str, AdversarialSettings]:
    """The sections by which the parts of a run train networks, by name."""
    sections: dict[str, AdversarialSettings] = {}
    if "search" in parts:
        sections["search"] = settings.search
    if {"derive", "train", "trials"} & set(parts):
        sections["train"] = settings.train
    return sections
