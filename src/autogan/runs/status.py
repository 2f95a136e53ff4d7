"""Where a run is, and whether a process is at work on it, told from its folder alone."""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

from autogan.basics.errors import UserError
from autogan.runs.contents import Damage, SurrogateRow
from autogan.runs.events import Losses
from autogan.runs.file_names import DATA, DERIVED, GENERATOR, RESULTS
from autogan.runs.ingredients import ingredients_in_short
from autogan.runs.plan import Plan, Reached
from autogan.runs.positions import SearchPosition
from autogan.runs.record import RunRecord, read_record
from autogan.runs.workload import Workload
from autogan.settings.sections import Settings


@dataclass(frozen=True)
class Status:
    """Where a run is.

    running: whether a process is at work on it.
    part: "data and judge", "search", "discriminator", "derive", "train", "evaluate" or "finished".
    position: where inside the part, in words. kept: what going on would start from.
    strategy: of its search, by name; None where no search is left to do. limits: of its architectures, in
    words; "" where there are none. trains_with: loss, penalties, classes and changes of images in short.
    share: of the run's work that is done and kept, 0 to 1; None while the data are not loaded.
    left: the parts that are still to be done, the present one first.
    seconds_since_write: since any file of the folder was written.
    next_command: the command line that goes on; None where nothing is left, or where the run does
        not say which command it is of.
    """

    command: str | None
    running: bool
    part: str
    position: str
    kept: str
    strategy: str | None
    limits: str
    trains_with: str
    share: float | None
    left: list[str]
    seconds_since_write: float
    next_command: str | None


def status_of(folder: Path) -> Status:
    """Reads a run's folder; raises `UserError` where it holds no run, or damage that it goes on from."""
    record = read_record(folder)
    _refuse_damage(record)
    assert record.settings is not None
    workload = None
    if (
        record.data is not None
    ):  # the judge's training is not counted: what is kept of it is not told
        workload = Workload(
            record.settings, record.data.training_images, 0, classes=record.data.classes
        )
    plan = Plan.of(record.settings, record.task, workload, derives=record.derived is not None)
    ended = record.trials.ended if record.trials else 0
    reached = Reached(record.positions, record.data is not None, _evaluated(record), ended)
    left = plan.left(reached)
    part = left[0] if left else "finished"
    position, kept = _where(part, plan, reached, record, record.settings)
    return Status(
        record.task.command if record.task else None,
        record.locked,
        part,
        position,
        kept,
        record.settings.search.strategy if "search" in left else None,
        record.settings.search.limits.in_words,
        ingredients_in_short(record),
        plan.share(reached),
        [*left],
        _seconds_since_write(folder),
        plan.next_command(folder, reached),
    )


def _refuse_damage(record: RunRecord) -> None:
    """Damaged results are no obstacle: going on makes them again."""
    if (damage := record.config.damage()) is not None:
        raise damage
    damaged: list[Damage] = [
        record.damages[name] for name in (DATA, DERIVED) if name in record.damages
    ]
    for file in damaged:
        raise file.refusal(record.folder)
    _ = record.positions
    if record.log.no_json is not None:
        raise UserError(f"{record.folder / 'log.jsonl'} is damaged: {record.log.no_json}.")


def _evaluated(record: RunRecord) -> bool:
    there = all((record.folder / name).exists() for name in (RESULTS, GENERATOR))
    return there and RESULTS not in record.damages


def _where(
    part: str, plan: Plan, reached: Reached, record: RunRecord, settings: Settings
) -> tuple[str, str]:
    """Position in a part, and what is kept of it, in words."""
    match part:
        case "data and judge":
            judge = reached.positions.judge
            return "", f"{judge.step} of {judge.of} steps of the judge" if judge else ""
        case "search":
            at = reached.positions.search or SearchPosition()
            position, kept = _searching(at, plan.iterations, settings)
            return position + _probability(record, "search"), kept
        case "discriminator" if reached.positions.discriminator is None:
            return "scoring generators with the shared weights", "the search for generators"
        case "discriminator":
            at = reached.positions.discriminator or SearchPosition()
            position, kept = _searching(at, plan.discriminator_iterations, settings)
            return position + _probability(record, "discriminator"), f"{kept} for discriminators"
        case "trials":
            ended = f"{reached.trials} of {plan.trials} trials have ended"
            if record.trials is not None and record.trials.surrogate is not None:
                ended += f"; {surrogate_words(record.trials.surrogate)}"
            return ended, "every trial, in a folder of its own"
        case "derive" if reached.positions.derive is None:
            return "scoring candidates with the shared weights", "the whole search"
        case "derive":
            number = reached.candidates
            where, kept = _training(f"candidate-{number}", plan.derive_steps, reached, record)
            trained = f"{number} of {plan.top} candidates"
            return f"candidate {number + 1}: {where}", f"{trained}, then {kept}"
        case "train":
            return _training("train", plan.train_steps, reached, record)
    return "", "all parts before it" if part == "evaluate" else ""


def _searching(at: SearchPosition, iterations: int | None, settings: Settings) -> tuple[str, str]:
    """Position in a search of so many iterations, and what is kept of it, in words."""
    stage = sum(start <= at.iteration for start in settings.search.stage_starts(iterations))
    position = f"iteration {at.iteration + 1} of {iterations}, stage {stage} of {settings.cells}"
    kept = f"{at.iteration} of {iterations} iterations of the search"
    if at.phase != "shared training" or at.step:
        kept += f" and {at.phase} to step {at.step}"
    return position, kept


def _training(name: str, steps: int | None, reached: Reached, record: RunRecord) -> tuple[str, str]:
    kept = reached.trained(name)
    seen = [line.step for line in record.of(Losses) if line.part == name]
    position = f"step {max([kept, *seen])} of {steps}{_probability(record, name)}"
    return position, f"{kept} of {steps} steps"


def _probability(record: RunRecord, part: str) -> str:
    """The latest adaptive probability of a part, where it has one."""
    found = [line.augmentation_probability for line in record.of(Losses) if line.part == part]
    latest = found[-1] if found else None
    return "" if latest is None else f", augmentation probability {latest:.3f}"


def _seconds_since_write(folder: Path) -> float:
    latest = 0.0
    for file in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # a run at work removes what it replaces
            latest = max(latest, file.stat().st_mtime if file.is_file() else 0.0)
    return max(0.0, time.time() - latest)


def surrogate_words(found: SurrogateRow) -> str:
    """How far a surrogate can be trusted, and what it did."""
    chosen = f"it chose {found.chosen} trials" if found.chosen else "it chose none yet"
    now = "chooses" if found.trusted else "is not trusted to choose"
    return (
        f"the surrogate {now}: rank agreement (Kendall's τ) {found.tau:.2f} with what "
        f"{found.architectures} architectures scored after {found.steps:,} steps, each predicted without "
        f"itself (unrelated orders: 0 ± {found.deviation:.2f}); {chosen}"
    )
